"""From pixels to the plane that the mark is read from: luma, reduced, whitened.

Everything the reader does happens on a plane of about 512×512, whatever the picture's size: the
mark's tile grows with pictures beyond 1024 pixels, so nothing of it is lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from provenance.watermark.blur import Band, bands, blurred

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601, as in JPEG, so that the mark rides in the channel that JPEG keeps best."""

WORK_SIDE = 512
"""Geometric mean of the sides of the plane that is read, at most 1.5 times this."""

RESPONSES = 8
"""Blurs whose responses or windows a set of filters keeps."""

FULL_SIDE = 1024
"""Geometric mean of the sides above which the tile grows in proportion."""

EXPONENT = 0.75
"""Power of the local variance that each sample is divided by; busy places are noisier."""

FLOOR = 0.06
"""Variance, in squared levels after `prewhitening`, below which places count as equally flat."""

SPREAD = 2.0
"""Samples; standard deviation of the window of the local variance.

SPREAD, FLOOR, EXPONENT and the response of `prewhitening` maximise the mark's signal over noise
after JPEG 50 on the tuning pictures."""

Plane = NDArray[np.float32]
Made = TypeVar("Made")
_STRIP_SAMPLES = 1 << 17


def check_pixels(pixels: NDArray[np.generic]) -> None:
    """Accept H×W×3 of uint8 or uint16, or finite floats in 0..255.

    Raises:
        ValueError: anything else; the message says what was found.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(f"pixels have shape {pixels.shape}; expected H×W×3, at least 1×1")
    if pixels.dtype in (np.uint8, np.uint16):
        return
    if not np.issubdtype(pixels.dtype, np.floating):
        raise ValueError(f"pixels have type {pixels.dtype}; expected uint8, uint16 or floats")
    if not np.isfinite(pixels).all():
        raise ValueError("pixels hold NaN or infinity; replace them before marking or reading")


def tile_period(tile: float, height: int, width: int) -> float:
    """Period of the mark, in pixels, in a picture of this size, for a key's `tile`."""
    return tile * max(1.0, float(np.sqrt(height * width)) / FULL_SIDE)


def reduction(height: int, width: int) -> int:
    """Side of the square of pixels that becomes one sample of the plane that is read.

    Even beyond 3, so that the writer's rehearsal can work at half of it.
    """
    ratio = float(np.sqrt(height * width)) / WORK_SIDE
    return max(1, round(ratio)) if ratio < 3.5 else 2 * round(ratio / 2)


