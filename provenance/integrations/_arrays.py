"""Pictures in arrays and tensors: which axis is which, which values are black and white.

Nothing is guessed. Channels are the last axis or the third from the end, whichever has 1, 3 or 4
entries; where both have, the array is refused. Floats are 0 to 1, as everywhere in this library;
a generator with another range has to say so, since a bright picture in [-1, 1] may have no value
below 0. What stands before height, width and channels counts pictures (a batch, frames).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from provenance.errors import ConfigError, UnsupportedPicture

Array: TypeAlias = "NDArray[Any]"

_CHANNELS = (1, 3, 4)


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The values of black and white in an array of floats.

    Raises:
        ConfigError: black is not below white, or one is no number.
    """

    black: float
    white: float

    def __post_init__(self) -> None:
        """Refuse a range that is none."""
        if not (np.isfinite([self.black, self.white]).all() and self.black < self.white):
            raise ConfigError(
                f"the range of values is {self.black} to {self.white}; expected black below white, "
                "such as (-1, 1)"
            )


@dataclass(frozen=True, slots=True)
class Pixels:
    """An array with pictures in it.

    Attributes:
        pictures: H×W or H×W×C, uint8 or floats in [0, 1].
        back: gives an array like the original from pictures of the same size, H×W×4 uint8; None
            leaves one as it is.
    """

    pictures: list[Array]
    back: Callable[[Sequence[Array | None]], Any]


def read(array: Array, values: ValueRange | None = None, where: str = "the array") -> Pixels:
    """The pictures of an array.

    Args:
        array: uint8 or floats; H×W, H×W×C or C×H×W, with any number of axes in front.
        values: of black and white in floats. Given, values outside are cut off, as a decoder's
            are; otherwise they have to lie in [0, 1].
        where: names the array in errors.

    Raises:
        UnsupportedPicture: another type or shape, or values outside [0, 1].
    """
    axis = _channel_axis(array, where)
    scaled = _scaled(array, values, where)
    last = scaled if axis in (None, -1) else np.moveaxis(scaled, axis, -1)
    shape = last.shape[-2:] if axis is None else last.shape[-3:]
    flat = last.reshape(-1, *shape)

    def back(pictures: Sequence[Array | None]) -> Array:
        new = array.copy()
        view = new if axis in (None, -1) else np.moveaxis(new, axis, -1)
        places = np.ndindex(view.shape[: -len(shape)])
        for place, pixels in zip(places, pictures, strict=True):
            if pixels is None:
                continue
            if pixels.shape[:2] != shape[:2]:
                raise UnsupportedPicture(
                    f"{where} holds pictures of {shape[1]}x{shape[0]} and the finished one has "
                    f"{pixels.shape[1]}x{pixels.shape[0]}; use the assets instead"
                )
            view[place] = _like(_channels(pixels, shape), array.dtype, values)
        return new

    return Pixels(list(flat), back)


def tensor(value: Any, values: ValueRange | None = None, where: str = "the tensor") -> Pixels:
    """The same for a torch tensor, on any device; what comes back is on the same one.

    Raises:
        UnsupportedPicture: as for an array; or it is sparse, quantized or complex.
    """
    import torch

    if value.layout is not torch.strided or value.is_quantized or value.is_complex():
        raise UnsupportedPicture(
            f"{where} is sparse, quantized or complex; expected uint8 or floats"
        )
    plain = value.detach().cpu()
    if plain.is_floating_point():
        plain = plain.to(torch.float32)  # bfloat16 is none of numpy's
    found = read(plain.numpy(), values, where)

    def back(pictures: Sequence[Array | None]) -> Any:
        made = torch.from_numpy(found.back(pictures))
        return made.to(device=value.device, dtype=value.dtype)

    return Pixels(found.pictures, back)


def _channel_axis(array: Array, where: str) -> int | None:
    shape = "×".join(map(str, array.shape))
    if array.ndim == 2:
        return None
    fits = [axis for axis in (-1, -3) if array.ndim > 2 and array.shape[axis] in _CHANNELS]
    if len(fits) == 1 and array.size:
        return fits[0]
    wrong = "either of two axes could be the channels" if fits else "no picture has such a shape"
    raise UnsupportedPicture(
        f"{where} has the shape {shape or '()'}: {wrong}; expected height×width×channels or "
        "channels×height×width with 1, 3 or 4 channels, or a batch of these"
    )


def _scaled(array: Array, values: ValueRange | None, where: str) -> Array:
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise UnsupportedPicture(
            f"{where} holds values of type {array.dtype}; expected uint8 or floats"
        )
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UnsupportedPicture(f"{where} holds values that are no numbers (NaN or infinite)")
    if values is not None:
        wide = array.astype(np.float32)
        scaled: Array = np.clip((wide - values.black) / (values.white - values.black), 0, 1)
        return scaled
    if low < 0 or high > 1:
        raise UnsupportedPicture(
            f"{where} holds values from {low:.4g} to {high:.4g}; expected 0 to 1, or say what "
            "black and white are, such as value_range=(-1, 1)"
        )
    return array


def _channels(pixels: Array, shape: tuple[int, ...]) -> Array:
    """H×W×4 as H×W, H×W×1, H×W×3 or H×W×4."""
    return pixels[:, :, 0] if len(shape) == 2 else pixels[:, :, : shape[2]]


def _like(pixels: Array, dtype: np.dtype[Any], values: ValueRange | None) -> Array:
    if dtype == np.uint8:
        return pixels
    scaled = pixels.astype(np.float64) / 255
    if values is not None:
        scaled = values.black + scaled * (values.white - values.black)
    return scaled.astype(dtype)
