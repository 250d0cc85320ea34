"""Computes the features of labelled pictures, once for all experiments.

    python -m models.pixels.features LIST.csv... -o features.npz

Each list has the columns path, label (`ai` or `real`) and source; `source_repo` is taken for
`source`. Paths are relative to the list. Each picture gives the views that the detector sees, and
`EXTRA` random ones for training: another scale, another crop, another compression.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance import Picture
from provenance.detect.backbone import SIDE, WIDTH, Backbone
from provenance.detect.views import compressed, views, with_side
from provenance.errors import ProvenanceError

EXTRA = 6
"""Random views of each picture."""

LEAST = 128
"""Pictures with a shorter side under this are left out."""


def listed(lists: list[Path]) -> Iterator[tuple[Path, str, str]]:
    """Path, label and source of every picture."""
    for each in lists:
        with each.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["label"] in ("ai", "real"):
                    yield (
                        each.parent / row["path"],
                        row["label"],
                        row.get("source") or row["source_repo"],
                    )


def augmented(picture: Picture, seed: int) -> list[Image.Image]:
    """Random views: a scale between the shrunk and the whole one, JPEG or WebP, any place."""
    rng = np.random.default_rng(seed)
    whole = Image.fromarray(picture.pixels)
    most = max(257, min(1024, *whole.size))
    made = []
    for _ in range(EXTRA):
        side = round(float(np.exp(rng.uniform(np.log(256), np.log(most)))))
        format_ = "WEBP" if rng.random() < 0.25 else "JPEG"
        quality, chroma = int(rng.integers(55, 98)), int(rng.integers(0, 3))
        image = compressed(with_side(whole, side), quality, format_, chroma)
        x = int(rng.integers(0, image.width - SIDE + 1))
        y = int(rng.integers(0, image.height - SIDE + 1))
        made.append(image.crop((x, y, x + SIDE, y + SIDE)))
    return made


def trivial(path: Path, picture: Picture) -> list[float]:
    """What needs no look at the picture: PNG, square, sides in eights, bytes a pixel, size."""
    width, height = picture.width, picture.height
    return [
        float(path.suffix.lower() == ".png"),
        float(width == height),
        float(width % 8 == 0 and height % 8 == 0),
        path.stat().st_size / (width * height),
        float(width * height),
    ]


def main() -> None:
    """Compute and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    backbone = Backbone()
    rows: list[NDArray[np.float16]] = []
    facts: list[tuple[str, str, str, int]] = []
    plain: list[list[float]] = []
    for path, label, source in listed(given.lists):
        try:
            picture = Picture.open(path)
        except (ProvenanceError, OSError) as error:
            print(f"{path}: {error}")
            continue
        if min(picture.width, picture.height) < LEAST:
            continue
        seed = int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16)
        seen = [*views(picture), *augmented(picture, seed)]
        rows.append(backbone.features(seen).astype(np.float16))
        facts.append((path.name, label, source, min(picture.width, picture.height)))
        plain.append(trivial(path, picture))
        if len(rows) % 50 == 0:
            print(len(rows), flush=True)
    names, labels, sources, sides = zip(*facts, strict=True)
    np.savez(
        given.output,
        features=np.stack(rows).reshape(len(rows), -1, WIDTH),
        name=np.array(names),
        label=np.array(labels),
        source=np.array(sources),
        side=np.array(sides),
        trivial=np.array(plain),
    )


if __name__ == "__main__":
    main()
