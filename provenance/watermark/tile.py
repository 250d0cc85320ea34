"""`TileWatermarker`: the mark of this library, from a key."""

from __future__ import annotations

import threading
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from provenance.errors import KeyUnusable, TooSmall, UnsupportedPicture
from provenance.picture import Picture
from provenance.watermark import embedder, plane, search
from provenance.watermark.calibration import false_positive_rate
from provenance.watermark.embedder import Policy
from provenance.watermark.host import Host
from provenance.watermark.interface import Reading
from provenance.watermark.layout import KEY_BYTES, Layout, make_layout
from provenance.watermark.payload import Payload

ALGORITHM = "org.provenance-kit.tile.1"

SMALLEST_SIDE = 192

STRENGTHS = {
    "stealth": Policy(score=18.0, loudest=40.0, faintest=47.5),
    "balanced": Policy(score=19.3, loudest=38.0, faintest=45.3),
    "robust": Policy(score=20.0, loudest=36.5, faintest=42.0),
}
"""What each named strength stands for."""

MIDDLE = 0.6
"""Share of each side, in the middle of a picture, that is tried before all of it."""

MIDDLE_SIDE = 256
"""Least side of that middle, in samples."""

PAGE_FACTOR = 3
"""Reduction from which a picture is also searched as a page with a smaller picture on it."""

Strength = Literal["balanced", "stealth", "robust"] | float

LIMIT = 1e-8
"""Largest false-positive rate, over the whole search, at which a payload counts as found."""


