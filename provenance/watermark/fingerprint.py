"""A perceptual hash: 64 bits that editing keeps and another picture does not have.

A mark can be lifted from one picture and put onto another. Who records a picture's fingerprint
beside its payload can tell: the payload of the copy points to a record whose fingerprint differs.

Source: Zauner 2010, section 3.2.1 ("pHash", DCT based): the signs, against their median, of the
8×8 lowest cosine coefficients of the picture at 32×32, the constant one left out.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from provenance.picture import Picture
from provenance.watermark import plane

SIDE = 32
KEPT = 8
BITS = KEPT * KEPT

SAME = 14
"""Bits that may differ between a picture and its edited copy; see docs/watermark.md for how often
edited copies differ by more and strangers by less."""


def fingerprint(picture: Picture) -> int:
    """The picture's 64-bit perceptual hash. Gray, scale and mild edits hardly change it."""
    factor = max(1, min(picture.height, picture.width) // (4 * SIDE))
    luma = plane.luma_plane(picture.pixels, factor)
    small = _average(_average(luma).T).T
    coefficients = scipy.fft.dctn(small, norm="ortho")[: KEPT + 1, : KEPT + 1]
    chosen = coefficients[1:, 1:].ravel()
    bits = chosen > np.median(chosen)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def distance(one: int, other: int) -> int:
    """Bits in which two fingerprints differ, 0 to 64; about 32 between unrelated pictures."""
    return (one ^ other).bit_count()


def _average(values: plane.Plane) -> plane.Plane:
    """Rows averaged, or repeated, to SIDE rows of equal share."""
    length = len(values)
    edges = np.arange(SIDE + 1) * length / SIDE
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    whole = np.minimum(edges.astype(np.intp), length - 1)
    sums = total[whole] + (edges - whole)[:, None] * values[whole]
    return np.asarray(np.diff(sums, axis=0) * (SIDE / length), np.float32)
