"""Plain bars along the edges, as players, phones and slides put them around a picture."""

from __future__ import annotations

import numpy as np

from provenance.picture import Picture

PLAIN = 12
"""Levels within which a row counts as a part of a bar; compression leaves some."""


def without_bars(picture: Picture) -> Picture:
    """The picture without plain rows and columns along its edges; itself if it has none."""
    gray = picture.pixels.mean(axis=2, dtype=np.float32)
    rows, columns = (np.flatnonzero(np.ptp(gray, axis=axis) > PLAIN) for axis in (1, 0))
    if len(rows) == 0 or len(columns) == 0:
        return picture
    inner = picture.pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return picture if inner.shape == picture.pixels.shape else Picture(np.ascontiguousarray(inner))