class TileWatermarker:
    """Hides payloads under one secret key, and reads them.

    Thread-safe; pickles as key and strength; plans are built at first use.

    Args:
        key: 32 secret bytes. Whoever holds them can read, write and remove the mark.
        strength: "balanced", "stealth", "robust", or a target PSNR in dB from 32 to 56.
        replace: take out a mark of the same key before writing; else such pictures are refused.

    Raises:
        KeyUnusable: the key is not 32 bytes.
        ValueError: an unknown strength.
    """

    def __init__(
        self, key: bytes, *, strength: Strength = "balanced", replace: bool = False
    ) -> None:
        if not isinstance(key, bytes) or len(key) != KEY_BYTES:
            raise KeyUnusable(
                f"a watermark key is {KEY_BYTES} bytes; this one is a {type(key).__name__} of "
                f"length {len(key)}: make one with secrets.token_bytes({KEY_BYTES})"
            )
        self._policy = _policy(strength)
        self._key = key
        self._strength = strength
        self._replace = replace
        self._layout: Layout | None = None
        self._plans: search.Plans | None = None
        self._lock = threading.Lock()

    @property
    def algorithm(self) -> str:
        """Name of the scheme as used in a C2PA soft binding."""
        return ALGORITHM

    @property
    def smallest_side(self) -> int:
        """Pixels; `embed` refuses pictures with a shorter side."""
        return SMALLEST_SIDE

    def __repr__(self) -> str:
        """Without the key."""
        return f"TileWatermarker(strength={self._strength!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as key and strength."""
        return _rebuild, (self._key, self._strength, self._replace)

    @property
    def layout(self) -> Layout:
        """The constellation of the key, made at first use."""
        if self._layout is None:
            with self._lock:
                if self._layout is None:
                    self._layout = make_layout(self._key)
        return self._layout

    @property
    def plans(self) -> search.Plans:
        """What reading needs of the key, made at first use."""
        layout = self.layout
        if self._plans is None:
            with self._lock:
                if self._plans is None:
                    self._plans = search.Plans(layout)
        return self._plans

    def embed(self, picture: Picture, payload: Payload) -> Picture:
        """Hide `payload` in `picture`, keeping its size, transparency and metadata.

        Raises:
            TooSmall: a side is shorter than `smallest_side`.
            UnsupportedPicture: it carries a mark of this key, and `replace` was not asked for.
        """
        return picture.with_pixels(self.embed_array(picture.pixels, payload))

    def extract(self, picture: Picture) -> Reading:
        """Look for a mark of this key. Never raises for a valid picture."""
        return self.extract_array(picture.pixels)

    def embed_array(self, pixels: NDArray[Any], payload: Payload) -> NDArray[Any]:
        """As `embed`, on H×W×3 uint8 or uint16.

        Raises:
            TooSmall: a side is shorter than `smallest_side`.
            UnsupportedPicture: it carries a mark of this key, and `replace` was not asked for.
            ValueError: another shape or type.
        """
        plane.check_pixels(pixels)
        if pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f"pixels have type {pixels.dtype}; a mark is written into uint8 or uint16: "
                "scale to 0..255 or 0..65535 and round"
            )
        if min(pixels.shape[:2]) < SMALLEST_SIDE:
            raise TooSmall(
                f"picture is {pixels.shape[1]}×{pixels.shape[0]}; too small to mark reliably: "
                f"both sides must be at least {SMALLEST_SIDE} pixels"
            )
        return embedder.embed(
            pixels, self._key, self.layout, payload, self._policy, self._find_existing
        )

    def _find_existing(self, host: Host) -> NDArray[Any] | None:
        """Pixels without the mark of this key that they carry, or None when there is none."""
        looking = search.Search(self.plans, LIMIT)
        upright = np.eye(2) * (host.factor / host.period)
        hit = looking.in_lattice(host.lattice, upright, host.factor, "as written")
        if hit is None:
            return None
        if not self._replace:
            raise UnsupportedPicture(
                f"the picture already carries {hit.payload.hex} under this key; mark the "
                'original, or set [watermark] existing = "replace"'
            )
        return embedder.erase(host, self.layout, hit)

    def extract_array(
        self, pixels: NDArray[Any], *, collect: dict[int, list[float]] | None = None
    ) -> Reading:
        """As `extract`, on H×W×3 uint8, uint16, or floats in 0..255.

        Args:
            pixels: the picture.
            collect: for calibration: takes the score of every word decoded, by payload length.

        Raises:
            ValueError: another shape or type, NaN or infinity.
        """
        plane.check_pixels(pixels)
        height, width = pixels.shape[:2]
        if min(height, width) < 32:
            return Reading(None, 1.0, {"reason": "too small to mark reliably"})
        looking = search.Search(self.plans, LIMIT)
        hit = self._look(looking, pixels)
        for bits, scores in (collect or {}).items():
            scores.extend(looking.trace.scores[bits])
        if hit is not None:
            rate = false_positive_rate(hit.score, hit.payload.bits)
            return Reading(hit.payload, rate, _describe(hit, looking.trace))
        reason = "nothing found"
        if min(height, width) < SMALLEST_SIDE:
            reason = "too small to mark reliably"
        return Reading(None, 1.0, {"reason": reason})

    def _look(self, looking: search.Search, pixels: NDArray[Any]) -> search.Hit | None:
        """The cheap and likely first: most pictures that carry a mark are hardly edited."""
        height, width = pixels.shape[:2]
        factor = plane.reduction(height, width)
        step = factor / plane.tile_period(self.layout.tile, height, width)
        middle = _middle(pixels, factor)
        if middle is not None:
            part = plane.whiten(plane.luma_plane(middle, factor)).plane
            hit = looking.as_written(part, step, factor)
            if hit is not None:
                return hit
        reduced = plane.luma_plane(pixels, factor)
        whitened = plane.whiten(reduced).plane
        hit = looking.as_written(whitened, step, factor)
        hit = hit or looking.elsewhere(reduced, whitened, factor)
        if hit is None and factor >= PAGE_FACTOR:
            finer = -(-factor // 2)
            hit = looking.at_another_resolution(plane.luma_plane(pixels, finer), finer)
        return hit or looking.undertone(whitened, step, factor)


def _middle(pixels: NDArray[Any], factor: int) -> NDArray[Any] | None:
    """The middle of the picture, if that is enough to be worth a try."""
    height, width = (int(MIDDLE * n / factor) * factor for n in pixels.shape[:2])
    if min(height, width) < MIDDLE_SIDE * factor:
        return None
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def _describe(hit: search.Hit, trace: search.Trace) -> dict[str, Any]:
    period = np.linalg.inv(hit.matrix)
    return {
        "score": round(hit.score, 2),
        "pilots": round(hit.lock.score, 2),
        "carrier": hit.lock.carrier,
        "orientation": hit.lock.orientation,
        "inverted": hit.lock.sign < 0,
        "method": hit.method,
        "attempts": trace.attempts,
        "period": [[round(float(v), 3) for v in row] for row in period],
    }


def _policy(strength: Strength) -> Policy:
    if isinstance(strength, str):
        if strength not in STRENGTHS:
            raise ValueError(f"strength '{strength}' is unknown; use one of {sorted(STRENGTHS)}")
        return STRENGTHS[strength]
    if not 32.0 <= float(strength) <= 56.0:
        raise ValueError(f"strength {strength} dB is out of range; use 32 to 56, or a name")
    return Policy(0.0, float(strength), float(strength))


def _rebuild(key: bytes, strength: Strength, replace: bool) -> TileWatermarker:
    return TileWatermarker(key, strength=strength, replace=replace)
