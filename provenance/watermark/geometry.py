"""Blind search for the mark's scale, angle and aspect in the magnitudes of a spectrum.

Two maps turn unknown geometry into a shift, so that one correlation by FFT tries all of it: in
(log row frequency, log column frequency) every scaling along the axes is a shift; in (angle, log
radius) every rotation and scaling is. The constellation of the key is correlated with either map;
its empty harmonics count against a hypothesis. The best peaks are then refined on the spectrum
itself.

Source: log-polar and log-log maps for watermarks, Lin et al. 2001 and O Ruanaidh and Pun 1998;
the keyed constellation and the refinement are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from provenance.watermark.layout import INNER, OUTER, REACH, Layout
from provenance.watermark.spectrum import Spectrum

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

PERIODS = (22.0, 420.0)
"""Periods of the tile looked for, in samples of the plane that is read."""

STEP = 0.006
"""Grid step of log radius: half a bin at the outermost harmonics of a 512-sample plane."""

AXIS_STEP = 0.008
"""Grid step of log frequency along each axis."""

ANGLES = 512
"""Grid over 180 degrees."""

POWER_CLIP = 6.0
"""Largest power that one place of the spectrum may show, in units of its neighbourhood."""

SHAPES = 4
"""Shapes of spectra whose sampling plans a map keeps."""

LEAST_COMPONENT = 2
"""Harmonics nearer to an axis than this are left out of the first map: the log is too coarse."""

ASPECT = 0.14
"""Largest difference of log scale between the axes that the first map is searched for."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A geometry worth refining.

    Attributes:
        matrix: 2×2, from harmonics to cycles a sample.
        score: correlation with the constellation in standard deviations over the map.
    """

    matrix: Matrix
    score: float


def relative_power(spectrum: Spectrum) -> Floats:
    """Power on the padded half grid over its neighbourhood's, clipped."""
    power = spectrum.power()
    columns = power.shape[1]
    power[0, :] *= 0.0
    power[:, 0] *= 0.0
    padded = np.concatenate([power, power[:, -2:0:-1]], axis=1)
    shape = padded.shape
    wide = _box_response(shape, 25)
    level = scipy.fft.irfft2(scipy.fft.rfft2(padded) * wide, s=shape)[:, :columns]
    ratio = power / np.maximum(level, 1e-9 * float(level.mean()) + 1e-20)
    np.minimum(ratio, np.float32(POWER_CLIP), out=ratio)
    return np.asarray(ratio, np.float32)


@lru_cache(maxsize=16)
def _box_response(shape: tuple[int, int], width: int) -> Floats:
    frequency_y = scipy.fft.fftfreq(shape[0])
    frequency_x = scipy.fft.rfftfreq(shape[1])

    def box(f: NDArray[np.float64]) -> NDArray[np.float64]:
        down = np.sin(np.pi * f)
        shape = np.sin(np.pi * f * width) / (width * down + 1e-30)
        return np.where(np.abs(down) < 1e-9, 1.0, shape)

    return np.asarray(np.outer(box(frequency_y), box(frequency_x)), np.float32)


def blur(ratio: Floats, width: int) -> Floats:
    """Mean over `width` × `width` bins; the edges of the half grid wrap, which costs nothing."""
    box = _box_response(ratio.shape, width)
    return np.asarray(scipy.fft.irfft2(scipy.fft.rfft2(ratio) * box, s=ratio.shape), np.float32)


class Sampler:
    """Bilinear samples of a power map, minus 1, at frequencies that stay the same.

    Args:
        fy: row frequencies in cycles a sample, of any shape.
        fx: column frequencies, not negative. Beyond 0.49 either way, samples are zero.
    """

    def __init__(self, fy: NDArray[np.float64], fx: NDArray[np.float64]) -> None:
        self._frequencies = np.broadcast_arrays(fy, fx)
        self._plans: dict[tuple[int, int], tuple[Any, ...]] = {}

    def __call__(self, ratio: Floats, padded: tuple[int, int]) -> Floats:
        """Samples of `ratio`, the half grid of a padded spectrum of that shape."""
        plan = self._plans.get(padded)
        if plan is None:
            if len(self._plans) >= SHAPES:
                self._plans.clear()
            plan = self._plans[padded] = self._plan(ratio.shape[1], *padded)
        first, below, tx, ty, inside = plan
        flat = ratio.ravel()
        right = flat[1:]
        upper = flat.take(first)
        upper += (right.take(first) - upper) * tx
        lower = flat.take(below)
        lower += (right.take(below) - lower) * tx
        upper += (lower - upper) * ty
        upper -= np.float32(1)
        upper *= inside
        return np.asarray(upper)

    def _plan(self, width: int, rows: int, columns: int) -> tuple[Any, ...]:
        fy, fx = self._frequencies
        inside = (np.abs(fy) <= 0.49) & (fx <= 0.49)
        y, x = np.where(inside, fy, 0.0) * rows, np.where(inside, fx, 0.0) * columns
        y0 = np.floor(y).astype(np.intp)
        x0 = np.minimum(np.floor(x).astype(np.intp), width - 2)
        return (
            (y0 % rows) * width + x0,
            ((y0 + 1) % rows) * width + x0,
            (x - x0).astype(np.float32),
            (y - y0).astype(np.float32),
            inside.astype(np.float32),
        )


