"""Shows the renders of `render.py` to the landmark network, and keeps what it saw.

    python -m models.hands.features RENDERS OUT

Beside each `part-*.npz` of RENDERS that has no counterpart in OUT yet, one with `x` (N×1888),
`kinds` and `fingers` is written. A render in which the network sees no hand (presence below 0.5)
is left out, as the check would leave it out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from provenance.detect.hands import network
from provenance.detect.hands.geometry import Region, around
from provenance.detect.hands.view import CROP, MARGIN, SIDE, alike

BATCH = 16


def seen(image: Image.Image, region: Region) -> tuple[np.ndarray, float]:
    """The crop that the judge is given, and how sure the network is of the hand."""
    points, presence = network.landmarks(np.asarray(region.crop(image, CROP))[None])
    better = around(region.outside(points[0, :, :2], CROP))
    wide = Region(better.x, better.y, better.angle, better.side * MARGIN)
    view = alike(wide.crop(image, SIDE))
    inner = Region(SIDE / 2, SIDE / 2, 0.0, SIDE / MARGIN).crop(view, CROP)
    return np.asarray(inner), float(presence[0])


def main() -> None:
    """Compute what is still missing in OUT."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("renders", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for source in sorted(args.renders.glob("part-*.npz")):
        target = args.out / source.name
        if target.exists():
            continue
        part = np.load(source, allow_pickle=False)
        pixels, rois = part["pixels"], part["roi"]
        rng = np.random.default_rng(int(source.stem.split("-")[1]))
        crops, kept = [], []
        for i, (picture, (x, y, angle, side)) in enumerate(zip(pixels, rois, strict=True)):
            moved = rng.normal(0, 0.04 * side, 2)
            region = Region(x + moved[0], y + moved[1], angle + rng.normal(0, 0.1),
                            side * rng.uniform(0.9, 1.1))  # fmt: skip
            crop, presence = seen(Image.fromarray(picture), region)
            if presence >= 0.5:
                crops.append(crop)
                kept.append(i)
        found = [
            network.features(np.stack(crops[i : i + BATCH])) for i in range(0, len(crops), BATCH)
        ]
        hidden = target.with_name(f".{target.name}")
        np.savez(
            hidden, x=np.concatenate(found).astype(np.float16), kinds=part["kinds"][kept],
            fingers=part["fingers"][kept],
        )  # fmt: skip
        hidden.rename(target)
        print(f"{target.name}: {len(kept)} of {len(pixels)}", flush=True)


if __name__ == "__main__":
    main()
