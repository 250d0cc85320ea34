"""What Content Credentials say of how a file came to be, as a tree, with small pictures.

It is what the credentials *say*: whether they hold is in the report's evidence, and nothing here
judges it. Histories are written by anybody, so their depth, number and pictures are limited.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provenance import _c2pa
from provenance.report.pictures import Shown, thumbnail
from provenance.verify import store as stores
from provenance.verify.codes import explain
from provenance.verify.media import media_type

MAX_DEPTH = 12
MAX_STEPS = 60
MAX_PICTURES = 24

_PICTURE_BYTES = 4 << 20
_ACTIONS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One file in the history: the newest, or one that another was made from.

    Attributes:
        title: its name, as recorded; empty if none is.
        relationship: `parentOf`, `componentOf`, `inputTo`, or empty for the newest.
        signer: in whose name it was signed; empty if it has no credentials of its own.
        tool: what wrote the credentials.
        actions: what was done, in plain words.
        problems: what was found wrong when it was added.
        picture: a small picture of it, or None.
        made_from: the files that it was made from.
        cut: more came before, and is not shown.
    """

    title: str
    relationship: str
    signer: str
    tool: str
    actions: tuple[str, ...]
    problems: tuple[str, ...]
    picture: Shown | None
    made_from: tuple[Step, ...]
    cut: bool = False


def history(data: bytes) -> Step | None:
    """The history in the file's own credentials; None if it has none that can be read."""
    c2pa = _c2pa.load()
    kind = media_type(data)
    sniffed = kind if kind == "image/svg+xml" else None
    try:
        with (
            _c2pa.context() as context,
            c2pa.Reader(sniffed, io.BytesIO(data), None, context) as reader,
        ):
            store = json.loads(reader.json())
            return _Walk(store, reader).step(str(store.get("active_manifest")), {}, ())
    except Exception:  # none at all, or hostile ones, which find ways to fail that nobody listed
        return None


class _Walk:
    """Follows a store from the newest manifest back, and counts what it shows."""

    def __init__(self, store: Mapping[str, Any], reader: Any) -> None:
        self._manifests: Mapping[str, Any] = store.get("manifests") or {}
        self._reader = reader
        self._steps = 0
        self._pictures = 0

    def step(self, label: str, ingredient: Mapping[str, Any], seen: tuple[str, ...]) -> Step:
        """The manifest of that label, or an ingredient that has none."""
        self._steps += 1
        manifest = self._manifests.get(label) or {}
        inner = [i for i in _list(manifest.get("ingredients")) if isinstance(i, Mapping)]
        alone = {**manifest, "ingredients": inner}
        facts = stores.facts({"manifests": {label: alone}, "active_manifest": label})
        path = (*seen, label)
        followed, cut = [], False
        for each in inner:
            following = str(each.get("active_manifest") or "")
            if self._steps >= MAX_STEPS or len(path) >= MAX_DEPTH or following in path:
                cut = True
                break
            followed.append(self.step(following, each, path))
        return Step(
            title=str(ingredient.get("title") or manifest.get("title") or ""),
            relationship=str(ingredient.get("relationship") or ""),
            signer=str(facts["signer"]) if manifest else "",
            tool=str(facts["tool"] or "") if manifest else "",
            actions=tuple(map(_said, facts["actions"][:_ACTIONS])),
            problems=_problems(ingredient),
            picture=self._picture(ingredient) or self._picture(manifest),
            made_from=tuple(followed),
            cut=cut,
        )

    def _picture(self, holder: Mapping[str, Any]) -> Shown | None:
        named = holder.get("thumbnail")
        if not isinstance(named, Mapping) or self._pictures >= MAX_PICTURES:
            return None
        self._pictures += 1
        buffer = _Bounded()
        try:
            self._reader.resource_to_stream(str(named.get("identifier")), buffer)
        except (
            Exception
        ):  # c2pa answers a bad reference in many ways, and none of them is a picture
            return None
        return thumbnail(buffer.getvalue())


class _Bounded(io.BytesIO):
    """Memory that takes no more than a small picture."""

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > _PICTURE_BYTES:
            raise OSError("too large")
        return super().write(data)


def _said(action: Mapping[str, Any]) -> str:
    parts = [str(action.get("action") or "").removeprefix("c2pa.")]
    parts += [f"by {action['agent']}"] if action.get("agent") else []
    parts += [f"at {action['when']}"] if action.get("when") else []
    parts += [f"({action['source_type']})"] if action.get("source_type") else []
    return " ".join(parts)


def _problems(ingredient: Mapping[str, Any]) -> tuple[str, ...]:
    """Failures recorded when the ingredient was added, in plain words, in either form."""
    results = ingredient.get("validation_results")
    newest = results.get("activeManifest") if isinstance(results, Mapping) else None
    entries = newest.get("failure") if isinstance(newest, Mapping) else None
    found = [*_list(entries), *_list(ingredient.get("validation_status"))]
    codes = dict.fromkeys(str(each.get("code")) for each in found if isinstance(each, Mapping))
    words = ((explain(code), code) for code in codes)
    return tuple(f"{known.meaning} ({code})" if known else code for known, code in words)[:_ACTIONS]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
