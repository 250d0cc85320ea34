"""Measure the tile mark on pictures and keys that were not used for tuning.

Run: python -m models.watermark.evaluate --harness DIR --pictures SETS [--only SECTION ...]

`--harness` is the folder of the benchmark package `wmbench` (its 52 attacks and quality
measures), `--pictures` what pictures.py made. Every section writes itself to metrics.json.
"""

from __future__ import annotations

# Every attack takes the name of its picture, and some need none.
# ruff: noqa: ARG005
import argparse
import hashlib
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from provenance.watermark.payload import Payload
from provenance.watermark.tile import LIMIT, TileWatermarker

from . import edits
from .results import update, wilson

KEYS = tuple(hashlib.sha256(f"evaluation {i}".encode()).digest() for i in range(3))
Edit = Callable[[np.ndarray, str], np.ndarray]


def interval(by_picture: list[float], seed: int = 0) -> list[float]:
    """95 % interval of the mean by bootstrap over pictures."""
    values = np.array(by_picture)
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    return [round(float(v), 5) for v in np.quantile(means, (0.025, 0.975))]


def chosen(folder: Path, most: int | None) -> list[Path]:
    """Pictures in a fixed shuffled order."""
    paths = edits.files([folder])
    return sorted(paths, key=lambda p: hashlib.sha256(p.stem.encode()).digest())[:most]