def luma_plane(pixels: NDArray[np.generic], factor: int) -> Plane:
    """Mean luma of each `factor`×`factor` square; an incomplete last row or column is left out.

    Works in strips that fit into the processor's cache.

    Returns:
        Float32 in 0..255, whatever the type of the pixels.
    """
    height, width = pixels.shape[0] // factor, pixels.shape[1] // factor
    exact = {"uint8": np.uint16, "uint16": np.uint32} if factor <= 256 else {}
    sums = exact.get(pixels.dtype.name, np.float32)
    unit = (257.0 if pixels.dtype == np.uint16 else 1.0) * factor**2
    weights = np.tile(np.array(LUMA, np.float32) / np.float32(unit), factor)
    result = np.empty((height, width), np.float32)
    strip = max(1, _STRIP_SAMPLES // max(1, width * factor))
    for top in range(0, height, strip):
        rows = min(strip, height - top)
        block = pixels[top * factor : (top + rows) * factor, : width * factor]
        down = np.asarray(block[0::factor], np.float32 if factor == 1 else sums)
        for offset in range(1, factor):
            down = np.add(down, block[offset::factor], dtype=sums)
        squares = down.astype(np.float32, copy=False).reshape(rows * width, 3 * factor)
        np.matmul(squares, weights, out=result[top : top + rows].reshape(-1))
    return result


def shrink(plane: Plane, factor: int) -> Plane:
    """Mean of each square of `factor` samples a side; an incomplete last row or column goes."""
    if factor == 1:
        return plane
    height, width = (n // factor * factor for n in plane.shape)
    plane = plane[:height, :width]
    rows = plane[0::factor] + plane[1::factor]
    for offset in range(2, factor):
        rows += plane[offset::factor]
    columns = rows[:, 0::factor] + rows[:, 1::factor]
    for offset in range(2, factor):
        columns += rows[:, offset::factor]
    columns *= np.float32(1.0 / factor**2)
    return columns


class Filters:
    """Filters for planes of one shape, whose borders are reflected before.

    Responses are kept, so one instance serves all planes of its shape; see `filters_for`.
    """

    margin = 14

    def __init__(self, height: int, width: int) -> None:
        self._pad_y, self._rows = _padding(height, self.margin)
        self._pad_x, self._columns = _padding(width, self.margin)
        self._inside = tuple(
            slice(before, before + length)
            for (before, _), length in ((self._pad_y, height), (self._pad_x, width))
        )
        fy = scipy.fft.fftfreq(self._rows)[:, None]
        fx = scipy.fft.rfftfreq(self._columns)[None, :]
        self._radius = np.hypot(fy, fx).astype(np.float32)
        self._blurs: dict[float, Plane] = {}
        self._bands: dict[float, tuple[list[Band], list[Band]]] = {}
        self.flattening = prewhitening(self._radius)

    def padded(self, plane: Plane) -> Plane:
        """A plane with its borders reflected, of a size that transforms fast."""
        return np.pad(plane, (self._pad_y, self._pad_x), mode="symmetric")

    def forward(self, plane: Plane) -> NDArray[np.complex64]:
        """The transform of a plane, borders included."""
        return np.asarray(scipy.fft.rfft2(self.padded(plane)), np.complex64)

    def back(self, transform: NDArray[np.complex64], response: Plane) -> Plane:
        """What `forward` saw, filtered, borders included."""
        shape = (self._rows, self._columns)
        return np.asarray(scipy.fft.irfft2(transform * response, s=shape), np.float32)

    def crop(self, padded: Plane) -> Plane:
        """Without the borders."""
        return padded[self._inside]

    def gaussian(self, sigma: float) -> Plane:
        """Response of a Gaussian blur of `sigma` samples."""
        return _kept(self._blurs, sigma, lambda: self._response(sigma))

    def blurred(self, padded: Plane, sigma: float) -> Plane:
        """A Gaussian blur of at most a fifth of `margin` samples, without the borders.

        Cheaper than by a transform, but what rings beyond the window is lost.
        """
        down, across = _kept(self._bands, sigma, lambda: self._windows(sigma))
        return blurred(padded, down, across)

    def _response(self, sigma: float) -> Plane:
        blur = np.exp(-2 * np.pi**2 * sigma**2 * self._radius**2)
        return np.asarray(blur, np.float32)

    def _windows(self, sigma: float) -> tuple[list[Band], list[Band]]:
        rows, columns = self._inside
        return bands(sigma, self._rows, rows), bands(sigma, self._columns, columns)


def _kept(made: dict[float, Made], sigma: float, make: Callable[[], Made]) -> Made:
    """What was made for this blur before, or is now."""
    found = made.get(sigma)
    if found is None:
        if len(made) >= RESPONSES:
            made.clear()
        found = made[sigma] = make()
    return found


@lru_cache(maxsize=8)
def filters_for(height: int, width: int) -> Filters:
    """The filters of a shape, kept for the next plane of that shape."""
    return Filters(height, width)


def _padding(length: int, margin: int) -> tuple[tuple[int, int], int]:
    margin = min(margin, length)
    total = scipy.fft.next_fast_len(length + 2 * margin, real=True)
    while total - length - margin > length:  # a reflection cannot be longer than the plane
        total -= 1
    return (margin, total - length - margin), total


def prewhitening(radius: Plane) -> Plane:
    """Gain at each frequency, in cycles a sample, that flattens the usual spectrum of pictures."""
    high = 1.0 - np.exp(-((radius / 0.02) ** 4))
    low = np.exp(-((radius / 0.38) ** 8))
    return np.asarray(radius**1.2 * high * low, np.float32)


@dataclass(frozen=True, slots=True)
class Whitened:
    """A plane ready to be read.

    Attributes:
        plane: float32, without unit, clipped at four times its root mean square.
        weight: what each sample was multiplied by after the spectrum was flattened.
    """

    plane: Plane
    weight: Plane


def _calming(variance: Plane) -> Plane:
    """The variance to the power of -EXPONENT, which is three quarters: square roots are quick."""
    weight = np.sqrt(variance)
    weight *= variance
    np.sqrt(weight, out=weight)
    return np.asarray(np.divide(np.float32(1), weight, out=weight), np.float32)


def whiten(plane: Plane, transform: NDArray[np.complex64] | None = None) -> Whitened:
    """Flatten the spectrum, then quieten the busy places: what remains is read for the mark.

    Args:
        plane: from `luma_plane`.
        transform: of its filters, if it was made already.
    """
    filters = filters_for(*plane.shape)
    flat = filters.back(
        filters.forward(plane) if transform is None else transform, filters.flattening
    )
    variance = filters.blurred(flat * flat, SPREAD)
    variance += np.float32(FLOOR)
    weight = _calming(variance)
    result = filters.crop(flat) * weight
    limit = 4.0 * math.sqrt(float(np.vdot(result, result)) / result.size) + 1e-12
    return Whitened(np.clip(result, -limit, limit, out=result), weight)
