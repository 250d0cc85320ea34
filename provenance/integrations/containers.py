"""Finds the pictures in any value, and puts protected ones in their places.

A value may be a picture, or a tree of dicts, lists, tuples, dataclasses, models and the like with
pictures in it. What comes back has the same types and shape. The original is never altered.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import io
import os
import re
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.errors import InputError, TooLarge, UnsupportedPicture
from provenance.integrations import _arrays, _texts
from provenance.integrations._arrays import ValueRange
from provenance.integrations._carrying import carrying
from provenance.integrations._files import LeftFile, discard, left
from provenance.integrations._trees import Parts, parts
from provenance.picture import Asset, Picture

DEEPEST = 64
"""Levels of a tree: a tenth of what Python's own limit on recursion allows. A tree that holds
itself ends here."""

MOST_VALUES = 1_000_000
"""Values in a tree: the limit on work for a hostile document."""

MOST_PICTURES = 1_024
"""Pictures in one value: the frames of half a minute of video."""

Assets: TypeAlias = "Sequence[Asset | None]"
Where: TypeAlias = "tuple[Where, str] | None"

_HARMLESS = (
    bool,
    int,
    float,
    complex,
    enum.Enum,
    uuid.UUID,
    decimal.Decimal,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.generic,
    type(None),
)
_ELSEWHERE = re.compile(r"\s*(?:https?|ftp|file|blob|s3|gs|az)://", re.I)
_MEDIA_TYPE = re.compile(r"image/[\w.+-]{1,64}")


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a value that holds pictures.

    Attributes:
        value: what stands there.
        which: of the pictures that were found are in it.
        back: what would stand there for their assets.
        bare: it is a file, whose type has to be said somewhere else.
    """

    value: Any
    which: slice
    back: Callable[[Assets], Any]
    bare: bool = False

    def filled(self, assets: Assets) -> Any:
        """What stands here, by the assets of all pictures that were found."""
        mine = assets[self.which]
        return self.value if all(asset is None for asset in mine) else self.back(mine)


Rebuild: TypeAlias = "Place | Callable[[Assets, Mapping[int, Any]], Any]"
"""A place, or what makes a container from all assets and what stands in each place, by its id."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value whose pictures are known.

    Attributes:
        value: as it was given.
        pictures: as `Pipeline.protect` takes them, in the order in which they stand.
        places: where they stand.
    """

    value: Any = field(repr=False)
    pictures: list[Any] = field(repr=False)
    places: list[Place] = field(repr=False)
    _files: dict[int, LeftFile] = field(repr=False)
    _rebuild: Rebuild | None = field(repr=False)

    def replaced(self, assets: Assets) -> Any:
        """The value with each picture's asset in its place, as what the picture was.

        Bytes and texts become the asset's file; Pillow images and arrays become its pixels. A
        media type that stands beside such bytes in a dict becomes the asset's. None instead of an
        asset leaves that picture as it is, for one that is finished already.

        Raises:
            ValueError: there are not as many assets as pictures.
        """
        if len(assets) != len(self.pictures):
            raise ValueError(f"{len(assets)} assets were given for {len(self.pictures)} pictures")
        if self._rebuild is None or all(asset is None for asset in assets):
            return self.value
        made = {id(place): place.filled(assets) for place in self.places}
        return _rebuilt(self._rebuild, assets, made)

    def write_files(self, assets: Assets) -> None:
        """Put assets in the places of files alone, where the value itself is not wanted."""
        for number, file in self._files.items():
            asset = assets[number]
            if asset is not None:
                file.finished(asset)

    def discard(self, known: Assets = ()) -> None:
        """Delete the files that have not been replaced by protected ones.

        Args:
            known: for each picture its asset if it was finished from the first, else None.

        Raises:
            OutputError: one cannot be deleted.
        """
        done = {number for number, asset in enumerate(known) if asset is not None}
        discard(file for number, file in self._files.items() if number not in done)