def payload_of(stem: str, key: int, bits: int) -> Payload:
    """A payload for each picture and key."""
    digest = hashlib.sha256(f"{stem} {key}".encode()).digest()
    return Payload(int.from_bytes(digest[: bits // 8], "big"), bits)


def robustness(
    paths: list[Path],
    attacks: dict[str, Edit],
    groups: dict[str, str],
    quality: Callable[[np.ndarray, np.ndarray], dict[str, float]],
    *,
    strength: str | float = "balanced",
    bits: int = 64,
    keys: int = 3,
) -> dict[str, Any]:
    """Quality and exact recovery over pictures × keys × attacks."""
    exact: dict[str, list[list[bool]]] = {name: [] for name in attacks}
    measures: dict[str, list[float]] = defaultdict(list)
    wrong, methods = [], defaultdict(int)
    for path in paths:
        pixels = edits.load(path)
        row: dict[str, list[bool]] = {name: [] for name in attacks}
        for index in range(keys):
            marker = TileWatermarker(KEYS[index], strength=strength)
            payload = payload_of(path.stem, index, bits)
            marked = marker.embed_array(pixels, payload)
            for name, value in quality(pixels, marked).items():
                measures[name].append(value)
            for name, attack in attacks.items():
                reading = marker.extract_array(attack(marked, f"{path.stem} {index}"))
                row[name].append(reading.payload == payload)
                if reading.found:
                    methods[str(reading.details["method"])] += 1
                    if reading.payload != payload:
                        wrong.append([path.stem, index, name])
        for name, hits in row.items():
            exact[name].append(hits)
        print(path.stem, {n: h for n, h in row.items() if not all(h)}, flush=True)
    rates = {name: float(np.mean(hits)) for name, hits in exact.items()}
    edited = [name for name in attacks if groups[name] != "none"]
    by_group: dict[str, Any] = {}
    for group in dict.fromkeys(groups.values()):
        names = [n for n in attacks if groups[n] == group]
        each = np.mean([np.mean(exact[n], axis=1) for n in names], axis=0)
        by_group[group] = {"exact": round(float(each.mean()), 5), "ci95": interval(each.tolist())}
    each = np.mean([np.mean(exact[n], axis=1) for n in edited], axis=0)
    psnr = measures["psnr"]
    return {
        "pictures": len(paths),
        "keys": keys,
        "bits": bits,
        "strength": strength,
        "reads": len(paths) * keys * len(attacks),
        "psnr_mean": round(float(np.mean(psnr)), 2),
        "psnr_min": round(min(psnr), 2),
        "worst_block_mean": round(float(np.mean(measures["psnr_worst_block"])), 2),
        "ssim_mean": round(float(np.mean(measures["ssim"])), 4),
        "ssim_min": round(min(measures["ssim"]), 4),
        "exact_mean": round(float(each.mean()), 5),
        "exact_ci95": interval(each.tolist()),
        "groups": by_group,
        "attacks": {
            n: {"exact": round(r, 5), "ci95": interval(np.mean(exact[n], axis=1).tolist())}
            for n, r in rates.items()
        },
        "found_but_wrong": wrong,
        "methods": dict(methods),
    }


def false_positives(folders: list[Path], most: int) -> dict[str, Any]:
    """Reads of pictures that this key never marked, plain and edited; and with the wrong key."""
    reads = found = 0
    best: list[float] = []
    began = time.monotonic()
    for _, pixels in edits.unmarked_versions(folders):
        if reads >= most:
            break
        scores: dict[int, list[float]] = {64: [], 128: []}
        marker = TileWatermarker(hashlib.sha256(f"never used {reads % 5}".encode()).digest())
        reading = marker.extract_array(pixels, collect=scores)
        found += reading.found
        best.append(max(scores[64], default=0.0))
        reads += 1
    return {
        "reads": reads,
        "found": found,
        "rate_ci95": wilson(found, reads),
        "limit": LIMIT,
        "largest_score_64": round(max(best), 3),
        "seconds": round(time.monotonic() - began),
    }


def main() -> None:
    """Parse and run the sections asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--harness", type=Path, default=Path("../shared/tools/watermark-bench"))
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--most", type=int)
    parser.add_argument("--keys", type=int, default=len(KEYS), help="of the two suites and 256 px")
    parser.add_argument("--false-positive-reads", type=int, default=2500)
    parser.add_argument("--unmarked", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    sys.path.insert(0, str(options.harness))
    from wmbench import attacks as suite
    from wmbench.runner import quality

    def run(name: str, work: Callable[[], dict[str, Any]]) -> None:
        if options.only and name not in options.only:
            return
        began = time.monotonic()
        result = work()
        result["seconds"] = round(time.monotonic() - began)
        update(name, result)

    standard: dict[str, Edit] = {
        n: (lambda p, i, n=n: suite.apply(n, p, 0, i))
        for n in suite.SUITE  # type: ignore[misc]
    }
    groups = {n: g for n, (g, _) in suite.SUITE.items()}
    further: dict[str, Edit] = {
        n: (
            lambda p, i, n=n: edits.BEYOND[n](  # type: ignore[misc]
                p, np.random.default_rng(suite.seed_of(0, i, n))
            )
        )
        for n in edits.BEYOND
    }
    beyond = dict.fromkeys(further, "beyond")
    for size in (512, 1024):
        paths = chosen(options.pictures / f"test{size}", options.most)
        whole = partial(robustness, paths, standard, groups, quality, keys=options.keys)
        run(f"suite_{size}", whole)
        some = paths[: len(paths) // 2]
        run(f"beyond_{size}", partial(robustness, some, further, beyond, quality, keys=1))
    paths = chosen(options.pictures / "test1024", options.most)[:20]
    run(
        "suite_1024_128_bits",
        partial(robustness, paths, standard, groups, quality, bits=128, keys=1, strength=44.0),
    )
    run(
        "suite_1024_128_bits_balanced",
        partial(robustness, paths, standard, groups, quality, bits=128, keys=1),
    )
    for strength in ("stealth", "robust"):
        run(
            f"suite_1024_{strength}",
            partial(robustness, paths, standard, groups, quality, strength=strength, keys=1),
        )
    run("small_256", lambda: _small(options, quality))
    if options.unmarked:
        run(
            "false_positives",
            lambda: false_positives(options.unmarked, options.false_positive_reads),
        )


def _small(
    options: argparse.Namespace, quality: Callable[[np.ndarray, np.ndarray], dict[str, float]]
) -> dict[str, Any]:
    """Pictures of 256 pixels under JPEG 75 and resizing."""
    import tempfile

    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        for path in chosen(options.pictures / "test512", options.most)[:60]:
            image = Image.open(path).convert("RGB")
            scale = 256 / max(image.size)
            size = (max(192, round(image.width * scale)), max(192, round(image.height * scale)))
            image.resize(size, Image.Resampling.LANCZOS).save(Path(folder) / path.name)
        back: Edit = lambda p, i: edits.resized(  # noqa: E731
            edits.scaled(edits.coded(p, "JPEG", quality=75), 0.5), p.shape[1], p.shape[0]
        )
        tried: dict[str, Edit] = {
            "none": lambda p, i: p,
            "JPEG 75": lambda p, i: edits.coded(p, "JPEG", quality=75),
            "JPEG 75, half size and back": back,
        }
        names = {"none": "none", "JPEG 75": "small", "JPEG 75, half size and back": "small"}
        return robustness(edits.files([Path(folder)]), tried, names, quality, keys=options.keys)


if __name__ == "__main__":
    main()
