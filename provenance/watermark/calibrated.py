"""Measured tails of the score on unmarked pictures. Written by models/watermark/calibrate.py."""

from __future__ import annotations

TAILS: dict[int, tuple[float, float, float]] = {
    64: (10.0785, 0.020000, 0.19544),
    128: (12.6041, 0.020000, 0.09281),
}
"""By payload length: score at which the tail starts, share of words beyond it, and its scale."""
