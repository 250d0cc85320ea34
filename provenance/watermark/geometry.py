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

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from provenance.watermark.layout import REACH, Layout
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
    rows, columns = power.shape
    power[0, :] *= 0.0
    power[:, 0] *= 0.0
    padded = np.concatenate([power, power[:, -2:0:-1]], axis=1)
    shape = padded.shape
    wide = _box_response(shape, 25)
    level = scipy.fft.irfft2(scipy.fft.rfft2(padded) * wide, s=shape)[:, :columns]
    ratio = power / np.maximum(level, 1e-9 * float(level.mean()) + 1e-20)
    np.minimum(ratio, np.float32(POWER_CLIP), out=ratio)
    return ratio.astype(np.float32)


@lru_cache(maxsize=16)
def _box_response(shape: tuple[int, int], width: int) -> Floats:
    frequency_y = scipy.fft.fftfreq(shape[0])
    frequency_x = scipy.fft.rfftfreq(shape[1])

    def box(f: NDArray[np.float64]) -> NDArray[np.float64]:
        down = np.sin(np.pi * f)
        return np.where(np.abs(down) < 1e-9, 1.0, np.sin(np.pi * f * width) / (width * down + 1e-30))

    return np.asarray(np.outer(box(frequency_y), box(frequency_x)), np.float32)


def blur(ratio: Floats, width: int) -> Floats:
    """Mean over `width` × `width` bins; the edges of the half grid wrap, which costs nothing."""
    box = _box_response(ratio.shape, width)
    return np.asarray(scipy.fft.irfft2(scipy.fft.rfft2(ratio) * box, s=ratio.shape), np.float32)


def sample(
    ratio: Floats, spectrum: Spectrum, fy: NDArray[np.float64], fx: NDArray[np.float64]
) -> Floats:
    """Bilinear samples of the power map, minus 1; zero beyond Nyquist. Needs fx >= 0."""
    rows, columns = spectrum.padded
    outside = (np.abs(fy) > 0.49) | (fx > 0.49)
    y = np.where(outside, 0.0, fy) * rows
    x = np.where(outside, 0.0, fx) * columns
    y0, x0 = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    ty, tx = (y - y0).astype(np.float32), (x - x0).astype(np.float32)
    flat = ratio.ravel()
    width = ratio.shape[1]
    top, bottom = (y0 % rows) * width, ((y0 + 1) % rows) * width
    right = np.minimum(x0 + 1, width - 1)
    values = (
        (flat[top + x0] * (1 - tx) + flat[top + right] * tx) * (1 - ty)
        + (flat[bottom + x0] * (1 - tx) + flat[bottom + right] * tx) * ty
    )
    return np.where(outside, 0, values - 1).astype(np.float32)


def look_up(
    ratio: Floats, spectrum: Spectrum, frequencies: NDArray[np.float64]
) -> Floats:
    """As `sample` without interpolation, at ...×2 frequencies of either sign."""
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
        keep = (np.abs(points) >= 2).all(axis=1)
        weights = signed_weights(layout)[keep]
        logs = np.log(np.abs(points[keep]).astype(np.float64))
        rising = points[keep, 1] > 0
        low, high = 1 / PERIODS[1], 1 / PERIODS[0]
        self._shifts = int(np.ceil(np.log(high / low) / AXIS_STEP))
        self._low = np.log(low)
        reach = int(np.ceil(np.log(REACH) / AXIS_STEP)) + 2
        self._size = scipy.fft.next_fast_len(self._shifts + reach, real=True)
        axis = np.exp(self._low + AXIS_STEP * np.arange(self._shifts + reach))
        self._fy, self._fx = axis[:, None], axis[None, :]
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
        inside = int(np.searchsorted(self._fx[0], 0.49))
        fy = np.broadcast_to(self._fy[:inside], (inside, inside))
        fx = np.broadcast_to(self._fx[:, :inside], (inside, inside))
        maps[1, :inside, :inside] = sample(ratio, spectrum, fy, fx)
        maps[0, :inside, :inside] = sample(ratio, spectrum, -fy, fx)
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
        radius = np.log(np.hypot(points[:, 0], points[:, 1]))
        low, high = 1 / PERIODS[1], 1 / PERIODS[0]
        self._low = np.log(low)
        self._shifts = int(np.ceil(np.log(high / low) / STEP))
        reach = int(np.ceil(np.log(REACH + 0.1) / STEP)) + 2
        self._rows = scipy.fft.next_fast_len(self._shifts + reach, real=False)
        axis = np.exp(self._low + STEP * np.arange(self._shifts + reach))
        self._inside = int(np.searchsorted(axis, 0.49 * np.sqrt(2)))
        angle = np.pi * np.arange(ANGLES) / ANGLES - np.pi / 2
        axis = axis[: self._inside]
        # Column frequencies stay positive: angles run from -90 to 90 degrees off the column axis.
        self._fy = axis[:, None] * np.sin(angle)[None, :]
        self._fx = axis[:, None] * np.cos(angle)[None, :]
        self._templates = []
        for mirror in (False, True):
            rows = points[:, 0] * (-1 if mirror else 1)
            turn = np.arctan2(rows, points[:, 1])
            place = np.rint(turn / np.pi * ANGLES).astype(np.intp) % ANGLES
            template = np.zeros((self._rows, ANGLES), np.float32)
            np.add.at(template, (np.rint(radius / STEP).astype(np.intp), place), weights)
            flip = np.diag([-1.0, 1.0]) if mirror else np.eye(2)
            self._templates.append((scipy.fft.rfft2(template).conj(), flip))

    def search(self, ratio: Floats, spectrum: Spectrum, count: int) -> list[Candidate]:
        """The best `count` geometries."""
        padded = np.zeros((self._rows, ANGLES), np.float32)
        padded[: self._inside] = sample(ratio, spectrum, self._fy, self._fx)
        transform = scipy.fft.rfft2(padded)
        found: list[Candidate] = []
        everywhere = np.ones((self._shifts, ANGLES), np.bool_)
        for template, flip in self._templates:
            surface = scipy.fft.irfft2(transform * template, s=padded.shape)[: self._shifts]
            for row, column, score in peaks(surface, everywhere, count):
                turn = np.pi * column / ANGLES - np.pi / 2
                cosine, sine = np.cos(turn), np.sin(turn)
                rotation = np.array([[cosine, sine], [-sine, cosine]])
                scale = np.exp(self._low + STEP * row)
                found.append(Candidate(scale * rotation @ flip, score))
        return sorted(found, key=lambda c: -c.score)[:count]


