"""Fit the tail of the score on unmarked material, and write it where the reader finds it.

Run: python -m models.watermark.calibrate --pictures DIR... [--reads 100000]

Synthetic reads: random spectra with random loudness by radius, sent through everything that
follows the spectrum (noise estimate, search of carrier, orientation and shift, decoding). One in
ten is also made for the undertone; its tail is reported beside the others, and checked.
Real reads: pictures that were never marked, plain and edited, through the whole reader.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np

from provenance.watermark import code, reader, undertone
from provenance.watermark.calibrated import TAILS
from provenance.watermark.layout import SUPER, make_layout
from provenance.watermark.payload import SIZES
from provenance.watermark.tile import TileWatermarker

from .edits import unmarked_versions
from .results import update, wilson

ROOT = Path(__file__).resolve().parents[2]
START = 0.98
"""Quantile of the scores at which the modelled tail starts."""


def synthetic(reads: int, keys: int, seed: int) -> tuple[dict[int, list[float]], list[int]]:
    """Scores by payload length, and the CRC residues of all words."""
    rng = np.random.default_rng(seed)
    layouts = [
        make_layout(hashlib.sha256(f"calibration {i}".encode()).digest()) for i in range(keys)
    ]
    scores: dict[int, list[float]] = {bits: [] for bits in SIZES}
    residues: list[int] = []
    batch: list[np.ndarray] = []
    for number in range(reads):
        layout = layouts[number % keys]
        lattice = reader.lattice_of(_random_spectrum(layout.points, rng), layout)
        lock = reader.find_locks(lattice, layout, 1)[0]
        batch.append(reader.soft_values(lattice, layout, lock))
        if len(batch) == 50 or number == reads - 1:
            soft = np.stack(batch)
            for bits in SIZES:
                scores[bits] += [outcome.score for outcome in reader.decode(soft, bits)]
            for message in code.decode(soft[:10], 64 + code.CRC_BITS):
                wanted = code.crc(np.append(message[:64], 0).astype(np.uint8))
                residues.append(int(np.packbits(wanted ^ message[64:])[0]))
            batch.clear()
        if number % 10000 == 9999:
            print(f"{number + 1} synthetic reads", flush=True)
    return scores, residues


def synthetic_undertone(reads: int, keys: int, seed: int) -> dict[int, list[float]]:
    """As `synthetic`, for words read from the undertone."""
    rng = np.random.default_rng(seed)
    tones = [
        make_layout(hashlib.sha256(f"calibration {i}".encode()).digest()).undertone
        for i in range(keys)
    ]
    scores: dict[int, list[float]] = {bits: [] for bits in SIZES}
    for number in range(reads):
        tone = tones[number % keys]
        square = np.zeros((len(tone.axis), 2 * len(tone.axis) - 1), np.complex64)
        spectrum = _random_spectrum(tone.waves / SUPER, rng)
        square[tone.points[:, 0], tone.points[:, 1] + len(tone.axis) - 1] = spectrum
        lattice = undertone.lattice_of(square, tone)
        soft = undertone.soft_values(lattice, tone, undertone.find_lock(lattice, tone))
        for bits in SIZES:
            scores[bits].append(reader.decode(soft[None], bits)[0].score)
    return scores


def _random_spectrum(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Complex noise whose loudness varies with radius and, a little, from place to place."""
    radius = np.hypot(points[:, 0], points[:, 1])
    loudness = np.exp(rng.normal(0, 1) * (radius / 12 - 1) + rng.normal(0, 0.3, len(points)))
    noise = rng.normal(size=(2, len(points)))
    return ((noise[0] + 1j * noise[1]) * loudness).astype(np.complex64)


def real(folders: list[Path], most: int) -> dict[int, list[float]]:
    """Scores of every word that the reader decodes in unmarked pictures."""
    scores: dict[int, list[float]] = {bits: [] for bits in SIZES}
    reads = 0
    for name, pixels in unmarked_versions(folders):
        if reads >= most:
            break
        marker = TileWatermarker(hashlib.sha256(f"unmarked {reads % 7}".encode()).digest())
        reading = marker.extract_array(pixels, collect=scores)
        if reading.found:
            raise SystemExit(f"false positive on {name}: {reading}")
        reads += 1
    print(f"{reads} real reads", flush=True)
    scores["reads"] = reads  # type: ignore[index,assignment]
    return scores


