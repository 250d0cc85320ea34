"""Cuts the active manifest out of a manifest store.

A store is a tree of JUMBF superboxes (ISO 19566-5): the outer one is labelled `c2pa` and holds one
superbox for each manifest, whose label is the manifest's id (C2PA 2.2, section 11.1). A box is its
size (4 bytes), its type (4), in the large form its size again (8), and its content. A superbox
(`jumb`) begins with a description (`jumd`): a type (16), toggles (1), and a label that ends in 0.
No signature covers the outer box, so a store of fewer manifests is one as good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_LABELLED = 0x02
"""The toggle of a description that has a label."""


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    whole: bytes
    content: bytes


def only(store: bytes, manifest_id: str) -> bytes:
    """The store with nothing in it but one manifest.

    Args:
        store: a manifest store.
        manifest_id: label of the manifest.

    Raises:
        ValueError: it is no store, or does not hold that manifest exactly once.
    """
    outer = next(_boxes(store), None)
    if outer is None or outer.kind != b"jumb":
        raise ValueError("the manifest store does not begin with a JUMBF superbox")
    description, *manifests = _boxes(outer.content)
    found = [box for box in manifests if _label(box) == manifest_id.encode()]
    if description.kind != b"jumd" or len(found) != 1:
        raise ValueError(f"the manifest store holds {len(found)} manifests of this id; expected 1")
    content = description.whole + found[0].whole
    return (8 + len(content)).to_bytes(4, "big") + b"jumb" + content


def _boxes(data: bytes) -> Iterator[_Box]:
    at = 0
    while at < len(data):
        size, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:  # up to the end
            size = len(data) - at
        if size < head or at + size > len(data):
            raise ValueError("a JUMBF box reaches beyond the manifest store")
        yield _Box(kind, data[at : at + size], data[at + head : at + size])
        at += size


def _label(box: _Box) -> bytes | None:
    if box.kind != b"jumb":
        return None
    description = next(_boxes(box.content), None)
    if description is None or description.kind != b"jumd":
        return None
    toggles, rest = description.content[16:17], description.content[17:]
    if not toggles or not toggles[0] & _LABELLED:
        return None
    return rest.partition(b"\0")[0]
