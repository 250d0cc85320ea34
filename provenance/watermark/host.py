"""What the writer knows of a picture before it writes: everything a reader would see of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from provenance.watermark import harmonics, mask, plane, reader
from provenance.watermark.layout import SUPER, Layout


@dataclass(frozen=True, slots=True)
class Host:
    """A picture, reduced and whitened, at the scale that a mark is written in.

    Attributes:
        pixels: H×W×3.
        period: of the tile, in pixels.
        factor: pixels along each axis to one sample of `small`.
        finer: the same for `luma`.
        luma: of the picture; beyond 1792 pixels, at half the resolution of `small` or finer.
        small: the plane that is read.
        white: the same, whitened.
        square: Fourier sums of `white` at the undertone's harmonics and the tile's own.
        lattice: those of the tile itself, as a reader takes them.
        masking: how loud the mark may be.
    """

    pixels: NDArray[Any]
    period: float
    factor: int
    finer: int
    luma: plane.Plane
    small: plane.Plane
    white: plane.Whitened
    square: harmonics.Complexes
    lattice: reader.Lattice
    masking: mask.Mask


def look(pixels: NDArray[Any], layout: Layout) -> Host:
    """Everything about these pixels under this layout."""
    height, width = pixels.shape[:2]
    factor = plane.reduction(height, width)
    finer = max(1, factor // 2)
    period = plane.tile_period(layout.tile, height, width)
    luma = plane.luma_plane(pixels, finer)
    small = plane.shrink(luma, factor // finer)
    transform = plane.filters_for(*small.shape).forward(small)
    white = plane.whiten(small, transform)
    tone = layout.undertone
    square = harmonics.sums(white.plane, factor / period / SUPER, tone.axis)
    lattice = reader.lattice_of(harmonics.pick(square, tone.tile), layout)
    local = mask.activity(transform, small.shape, period / factor / 64)
    masking = mask.Mask(local)
    return Host(pixels, period, factor, finer, luma, small, white, square, lattice, masking)