def look_up(ratio: Floats, spectrum: Spectrum, frequencies: NDArray[np.float64]) -> Floats:
    """As `Sampler` without interpolation, at ...×2 frequencies of either sign."""
    rows, columns = spectrum.padded
    fy, fx = frequencies[..., 0], frequencies[..., 1]
    outside = (np.abs(fy) > 0.49) | (np.abs(fx) > 0.49)
    y = np.rint(np.where(fx < 0, -fy, fy) * rows).astype(np.intp) % rows
    x = np.minimum(np.rint(np.abs(fx) * columns).astype(np.intp), ratio.shape[1] - 1)
    return np.where(outside, np.float32(0), ratio[y, x] - np.float32(1))


def signed_weights(layout: Layout) -> Floats:
    """One for harmonics in use; what balances them for empty ones."""
    weights = np.ones(len(layout.points), np.float32)
    weights[layout.empty] = -np.float32(len(layout.data) + len(layout.pilots)) / len(layout.empty)
    return weights


class AxisMap:
    """Search over scalings along the axes, quarter turns and mirrors of one constellation."""

    def __init__(self, layout: Layout) -> None:
        points = layout.points
        keep = (np.abs(points) >= LEAST_COMPONENT).all(axis=1)
        weights = signed_weights(layout)[keep]
        logs = np.log(np.abs(points[keep]) / LEAST_COMPONENT)
        rising = points[keep, 1] > 0
        low, high = 1 / PERIODS[1], 1 / PERIODS[0]
        self._shifts = int(np.ceil(np.log(high / low) / AXIS_STEP))
        self._low = np.log(low)
        reach = int(np.ceil(np.log(REACH / LEAST_COMPONENT) / AXIS_STEP)) + 2
        self._size = scipy.fft.next_fast_len(self._shifts + reach, real=True)
        axis = LEAST_COMPONENT * np.exp(self._low + AXIS_STEP * np.arange(self._shifts + reach))
        axis = axis[: int(np.searchsorted(axis, 0.49))]
        self._inside = len(axis)
        self._rising = Sampler(axis[:, None], axis[None, :])
        self._falling = Sampler(-axis[:, None], axis[None, :])
        self._templates = []
        for swap in (False, True):
            for mirror in (False, True):
                template = np.zeros((2, self._size, self._size), np.float32)
                place = np.rint((logs[:, ::-1] if swap else logs) / AXIS_STEP).astype(np.intp)
                np.add.at(
                    template,
                    ((rising ^ mirror).astype(np.intp), place[:, 0], place[:, 1]),
                    weights,
                )
                turn = np.array([[0, 1], [1, 0]]) if swap else np.eye(2)
                flip = np.diag([1.0, -1.0]) if mirror else np.eye(2)
                self._templates.append((scipy.fft.rfft2(template).conj(), flip @ turn))
        offsets = np.arange(self._shifts)
        self._band = np.abs(offsets[:, None] - offsets[None, :]) * AXIS_STEP <= ASPECT

    def search(self, ratio: Floats, spectrum: Spectrum, count: int) -> list[Candidate]:
        """The best `count` geometries."""
        maps = np.zeros((2, self._size, self._size), np.float32)
        maps[1, : self._inside, : self._inside] = self._rising(ratio, spectrum.padded)
        maps[0, : self._inside, : self._inside] = self._falling(ratio, spectrum.padded)
        transforms = scipy.fft.rfft2(maps)
        found: list[Candidate] = []
        for template, turn in self._templates:
            surface = scipy.fft.irfft2(
                (transforms * template).sum(axis=0), s=(self._size, self._size)
            )[: self._shifts, : self._shifts]
            for row, column, score in peaks(surface, self._band, count):
                scales = np.exp(self._low + AXIS_STEP * np.array([row, column]))
                # Scaling acts in the picture, the turn on the mark's own axes.
                found.append(Candidate(np.diag(scales) @ turn, score))
        return sorted(found, key=lambda c: -c.score)[:count]


