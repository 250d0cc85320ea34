"""Measured tails of the score on unmarked pictures. Written by models/watermark/calibrate.py."""

from __future__ import annotations

TAILS: dict[int, tuple[float, float, float]] = {
    64: (10.1376, 0.020243, 0.11732),
    128: (12.7520, 0.020243, 0.08665),
}
"""By payload length: score at which the tail starts, share of words beyond it, and its scale."""
