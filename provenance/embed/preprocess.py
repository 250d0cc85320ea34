"""From a `Picture` to the numbers that a tower takes, with Pillow and numpy alone.

All backends share this, so a picture gives the same input whichever library runs the tower. The
steps are those of open_clip's `image_transform` (inference) with Pillow's own filters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from provenance.errors import ConfigError
from provenance.picture import Picture

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.float32]
"""n × 3 × side × side."""

Triple = tuple[float, float, float]

CLIP_MEAN: Triple = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Triple = (0.26862954, 0.26130258, 0.27577711)
"""Of OpenAI's training pictures: https://github.com/openai/CLIP, clip/clip.py."""

_LONGEST = 4
"""A picture of a higher aspect loses its ends first: only its middle is seen anyway, and scaling
all of a 1×65,535 picture to 224 columns would take gigabytes."""

_GAP = 3.0
"""Reduce by whole numbers first, to no less than three times the size: Pillow's own advice for
results that are indistinguishable from those of the plain filter."""

_MAX_SIDE = 4096


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How one model wants its pictures.

    Attributes:
        side: of the square that it sees.
        mean: of each channel, subtracted from values in [0, 1].
        std: of each channel, divided by.
        fit: `crop` scales the short side and takes the middle; `squash` ignores the aspect.
        filter: `bicubic` or `bilinear`.
    """

    side: int = 224
    mean: Triple = CLIP_MEAN
    std: Triple = CLIP_STD
    fit: Literal["crop", "squash"] = "crop"
    filter: Literal["bicubic", "bilinear"] = "bicubic"

    def __post_init__(self) -> None:
        """Hold the promise on every field, whoever wrote the configuration.

        Raises:
            ConfigError: a value that no model has.
        """
        numbers = (*self.mean, *self.std)
        if type(self.side) is not int or not 1 <= self.side <= _MAX_SIDE:
            raise ConfigError(f"the model's input side is {self.side}; expected 1 to {_MAX_SIDE}")
        if len(self.mean) != 3 or len(self.std) != 3 or not np.isfinite(numbers).all():
            raise ConfigError(f"mean {self.mean} and std {self.std}: expected three numbers each")
        if min(self.std) <= 0:
            raise ConfigError(f"std is {self.std}; expected three numbers above 0")
        if self.fit not in ("crop", "squash"):
            raise ConfigError(f"'{self.fit}' is no way to fit a picture; expected crop or squash")
        if self.filter not in ("bicubic", "bilinear"):
            raise ConfigError(f"the filter '{self.filter}' is unknown; expected bicubic, bilinear")

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Preprocess:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: something is missing or wrong.
        """
        try:
            return cls(
                side=data["side"],
                mean=_triple(data["mean"]),
                std=_triple(data["std"]),
                fit=data["fit"],
                filter=data["filter"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"the preprocessing cannot be read ({error!r})") from error

    def __call__(self, pictures: Sequence[Picture]) -> Pixels:
        """The tower's input for these pictures, in order."""
        batch = np.empty((len(pictures), 3, self.side, self.side), np.float32)
        scale = np.float32(1 / 255) / np.array(self.std, np.float32)
        shift = np.array(self.mean, np.float32) / np.array(self.std, np.float32)
        for row, picture in zip(batch, pictures, strict=True):
            row[:] = (np.asarray(self._square(picture)) * scale - shift).transpose(2, 0, 1)
        return batch

    def _square(self, picture: Picture) -> Image.Image:
        from PIL import Image

        name = Image.Resampling.BICUBIC if self.filter == "bicubic" else Image.Resampling.BILINEAR
        image = over_white(picture)
        if self.fit == "squash":
            return image.resize((self.side, self.side), name, reducing_gap=_GAP)
        image = _without_ends(image)
        short = min(image.size)
        size = (
            self.side if image.width == short else self.side * image.width // short,
            self.side if image.height == short else self.side * image.height // short,
        )
        image = image.resize(size, name, reducing_gap=_GAP)
        left, top = (round((extent - self.side) / 2) for extent in size)
        return image.crop((left, top, left + self.side, top + self.side))


def over_white(picture: Picture) -> Image.Image:
    """What a viewer shows on a white page."""
    from PIL import Image

    image = Image.fromarray(picture.pixels)
    if picture.alpha is None:
        return image
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=Image.fromarray(picture.alpha))
    return page


def _without_ends(image: Image.Image) -> Image.Image:
    """The same number of rows or columns less at both ends, so the middle stays the middle."""
    across = max(0, (image.width - _LONGEST * image.height) // 2)
    down = max(0, (image.height - _LONGEST * image.width) // 2)
    if not across and not down:
        return image
    return image.crop((across, down, image.width - across, image.height - down))


def _triple(values: Any) -> Triple:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