class PolarMap:
    """Search over angles and scales, and mirrors, of one constellation."""

    def __init__(self, layout: Layout) -> None:
        points = layout.points.astype(np.float64)
        weights = signed_weights(layout)
        radius = np.log(np.hypot(points[:, 0], points[:, 1]) / INNER)
        low, high = 1 / PERIODS[1], 1 / PERIODS[0]
        self._low = np.log(low)
        self._shifts = int(np.ceil(np.log(high / low) / STEP))
        reach = int(np.ceil(np.log((OUTER + 0.1) / INNER) / STEP)) + 2
        self._rows = scipy.fft.next_fast_len(self._shifts + reach, real=False)
        axis = INNER * np.exp(self._low + STEP * np.arange(self._shifts + reach))
        self._inside = int(np.searchsorted(axis, 0.49 * np.sqrt(2)))
        angle = np.pi * np.arange(ANGLES) / ANGLES - np.pi / 2
        axis = axis[: self._inside]
        # Column frequencies stay positive: angles run from -90 to 90 degrees off the column axis.
        self._sampler = Sampler(axis[:, None] * np.sin(angle), axis[:, None] * np.cos(angle))
        self._templates = []
        for mirror in (False, True):
            rows = points[:, 0] * (-1 if mirror else 1)
            turn = np.arctan2(rows, points[:, 1])
            place = np.rint(turn / np.pi * ANGLES).astype(np.intp) % ANGLES
            template = np.zeros((self._rows, ANGLES), np.float32)
            np.add.at(template, (np.rint(radius / STEP).astype(np.intp), place), weights)
            flip = np.diag([-1.0, 1.0]) if mirror else np.eye(2)
            self._templates.append((scipy.fft.rfft2(template).conj(), flip))
        self._upright = np.zeros((self._shifts, ANGLES), np.bool_)
        self._upright[:, [0, ANGLES // 2]] = True

    def search(
        self, ratio: Floats, spectrum: Spectrum, count: int
    ) -> tuple[list[Candidate], list[Candidate]]:
        """The best `count` geometries of any angle, and those of no angle or quarter turns.

        Most edits turn nothing, and among a hundredth of the places a weak peak stands out that
        would be lost among all of them.
        """
        padded = np.zeros((self._rows, ANGLES), np.float32)
        padded[: self._inside] = self._sampler(ratio, spectrum.padded)
        transform = scipy.fft.rfft2(padded)
        found: list[Candidate] = []
        upright: list[Candidate] = []
        for template, flip in self._templates:
            surface = scipy.fft.irfft2(transform * template, s=padded.shape)[: self._shifts]
            found += self._candidates(surface, None, count, flip)
            upright += self._candidates(surface, self._upright, count, flip)
        return (
            sorted(found, key=lambda c: -c.score)[:count],
            sorted(upright, key=lambda c: -c.score)[:count],
        )

    def _candidates(
        self, surface: Floats, allowed: NDArray[np.bool_] | None, count: int, flip: Matrix
    ) -> list[Candidate]:
        result = []
        for row, column, score in peaks(surface, allowed, count):
            turn = np.pi * column / ANGLES - np.pi / 2
            cosine, sine = np.cos(turn), np.sin(turn)
            rotation = np.array([[cosine, sine], [-sine, cosine]])
            scale = np.exp(self._low + STEP * row)
            result.append(Candidate(scale * rotation @ flip, score))
        return result


def peaks(
    surface: Floats, allowed: NDArray[np.bool_] | None, count: int
) -> list[tuple[int, int, float]]:
    """The highest places, apart from each other, with their height over the row's spread."""
    spread = np.sqrt(np.einsum("rc,rc->r", surface, surface) / surface.shape[1]) + 1e-6
    score = surface / np.asarray(spread, np.float32)[:, None]
    if allowed is not None:
        score[~allowed] = -np.inf
    peaks = []
    for _ in range(count):
        row, column = divmod(int(score.argmax()), score.shape[1])
        peaks.append((row, column, float(score[row, column])))
        score[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4] = -np.inf
    return peaks