def peaks(
    surface: Floats, allowed: NDArray[np.bool_], count: int
) -> list[tuple[int, int, float]]:
    """The highest places, apart from each other, with their height over the row's spread."""
    spread = np.sqrt(np.mean(surface * surface, axis=1, keepdims=True)) + 1e-6
    score = np.where(allowed, surface / spread, -np.inf)
    peaks = []
    for _ in range(count):
        row, column = divmod(int(score.argmax()), score.shape[1])
        peaks.append((row, column, float(score[row, column])))
        score[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4] = -np.inf
    return peaks


GENERATORS: NDArray[np.float64] = np.array(
    [[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[1, 0], [0, -1]], [[0, 1], [1, 0]]], np.float64
)
"""Small changes of a matrix: scale, rotation, aspect, shear."""


def constellation_score(
    spectrum: Spectrum, layout: Layout, matrices: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far the used harmonics stand out from the empty ones, in standard deviations.

    Args:
        spectrum: of the whitened plane.
        layout: of the key.
        matrices: B×2×2.
    """
    values = spectrum.at(np.matmul(layout.points, matrices.transpose(0, 2, 1)))
    power = values.real**2 + values.imag**2
    level = power[:, layout.empty].mean(axis=1, keepdims=True) + 1e-12
    ratio = np.minimum(power / level, POWER_CLIP)
    used = np.concatenate([layout.data, layout.pilots])
    gap = ratio[:, used].mean(axis=1) - ratio[:, layout.empty].mean(axis=1)
    return np.asarray(gap / np.sqrt(1 / len(used) + 1 / len(layout.empty)), np.float64)


def refine(
    spectrum: Spectrum,
    layout: Layout,
    matrix: Matrix,
    step: float,
    rounds: int,
    freedom: tuple[int, ...] = (0, 1, 2, 3),
) -> Candidate:
    """Climb to the best geometry near `matrix`.

    Args:
        spectrum: of the whitened plane.
        layout: of the key.
        matrix: the start.
        step: first relative change that is tried.
        rounds: how often; the step shrinks every time.
        freedom: which of GENERATORS may change.
    """
    best = float(constellation_score(spectrum, layout, matrix[None])[0])
    generators = GENERATORS[list(freedom)]
    count = len(generators)
    changes = np.concatenate([generators, -generators])
    for _ in range(rounds):
        tries = np.matmul(np.eye(2) + step * changes, matrix)
        scores = constellation_score(spectrum, layout, tries)
        gain = scores[:count] - scores[count:]
        bend = scores[:count] + scores[count:] - 2 * best
        # Newton along each axis where the score is a hill, else one step uphill.
        move = np.where(bend < 0, -0.5 * gain / np.minimum(bend, -1e-6), np.sign(gain))
        move = np.clip(move, -1, 1)
        joint = (np.eye(2) + step * np.einsum("g,gij->ij", move, generators)) @ matrix
        score = float(constellation_score(spectrum, layout, joint[None])[0])
        top = int(scores.argmax())
        if score < scores[top]:
            score, joint = float(scores[top]), tries[top]
        if score > best:
            best, matrix = score, joint
        step *= 0.6
    return Candidate(matrix, best)
