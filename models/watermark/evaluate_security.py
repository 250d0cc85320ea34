"""What someone who knows the scheme, but not the key, can do to a mark.

Run: python -m models.watermark.evaluate_security --pictures SETS

Averaging a picture's own tiles: the attacker knows the tile's period (worst case), folds the
picture, and subtracts the folded pattern through the public mask; then the same with the period of
the undertone, four tiles. Averaging many pictures: the
mean of 100 marked pictures' fine structure is taken for the mark and subtracted from each.
Transplant: the difference between a marked picture and its original is added to another
picture; the registry's guard must tell, which holds it against the fingerprint on record. Two
keys: one mark over another. How well fingerprints tell pictures apart: benchmarks/registry.py.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.picture import Picture
from provenance.registry.fingerprint import fingerprint
from provenance.registry.guard import Resemblance, compare, tiles
from provenance.watermark import harmonics, mask, plane
from provenance.watermark.host import look
from provenance.watermark.layout import REACH, lattice
from provenance.watermark.payload import Payload
from provenance.watermark.rendering import add_waves
from provenance.watermark.tile import TileWatermarker
from provenance.watermark.waves import Waves, grid_of

from . import edits
from .evaluate import chosen
from .results import update, wilson

KEY = hashlib.sha256(b"security evaluation").digest()
Pixels = NDArray[np.uint8]


def psnr(one: Pixels, other: Pixels) -> float:
    """In dB."""
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def without_own_pattern(
    pixels: Pixels, marker: TileWatermarker, share: float, tiles: int = 1
) -> Pixels:
    """The picture minus `share` of what repeats in it with the period of so many of its tiles."""
    host = look(pixels, marker.layout)
    strength = host.masking.amplitude(1.0)
    points, axis = lattice(tiles), np.arange(REACH * tiles + 1)
    step = host.factor / host.period / tiles
    values = harmonics.pick(harmonics.sums(host.white.plane, step, axis), points)
    passed = plane.prewhitening((np.hypot(points[:, 0], points[:, 1]) * step).astype(np.float32))
    weight = plane.shrink(host.white.weight, mask.COARSE)
    scale = host.white.plane.size * float(np.mean(weight * strength)) * passed
    top, left = (n // 2 * host.factor + (host.factor - 1) / 2 for n in host.small.shape)
    grid = grid_of(points, (-share * values / scale).astype(np.complex64), axis)
    waves = Waves(grid, axis, host.period * tiles, (top, left), pixels.shape[:2])
    return add_waves(pixels, waves, strength, mask.COARSE * host.factor)


def own_pattern(paths: list[Path]) -> dict[str, Any]:
    """Readable share and cost after the attack on each picture alone."""
    marker = TileWatermarker(KEY)
    result = {}
    for name, share, side, quality in (
        ("subtract 50%", 0.5, 1, None),
        ("subtract 100%", 1.0, 1, None),
        ("subtract 100%, JPEG 75", 1.0, 1, 75),
        ("subtract 100%, mirrored, cropped to 80%", 1.0, 1, 0),
        ("subtract 100% of 2×2 tiles", 1.0, 2, None),
        ("subtract 100% of 4×4 tiles", 1.0, 4, None),
        ("subtract 100% of 8×8 tiles", 1.0, 8, None),
    ):
        readable, losses = 0, []
        for number, path in enumerate(paths):
            original = edits.load(path)
            payload = Payload.from_hex(hashlib.sha256(path.stem.encode()).hexdigest()[:16])
            marked = marker.embed_array(original, payload)
            attacked = without_own_pattern(marked, marker, share, side)
            losses.append(psnr(attacked, marked))
            if quality:
                attacked = edits.coded(attacked, "JPEG", quality=quality)
            elif quality == 0:
                rng = np.random.default_rng(number)
                attacked = edits.cropped(np.ascontiguousarray(attacked[:, ::-1]), 0.8, rng)
            readable += marker.extract_array(attacked).payload == payload
        result[name] = {
            "readable": readable,
            "n": len(paths),
            "ci95": wilson(readable, len(paths)),
            "psnr_to_marked_mean": round(float(np.mean(losses)), 1),
        }
    return result


def many_pictures(paths: list[Path]) -> dict[str, Any]:
    """Readable share after subtracting the mean fine structure of all square pictures."""
    marker = TileWatermarker(KEY)
    marked = []
    for path in paths:
        pixels = edits.load(path)
        if pixels.shape[0] == pixels.shape[1]:
            payload = Payload.from_hex(hashlib.sha256(path.stem.encode()).hexdigest()[:16])
            marked.append((payload, marker.embed_array(pixels, payload)))
    filters = plane.filters_for(*marked[0][1].shape[:2])
    fine = (1 - filters.gaussian(6.0)).astype(np.float32)
    total = sum(
        filters.crop(filters.back(filters.forward(plane.luma_plane(p, 1)), fine)) for _, p in marked
    )
    mean = np.asarray(total) / len(marked)
    result = {}
    for times in (1, 3):
        readable = 0
        for payload, pixels in marked:
            cleaned = np.clip(np.rint(pixels - times * mean[..., None]), 0, 255).astype(np.uint8)
            readable += marker.extract_array(cleaned).payload == payload
        result[f"subtract {times} times the mean"] = {
            "readable": readable,
            "n": len(marked),
            "ci95": wilson(readable, len(marked)),
        }
    return result


def transplants(paths: list[Path]) -> dict[str, Any]:
    """How often a transplanted mark reads, and what the guard then says of its picture."""
    marker = TileWatermarker(KEY)
    said: Counter[str] = Counter()
    square = [p for p in (edits.load(path) for path in paths) if p.shape[0] == p.shape[1]]
    n = len(square) - 1
    for source, target in pairwise(square):
        marked = Picture(marker.embed_array(source, Payload(5)))
        kept = tiles(marker.extract(marked).details, marked.width, marked.height)
        moved = np.clip(target + (marked.pixels.astype(int) - source), 0, 255).astype(np.uint8)
        copy = Picture(moved)
        reading = marker.extract(copy)
        if reading.found:
            recorded = fingerprint(marked)
            answer = compare(copy, recorded, recorded_tiles=kept, reading=reading.details)
            said[answer.resemblance.value] += 1
    caught, reads = said[Resemblance.OTHER.value], said.total()
    return {
        "n": n,
        "mark_reads": reads,
        "guard_says": dict(said),
        "caught": caught,
        "caught_ci95": wilson(caught, reads),
    }


def two_keys(paths: list[Path]) -> dict[str, Any]:
    """Both marks of pictures marked under one key and then under another, after JPEG 75."""
    first, second = TileWatermarker(KEY), TileWatermarker(hashlib.sha256(KEY).digest())
    one = two = 0
    for path in paths:
        both = second.embed_array(first.embed_array(edits.load(path), Payload(5)), Payload(6))
        edited = edits.coded(both, "JPEG", quality=75)
        one += first.extract_array(edited).payload == Payload(5)
        two += second.extract_array(edited).payload == Payload(6)
    n = len(paths)
    return {
        "n": n,
        "first_readable": one,
        "first_ci95": wilson(one, n),
        "second_readable": two,
        "second_ci95": wilson(two, n),
    }


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--most", type=int, default=40)
    options = parser.parse_args()
    large = chosen(options.pictures / "test1024", options.most)
    small = chosen(options.pictures / "test512", None)
    result = {
        "own_pattern_1024": own_pattern(large),
        "own_pattern_512": own_pattern(small[: options.most]),
        "many_pictures_512": many_pictures(small),
        "transplants_512": transplants(small[: options.most]),
        "two_keys_512": two_keys(small[: options.most]),
    }
    update("security", result)
    print(result)


if __name__ == "__main__":
    main()
