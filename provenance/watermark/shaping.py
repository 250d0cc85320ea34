"""Writing with knowledge of the picture: each harmonic is sized by what the picture says there.

The reader sees, at every harmonic, the mark plus the picture's own value. The writer knows that
value, so it spends part of its energy on cancelling it. How much depends on how much other noise
(compression, cropping) must be expected: cancelling pays only against what the picture itself
adds.

Source: improved spread spectrum, Malvar and Florencio 2003, section III, with the linear rule
and the best cancelling fraction chosen for each picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LIMITS = (-0.5, 2.5)
"""Smallest and largest size of a quadrature, in units of the average."""


def sizes(host: Floats, response: Floats, other: float) -> Floats:
    """Sizes of the quadratures, with a mean square of 1.

    Args:
        host: the picture's own soft value at each quadrature, signed so that positive helps.
        response: soft value that a size of 1 adds at each quadrature.
        other: variance of the noise expected besides the picture.
    """
    relative = np.clip(host / response, -4.0, 4.0)
    spread = float(np.mean(relative**2))
    extra = other / float(np.mean(response)) ** 2
    best, chosen = -1.0, np.ones_like(host)
    for cancelled in np.arange(0.0, 1.0, 0.1, dtype=np.float32):
        left = 1.0 - float(cancelled) ** 2 * spread
        if left <= 0.05:
            break
        signal = left / ((1.0 - float(cancelled)) ** 2 * spread + extra)
        if signal > best:
            best, chosen = signal, np.float32(np.sqrt(left)) - cancelled * relative
    limited = np.clip(chosen, *LIMITS)
    return np.asarray(limited / np.sqrt(np.mean(limited**2)), np.float32)
