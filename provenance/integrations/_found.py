"""`Found`: the pictures in a body, and how the body reads with others in their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from provenance.picture import Asset

Assets: TypeAlias = "Sequence[Asset | None]"
Body: TypeAlias = "tuple[str, bytes]"
"""Content type, and the bytes."""


@dataclass(frozen=True, slots=True)
class Found:
    """A body in which there are pictures.

    Attributes:
        pictures: their files, in the order in which they stand.
    """

    pictures: tuple[bytes, ...] = field(repr=False)
    _rebuild: Callable[[Assets], Body] = field(repr=False)

    def replaced(self, assets: Assets) -> Body:
        """Content type and bytes of the body with each picture's asset in its place.

        None in place of an asset leaves that picture as it is, for one that is finished already.

        Raises:
            ValueError: there are not as many assets as pictures.
        """
        if len(assets) != len(self.pictures):
            raise ValueError(f"{len(assets)} assets for {len(self.pictures)} pictures")
        return self._rebuild(assets)


def joined(content_type: str, pieces: Sequence[bytes | Found]) -> Found | None:
    """A body made of pieces that were looked through one by one; None if none has a picture."""
    pictures = tuple(p for piece in pieces if isinstance(piece, Found) for p in piece.pictures)
    if not pictures:
        return None

    def rebuild(assets: Assets) -> Body:
        written, at = [], 0
        for piece in pieces:
            if isinstance(piece, Found):
                mine = assets[at : at + len(piece.pictures)]
                at += len(piece.pictures)
                written.append(piece.replaced(mine)[1])
            else:
                written.append(piece)
        return content_type, b"".join(written)

    return Found(pictures, rebuild)
