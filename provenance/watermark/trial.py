"""What a watermark costs a picture, and which edits it survives: for somebody's own pictures."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from provenance.picture import Picture
from provenance.watermark.edits import Edit
from provenance.watermark.interface import Payload, Watermarker


@dataclass(frozen=True, slots=True)
class Read:
    """One edited picture, read.

    Attributes:
        recovered: the payload came back, whole.
        wrong: another payload was read, which should never happen.
        milliseconds: CPU time of reading, all threads.
    """

    recovered: bool
    wrong: bool
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One picture.

    Attributes:
        psnr: of the marked picture against the original, in dB.
        embed_milliseconds: CPU time of marking, all threads.
        reads: by edit.
    """

    psnr: float
    embed_milliseconds: float
    reads: Mapping[str, Read]


@dataclass(frozen=True, slots=True)
class Survival:
    """One edit, over all pictures.

    Attributes:
        pictures: how many were edited.
        recovered: how many gave their payload back.
        wrong: how many gave another.
        low: end of the 95 % interval of the share recovered (Wilson 1927).
        high: the other end.
        milliseconds: median CPU time of reading.
    """

    pictures: int
    recovered: int
    wrong: int
    low: float
    high: float
    milliseconds: float


def attempt(
    watermarker: Watermarker, picture: Picture, edits: Mapping[str, Edit], seed: int = 0
) -> Trial:
    """Mark a picture, edit it in every way, and read each result.

    Args:
        watermarker: marks and reads.
        picture: at least `watermarker.smallest_side` on both sides, without its mark.
        edits: by name.
        seed: of what the edits leave to chance, beside their names.

    Raises:
        TooSmall: the picture cannot be marked.
        UnsupportedPicture: it carries a mark already.
    """
    payload = Payload.random()
    began = time.process_time()
    marked = watermarker.embed(picture, payload)
    spent = time.process_time() - began
    reads = {}
    for name, edit in edits.items():
        rng = np.random.default_rng([seed, *name.encode()])
        edited = Picture(np.ascontiguousarray(edit(marked.pixels, rng)))
        began = time.process_time()
        found = watermarker.extract(edited).payload
        took = time.process_time() - began
        wrong = found is not None and found != payload
        reads[name] = Read(found == payload, wrong, 1000 * took)
    return Trial(psnr(picture, marked), 1000 * spent, reads)


def psnr(one: Picture, other: Picture) -> float:
    """Peak signal-to-noise ratio in dB, at most 100, which stands for equal pixels as well."""
    error = float(np.mean((one.pixels.astype(np.float32) - other.pixels) ** 2))
    return min(100.0, 10 * math.log10(255**2 / error)) if error else 100.0


def survival(trials: Sequence[Trial]) -> dict[str, Survival]:
    """Each edit over all pictures; `trials` are of the same edits, and at least one."""
    result = {}
    for name in trials[0].reads:
        reads = [trial.reads[name] for trial in trials]
        recovered = sum(read.recovered for read in reads)
        low, high = wilson(recovered, len(reads))
        result[name] = Survival(
            len(reads),
            recovered,
            sum(read.wrong for read in reads),
            low,
            high,
            median(read.milliseconds for read in reads),
        )
    return result


def summary(trials: Sequence[Trial]) -> dict[str, float]:
    """Quality and cost over all pictures, at least one."""
    return {
        "pictures": len(trials),
        "psnr_mean": fmean(trial.psnr for trial in trials),
        "psnr_min": min(trial.psnr for trial in trials),
        "embed_ms": median(trial.embed_milliseconds for trial in trials),
    }


def wilson(hits: int, tries: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    share = hits / tries
    centre = share + z * z / (2 * tries)
    reach = z * math.sqrt((share * (1 - share) + z * z / (4 * tries)) / tries)
    whole = 1 + z * z / tries
    return max(0.0, (centre - reach) / whole), min(1.0, (centre + reach) / whole)
