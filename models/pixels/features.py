"""Computes the features of labelled pictures, once for all experiments.

    python -m models.pixels.features LIST.csv... -o features.npz [--edit NAME]

Each list has the columns path, label (`ai`, `real` or `graphic`) and source; `source_repo` is taken
for `source`. Paths are relative to the list. Each picture gives the views that the detector sees,
and `EXTRA` random ones for training: another scale, another crop, another compression. With
`--edit`, photographs alone are taken, changed as edits.py says, and seen as the detector does.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.pixels.edits import EDITS
from models.pixels.facts import about, equalised, trivial
from models.pixels.listed import listed, opened
from provenance import Picture
from provenance.detect.backbone import SIDE, WIDTH, Backbone
from provenance.detect.views import compressed, views, with_side

EXTRA = 3
"""Random views of each picture."""


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
    known: dict[str, list[object]] = {}
    for path, label, source in listed(given.lists):
        seed = int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16)
        if seed % given.one_in or (given.edit and label != "real"):
            continue
        if (picture := opened(path)) is None:
            continue
        if given.edit:
            picture = EDITS[given.edit](picture, seed)
        extra = () if given.edit or label == "graphic" else augmented(picture, seed)
        rows.append(backbone.features([*views(picture), *extra]).astype(np.float16))
        for name, value in (
            ("name", path.name),
            ("label", label),
            ("source", source),
            ("side", min(picture.width, picture.height)),
            ("trivial", trivial(path, picture)),
            ("equalised", equalised(picture)),
            ("about", about(path, picture)),
        ):
            known.setdefault(name, []).append(value)
        if len(rows) % 50 == 0:
            print(len(rows), flush=True)
    np.savez(
        given.output,
        features=np.stack(rows).reshape(len(rows), -1, WIDTH),
        **{name: np.array(values) for name, values in known.items()},
    )


if __name__ == "__main__":
    main()
