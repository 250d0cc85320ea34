"""From pixels to the plane that the mark is read from: luma, reduced, whitened.

Everything the reader does happens on a plane of about 512×512, whatever the picture's size: the
mark's tile grows with pictures beyond 1024 pixels, so nothing of it is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601, as in JPEG, so that the mark rides in the channel that JPEG keeps best."""

WORK_SIDE = 512
"""Geometric mean of the sides of the plane that is read, at most 1.5 times this."""

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
_STRIP_SAMPLES = 1 << 22


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

    Works in strips, so the memory beyond the result stays below about 100 MB.

    Returns:
        Float32 in 0..255, whatever the type of the pixels.
    """
    height, width = pixels.shape[0] // factor, pixels.shape[1] // factor
    unit = 257.0 if pixels.dtype == np.uint16 else 1.0
    weights = np.array(LUMA, np.float32) / np.float32(unit)
    result = np.empty((height, width), np.float32)
    strip = max(1, _STRIP_SAMPLES // max(1, width * factor * factor))
    for top in range(0, height, strip):
        rows = min(strip, height - top)
        block = pixels[top * factor : (top + rows) * factor, : width * factor]
        luma = block.astype(np.float32, copy=False) @ weights
        result[top : top + rows] = shrink(luma, factor)
    return result


def shrink(plane: Plane, factor: int) -> Plane:
    """Mean of each square of `factor` samples a side; an incomplete last row or column goes."""
    if factor == 1:
        return plane
    height, width = (n // factor * factor for n in plane.shape)
    plane = plane[:height, :width]
    rows = plane[0::factor].copy()
    for offset in range(1, factor):
        rows += plane[offset::factor]
    columns = rows[:, 0::factor].copy()
    for offset in range(1, factor):
        columns += rows[:, offset::factor]
    columns *= np.float32(1.0 / factor**2)
    return columns


class Filters:
    """Fourier-domain filters for planes of one shape: padded by reflection, then circular."""

    margin = 16

    def __init__(self, height: int, width: int) -> None:
        self._pad_y, self._rows = _padding(height, self.margin)
        self._pad_x, self._columns = _padding(width, self.margin)
        self._shape = (height, width)
        fy = scipy.fft.fftfreq(self._rows)[:, None]
        fx = scipy.fft.rfftfreq(self._columns)[None, :]
        self.radius = np.hypot(fy, fx).astype(np.float32)

    def pad(self, plane: Plane) -> Plane:
        """The plane with reflected borders, of a size that transforms fast."""
        return np.pad(plane, (self._pad_y, self._pad_x), mode="symmetric")

    def crop(self, plane: Plane) -> Plane:
        """The inverse of `pad`."""
        top, left = self._pad_y[0], self._pad_x[0]
        inside = plane[top : top + self._shape[0], left : left + self._shape[1]]
        return np.asarray(inside, np.float32)

    def apply(self, padded: Plane, *responses: Plane) -> list[Plane]:
        """A padded plane, filtered by each response."""
        transform = scipy.fft.rfft2(padded)
        shape = padded.shape
        return [scipy.fft.irfft2(transform * response, s=shape) for response in responses]

    def gaussian(self, sigma: float) -> Plane:
        """Response of a Gaussian blur of `sigma` samples."""
        return np.asarray(np.exp(-2 * np.pi**2 * sigma**2 * self.radius**2), np.float32)


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


def whiten(plane: Plane, filters: Filters | None = None) -> Whitened:
    """Flatten the spectrum, then quieten the busy places: what remains is read for the mark."""
    filters = filters or Filters(*plane.shape)
    (flat,) = filters.apply(filters.pad(plane), prewhitening(filters.radius))
    (variance,) = filters.apply(flat * flat, filters.gaussian(SPREAD))
    np.maximum(variance, 0.0, out=variance)
    variance += np.float32(FLOOR)
    weight = variance ** np.float32(-EXPONENT)
    flat *= weight
    result = filters.crop(flat)
    limit = 4.0 * float(np.sqrt(np.mean(result * result, dtype=np.float64))) + 1e-12
    return Whitened(np.clip(result, -limit, limit), filters.crop(weight))
