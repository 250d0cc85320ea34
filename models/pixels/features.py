"""Computes the features of labelled pictures, once for all experiments.

    python -m models.pixels.features LIST.csv... -o features.npz [--edit NAME]

Each list has the columns path, label (`ai`, `real` or `graphic`) and source; `source_repo` is taken
for `source`. Paths are relative to the list. Each picture gives the views that the detector sees,
and `EXTRA` random ones for training: another scale, another crop, another compression. With
`--edit`, photographs alone are taken, changed as edits.py says, and seen as the detector does.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from models.pixels.edits import EDITS
from provenance import Picture
from provenance.detect.backbone import SIDE, WIDTH, Backbone
from provenance.detect.graphics import flatness
from provenance.detect.views import compressed, views, with_side
from provenance.errors import ProvenanceError

EXTRA = 3
"""Random views of each picture."""

LEAST = 128
"""Pictures with a shorter side under this are left out."""


def listed(lists: list[Path]) -> Iterator[tuple[Path, str, str]]:
    """Path, label and source of every picture."""
    for each in lists:
        with each.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["label"] in ("ai", "real", "graphic"):
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


EDITORS = ("photoshop", "lightroom", "gimp", "picasa", "paint.net", "affinity", "snapseed")
"""Programs that people retouch with, as they name themselves in EXIF."""


def facts_of(path: Path, picture: Picture) -> list[float]:
    """Flatness, mean luminance, mean saturation, and whether EXIF names a camera and an editor."""
    small = Image.fromarray(picture.pixels)
    small.thumbnail((256, 256))
    light = float(np.asarray(small.convert("L")).mean())
    colour = float(np.asarray(small.convert("HSV"))[..., 1].mean())
    with Image.open(path) as file:
        exif = file.getexif()
        program = str(exif.get(ExifTags.Base.Software, "")).lower()
        edited = any(name in program for name in EDITORS) or "photoshop" in file.info
        return [flatness(picture), light, colour, float(ExifTags.Base.Make in exif), float(edited)]


def main() -> None:
    """Compute and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--edit", choices=sorted(EDITS))
    parser.add_argument("--one-in", type=int, default=1, help="leave out the others, by name")
    given = parser.parse_args()
    backbone = Backbone()
    rows: list[NDArray[np.float16]] = []
    facts: list[tuple[str, str, str, int]] = []
    plain: list[list[float]] = []
    about: list[list[float]] = []
    for path, label, source in listed(given.lists):
        try:
            picture = Picture.open(path)
        except (ProvenanceError, OSError) as error:
            print(f"{path}: {error}")
            continue
        seed = int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16)
        if min(picture.width, picture.height) < LEAST or seed % given.one_in:
            continue
        if given.edit and label != "real":
            continue
        if given.edit:
            picture = EDITS[given.edit](picture, seed)
        seen = [
            *views(picture),
            *(() if given.edit or label == "graphic" else augmented(picture, seed)),
        ]
        rows.append(backbone.features(seen).astype(np.float16))
        facts.append((path.name, label, source, min(picture.width, picture.height)))
        plain.append(trivial(path, picture))
        about.append(facts_of(path, picture))
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
        about=np.array(about),
    )


if __name__ == "__main__":
    main()
