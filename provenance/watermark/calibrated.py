"""Measured tails of the score on unmarked pictures. Written by models/watermark/calibrate.py."""

from __future__ import annotations

TAILS: dict[int, tuple[float, float, float]] = {
    64: (10.1223, 0.021113, 0.23594),
    128: (12.7319, 0.021113, 0.14448),
}
"""By payload length: score at which the tail starts, share of words beyond it, and its scale."""