def fit(scores: list[float]) -> dict[str, float]:
    """Exponential tail beyond the START quantile, with the scale's upper 95 % bound."""
    values = np.sort(np.array(scores))
    start = float(np.quantile(values, START))
    beyond = values[values > start] - start
    scale = float(beyond.mean()) * (1 + 1.96 / np.sqrt(len(beyond)))
    share = len(beyond) / len(values)
    checks = {}
    for quantile in (0.99, 0.999, 0.9999, 0.99999):
        if (1 - quantile) * len(values) >= 1:
            score = float(np.quantile(values, quantile))
            modelled = share * float(np.exp(-(score - start) / scale))
            checks[f"{1 - quantile:.0e}"] = {"score": round(score, 3), "modelled": modelled}
    return {
        "n": len(values),
        "start": start,
        "share": share,
        "scale": scale,
        "largest": float(values[-1]),
        "measured_against_model": checks,
    }


def against_the_model(scores: list[float], bits: int) -> dict[str, object]:
    """How many words scored as high as the tail in use says, and more."""
    start, share, _ = TAILS[bits]
    beyond = sum(score > start for score in scores)
    return {
        "synthetic_reads": len(scores),
        "largest": round(max(scores), 3),
        "modelled_share_beyond_start": share,
        "measured_share_beyond_start": round(beyond / len(scores), 5),
        "ci95": wilson(beyond, len(scores)),
    }


def main() -> None:
    """Parse, measure, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, nargs="*", default=[])
    parser.add_argument("--reads", type=int, default=100_000)
    parser.add_argument("--real", type=int, default=1000)
    parser.add_argument("--keys", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--undertone-only", action="store_true", help="check its tail, fit nothing")
    options = parser.parse_args()
    began = time.monotonic()
    if options.undertone_only:
        scores = synthetic_undertone(options.reads, options.keys, options.seed + 1)
        update("undertone", {str(bits): against_the_model(scores[bits], bits) for bits in SIZES})
        return
    scores, residues = synthetic(options.reads, options.keys, options.seed)
    below = synthetic_undertone(options.reads // 10, options.keys, options.seed + 1)
    pictures = real(options.pictures, options.real) if options.pictures else {}
    reads = pictures.pop("reads", 0)  # type: ignore[call-overload]
    result: dict[str, object] = {
        "synthetic_reads": options.reads,
        "real_reads": reads,
        "keys": options.keys,
        "seed": options.seed,
    }
    tails = {}
    for bits in SIZES:
        fitted = fit(scores[bits])
        fitted_real = fit(pictures[bits]) if pictures else None
        result[str(bits)] = {
            "synthetic": fitted,
            "real": fitted_real,
            "undertone": fit(below[bits]),
            "histogram": np.histogram(scores[bits], 60)[0].tolist(),
            "edges": np.histogram(scores[bits], 60)[1].round(4).tolist(),
        }
        worse = max((f for f in (fitted, fitted_real, fit(below[bits])) if f), key=_reach)
        tails[bits] = (worse["start"], worse["share"], worse["scale"])
    counts = np.bincount(residues, minlength=256)
    expected = len(residues) / 256
    result["crc_residue_chi2_255"] = float(np.sum((counts - expected) ** 2 / expected))
    result["crc_residues"] = len(residues)
    result["seconds"] = round(time.monotonic() - began)
    update("calibration", result)
    lines = ",\n".join(f"    {b}: ({t[0]:.4f}, {t[1]:.6f}, {t[2]:.5f})" for b, t in tails.items())
    (ROOT / "provenance/watermark/calibrated.py").write_text(
        '"""Measured tails of the score on unmarked pictures. '
        'Written by models/watermark/calibrate.py."""\n\n'
        "from __future__ import annotations\n\n"
        f"TAILS: dict[int, tuple[float, float, float]] = {{\n{lines},\n}}\n"
        '"""By payload length: score at which the tail starts, share of words beyond it, '
        'and its scale."""\n',
        encoding="utf-8",
    )
    print(json.dumps(result, indent=1)[:3000])


def _reach(tail: dict[str, float]) -> float:
    """Score at which the modelled tail falls to 1e-4: the larger, the more careful."""
    return tail["start"] + tail["scale"] * float(np.log(tail["share"] / 1e-4))


if __name__ == "__main__":
    main()
