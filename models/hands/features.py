"""Shows the views of `views.py` to the landmark network, and keeps what it saw.

    python -m models.hands.features VIEWS OUT

For each file of VIEWS that has no counterpart in OUT yet, one without the views and with what was
seen is written. Of a drawing that is `x` (1,888 numbers) in one of the eight ways in which the
check shows a hand, by chance; of a hand in the corpus `x` in all eight, and how far apart they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.hands.views import read
from provenance.detect.hands import consistency, network
from provenance.detect.hands.consistency import _WAYS as WAYS

Array = NDArray[Any]
Table = dict[str, Array]


def of_drawings(views: list[Image.Image | None], seed: int) -> Table:
    """One row each."""
    rng = np.random.default_rng([seed, 3])
    ways = rng.integers(len(WAYS), size=len(views))
    found = []
    for view, way in zip(views, ways, strict=True):
        if view is not None:
            found.append(network.seen(consistency.shown(view, int(way))[None]).features)
    return {"x": np.concatenate(found).astype(np.float16)}


def of_hands(views: list[Image.Image | None]) -> Table:
    """Eight rows each, and what they say together."""
    names = ("spread", "tip", "presence")
    table: dict[str, list[Any]] = {name: [] for name in ("x", *names)}
    blank = np.zeros((len(WAYS), network.WIDTH), np.float16)
    for view in views:
        if view is None:
            table["x"].append(blank)
            for name in names:
                table[name].append(0.0)
            continue
        measured, features = consistency.measure(view)
        table["x"].append(features.astype(np.float16))
        for name in names:
            table[name].append(getattr(measured, name))
    return {name: np.array(column) for name, column in table.items()}


def main() -> None:
    """Compute what is still missing in OUT."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("views", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for source in sorted(args.views.glob("*.npz")):
        target = args.out / source.name
        if target.exists():
            continue
        table, views = read(source)
        if source.stem == "corpus":
            table |= of_hands(views)
        else:
            table |= of_drawings(views, int(source.stem.split("-")[1]))
        hidden = target.with_name(f".{target.name}")
        np.savez(hidden, **table)
        hidden.rename(target)
        print(f"{target.name}: {len(views)} views", flush=True)


if __name__ == "__main__":
    main()
