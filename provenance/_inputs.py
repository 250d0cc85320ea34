"""What a generator was given to see, and how it becomes the history of what it made.

Source: C2PA 2.2, section 18.16: the file that was altered is the parent (`parentOf`), the files
that guided the generator are its inputs (`inputTo`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from provenance.codec.decode import read_bytes
from provenance.codec.limits import Limits
from provenance.errors import UnsupportedPicture
from provenance.picture import Picture
from provenance.sign.file import carried
from provenance.sign.interface import Edit, Ingredient
from provenance.sign.source_types import SourceType
from provenance.verify.media import media_type

if TYPE_CHECKING:
    from provenance._gate import Passed

_EDITED = Edit("c2pa.edited", SourceType.EDITED)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Pictures that a generator was given: files, their bytes, Pillow images, arrays, `Picture`.

    Attributes:
        edited: the one that the result is an altered version of (inpainting, an edits request).
            The result is then said to be edited with AI, and its parent is named.
        references: those that guided it: img2img sources, ControlNet maps, style pictures.
    """

    edited: Any = None
    references: Sequence[Any] = ()

    def read(self, limits: Limits) -> Given:
        """The files, ready to be named in a manifest.

        Raises:
            InputError: one cannot be used.
        """
        edited = None if self.edited is None else _ingredient(self.edited, limits)
        return Given(edited, tuple(_ingredient(each, limits) for each in self.references))


NOTHING = Inputs()


@dataclass(frozen=True, slots=True)
class History:
    """What the manifest says of a picture's past."""

    parent: Ingredient | None = None
    references: tuple[Ingredient, ...] = ()
    edits: tuple[Edit, ...] = ()
    credentials: bool = field(default=False, kw_only=True)
    """Credentials of an input are kept inside."""


@dataclass(frozen=True, slots=True)
class Given:
    """Inputs that have been read."""

    edited: Ingredient | None = None
    references: tuple[Ingredient, ...] = ()

    def for_picture(self, passed: Passed) -> History:
        """The history of one result.

        A result that carries credentials of its own is a later version of itself; what the
        generator was given is then named among its inputs. A picture that the policy blurred or
        replaced has no history: thumbnails in it would show what was made unrecognisable.
        """
        if passed.replaced or passed.edits:
            return History()
        parent, references = self.edited, self.references
        edits: tuple[Edit, ...] = ()
        if passed.parent is not None:
            parent = passed.parent
            references = ((self.edited,) if self.edited else ()) + references
        elif parent is not None:
            edits = (_EDITED,)
        everything = ((parent,) if parent else ()) + references
        signed = any(carried(each.data, each.media_type) is not None for each in everything)
        return History(parent, references, edits, credentials=signed)


def with_credentials(data: bytes) -> Ingredient | None:
    """The file as an ingredient, if it carries credentials that would otherwise be lost."""
    kind = media_type(data)
    return Ingredient(data, kind) if carried(data, kind) is not None else None


def _ingredient(given: Any, limits: Limits) -> Ingredient:
    if isinstance(given, str | Path):
        given = read_bytes(given, limits)
    if isinstance(given, bytes | bytearray | memoryview):
        data = bytes(given)
        kept = with_credentials(data)
        if kept is not None:
            return kept
        given = Picture.open(data, limits=limits)
    elif isinstance(given, np.ndarray):
        given = Picture.from_array(given)
    elif type(given).__module__.startswith("PIL."):
        given = Picture.from_pil(given)
    if not isinstance(given, Picture):
        raise UnsupportedPicture(
            f"an input of the generator is a {type(given).__name__}; expected a picture, an array, "
            "bytes, or a path"
        )
    # Without metadata, which is the giver's; and hardly compressed, since nobody reads it again.
    buffer = io.BytesIO()
    given.to_pil().save(buffer, "PNG", compress_level=1)
    return Ingredient(buffer.getvalue(), "image/png")