def find(
    value: Any,
    *,
    texts: bool = True,
    strict: bool = True,
    values: ValueRange | None = None,
    files_since: float | None = None,
) -> Found:
    """The pictures in a value.

    Args:
        value: pictures are Pillow images, arrays, torch tensors, `Picture`, `Asset`, files in bytes
            or `BytesIO`, and texts; they may stand in dicts, lists, tuples, sets, dataclasses,
            pydantic and attrs models, and objects with `images`, `image` or `frames`.
        texts: whether base64 and `data:` addresses count.
        strict: refuse what is neither a picture nor plainly something else (numbers, words,
            dates), so that no picture gets past in a form that we do not know. Otherwise it is
            left alone, as are bytes that do not begin as a picture: for the JSON of HTTP APIs.
        values: of black and white in arrays of floats; None for 0 and 1, and nothing else.
        files_since: take the paths of files as well, if these were written after this time (in
            seconds since the epoch). Such files are replaced with the pictures, or deleted: see
            `provenance.integrations._files`. Never for what comes from elsewhere.

    Raises:
        UnsupportedPicture: something is not known, and `strict`; or an array cannot be a picture.
        TooLarge: deeper than `DEEPEST`, or more than `MOST_VALUES` or `MOST_PICTURES`.
        InputError: a file cannot be read. All files that were found before are deleted.
    """
    finder = _Finder(texts, strict, values, files_since)
    try:
        rebuild = finder.walked(value)
    except BaseException:
        discard(finder.files.values())
        raise
    return Found(value, finder.pictures, finder.places, finder.files, rebuild)


