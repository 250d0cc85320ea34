"""Recognises drawings, diagrams and screenshots: detectors of photographs cannot judge them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.detect.views import CROPS, SHRUNK
from provenance.picture import Picture

_BLOCK = 8
_LARGEST = 1024
"""Only the middle of larger pictures is looked at, at full resolution."""


def flatness(picture: Picture) -> float:
    """The share of 8×8 blocks whose luminance does not vary by more than one level, in [0, 1].

    Cameras have noise, so a photograph is flat only where it is black or burnt out; what was drawn
    or composed on a screen is flat in most places.
    """
    top = max(0, (picture.height - _LARGEST) // 2)
    left = max(0, (picture.width - _LARGEST) // 2)
    seen = picture.pixels[top : top + _LARGEST, left : left + _LARGEST]
    rows, columns = seen.shape[0] // _BLOCK, seen.shape[1] // _BLOCK
    if not rows or not columns:
        return 1.0
    gray = seen[: rows * _BLOCK, : columns * _BLOCK].astype(np.uint16).sum(axis=2) // 3
    blocks = gray.reshape(rows, _BLOCK, columns, _BLOCK)
    spread = blocks.max(axis=(1, 3)) - blocks.min(axis=(1, 3))
    return float((spread <= 1).mean())


def described(features: NDArray[np.float32], flat: float) -> NDArray[np.float32]:
    """What graphics are told by: the features of the whole and of its crops, and the flatness.

    Args:
        features: of the views, as the backbone gives them.
        flat: from `flatness`.
    """
    crops = features[CROPS].mean(axis=0)
    both = (features[SHRUNK].astype(np.float32) + crops) / 2
    return np.append(both, flat).astype(np.float32)