class _Finder:
    """One walk through one value."""

    def __init__(
        self, texts: bool, strict: bool, values: ValueRange | None, since: float | None
    ) -> None:
        self.pictures: list[Any] = []
        self.places: list[Place] = []
        self.files: dict[int, LeftFile] = {}
        self.wrong: list[InputError] = []
        self._since = since
        self._texts = texts
        self._strict = strict
        self._values = values
        self._count = 0
        self._paths: dict[Path, Place] = {}

    def walked(self, value: Any) -> Rebuild | None:
        """The whole of it, and then the first thing that was wrong."""
        rebuild = self.walk(value, None, 0)
        if self.wrong:
            raise self.wrong[0]
        return rebuild

    def walk(self, value: Any, where: Where, depth: int) -> Rebuild | None:
        """What makes this part of the value anew; None if it has no picture."""
        self._count += 1
        if depth > DEEPEST or self._count > MOST_VALUES:
            raise TooLarge(
                f"the value is nested deeper than {DEEPEST} levels or holds more than "
                f"{MOST_VALUES:,} values; hand over the pictures alone"
            )
        if isinstance(value, str):
            return self._text(value, where)
        if isinstance(value, _HARMLESS):
            return None
        leaf = self._picture(value, where)
        if leaf is not None or isinstance(value, bytes | bytearray | memoryview):
            return leaf
        inside = parts(value)
        if inside is not None:
            return self._inside(inside, where, depth)
        if self._strict:
            raise UnsupportedPicture(
                f"{_named(where)} is a {type(value).__name__}; expected a picture, an array, "
                "bytes, base64, or a container of these"
            )
        return None

    def _inside(self, inside: Parts, where: Where, depth: int) -> Rebuild | None:
        """What changes in a container, by the places of its parts."""
        everything = [*inside.items, *inside.attributes]
        found: dict[int, Rebuild] = {}
        items: dict[int, Rebuild | None] = {}
        for place, part in enumerate(everything):
            try:
                if place >= len(inside.items) and id(part.value) in items:
                    rebuild = items[id(part.value)]  # a class that keeps its items in both
                else:
                    rebuild = self.walk(part.value, (where, part.name), depth + 1)
            except TooLarge:
                raise
            except InputError as error:  # go on, so that every file is found
                self.wrong.append(error)
                continue
            if place < len(inside.items):
                items[id(part.value)] = rebuild
            if rebuild is not None:
                found[place] = rebuild
        if not found:
            return None
        files = [leaf for leaf in found.values() if isinstance(leaf, Place) and leaf.bare]
        typed = [
            place
            for place, part in enumerate(everything)
            if files and isinstance(part.value, str) and _MEDIA_TYPE.fullmatch(part.value)
        ]

        def remade(assets: Assets, made: Mapping[int, Any]) -> Any:
            distinct = {id(rebuild): rebuild for rebuild in found.values()}
            new = {each: _rebuilt(rebuild, assets, made) for each, rebuild in distinct.items()}
            changes = {at: new[id(rebuild)] for at, rebuild in found.items()}
            asset = assets[files[0].which][0] if files else None
            if asset is not None:
                changes |= dict.fromkeys(typed, asset.media_type)
            return inside.remade(changes)

        return remade

    def _text(self, text: str, where: Where) -> Place | None:
        if self._strict and _ELSEWHERE.match(text):
            raise UnsupportedPicture(
                f"{_named(where)} is an address, behind which may be an unmarked picture; return "
                "the picture itself"
            )
        written = _texts.read(text) if self._texts else None
        if written is None:
            return self._file(text)
        return self._place(text, written.pictures, written.replaced, bare=written.bare)

    def _file(self, path: str | os.PathLike[str]) -> Place | None:
        file = left(path, self._since) if self._since is not None else None
        if file is None:
            return None
        known = self._paths.get(file.path)
        if known is None:
            self.files[len(self.pictures)] = file
            known = self._paths[file.path] = self._one(path, file.data, file.finished)
        return known

    def _picture(self, value: Any, where: Where) -> Place | None:
        if isinstance(value, bytes | bytearray | memoryview):
            if not self._strict and not _texts.is_picture(bytes(value[:1024])):
                return None
            kind = type(value)
            return self._one(value, bytes(value), lambda asset: kind(asset.data), bare=True)
        if isinstance(value, os.PathLike):
            return self._file(value)
        if isinstance(value, io.BytesIO):
            return self._one(value, value.getvalue(), lambda asset: io.BytesIO(asset.data))
        if isinstance(value, Asset):
            return self._one(value, value.data, lambda asset: asset)
        if isinstance(value, Picture):
            return self._one(value, value, lambda asset: Picture.open(asset.data))
        if isinstance(value, Image.Image):
            known = type(value).__module__.startswith("PIL.")
            given, mode = value if known else Picture.from_pil(value), value.mode
            return self._one(value, given, lambda asset: carrying(_image(asset, mode), [asset]))
        if isinstance(value, np.ndarray):
            return self._array(value, _arrays.read(np.asarray(value), self._values, _named(where)))
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            return self._array(value, _arrays.tensor(value, self._values, _named(where)))
        return None

    def _one(
        self, value: Any, picture: Any, back: Callable[[Asset], Any], *, bare: bool = False
    ) -> Place:
        def replaced(assets: Assets) -> Any:
            (asset,) = assets
            return value if asset is None else back(asset)

        return self._place(value, [picture], replaced, bare=bare)

    def _array(self, value: Any, found: _arrays.Pixels) -> Place:
        def replaced(assets: Assets) -> Any:
            return found.back([None if asset is None else _rgba(asset) for asset in assets])

        return self._place(value, found.pictures, replaced)

    def _place(
        self,
        value: Any,
        pictures: Sequence[Any],
        back: Callable[[Assets], Any],
        *,
        bare: bool = False,
    ) -> Place:
        first = len(self.pictures)
        self.pictures += pictures
        if len(self.pictures) > MOST_PICTURES:
            raise TooLarge(
                f"the value holds more than {MOST_PICTURES:,} pictures; return fewer at a time"
            )
        place = Place(value, slice(first, len(self.pictures)), back, bare)
        self.places.append(place)
        return place


def _rebuilt(rebuild: Rebuild, assets: Assets, made: Mapping[int, Any]) -> Any:
    return made[id(rebuild)] if isinstance(rebuild, Place) else rebuild(assets, made)


def _named(where: Where) -> str:
    names: list[str] = []
    while where is not None:
        where, name = where
        names.append(name)
    return f"the value at {''.join(reversed(names))}" if names else "the value"


def _image(asset: Asset, mode: str) -> Image.Image:
    """The asset's pixels, in the mode that the original had if that can show them."""
    image = Picture.open(asset.data).to_pil()
    return image.convert(mode) if mode in ("L", "LA", "RGB", "RGBA") else image


def _rgba(asset: Asset) -> NDArray[np.uint8]:
    picture = Picture.open(asset.data)
    alpha = picture.alpha
    if alpha is None:
        alpha = np.full(picture.pixels.shape[:2], 255, np.uint8)
    return np.dstack([picture.pixels, alpha])
