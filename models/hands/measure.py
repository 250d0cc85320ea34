"""Measures every hand in a labelled collection of pictures, for `evaluate.py`.

    python -m models.hands.measure CORPUS OUT.npz

CORPUS has `manifest.csv` (path, label, source_repo) with photographs below `real/`, `hands/real/`
and `nsfw_benign/`, generated pictures below `ai/` and `hands/malformed/`, and `hands/labels.csv`
with hands labelled by eye (path, x0, y0, x1, y1, label, style, origin). On the photographs of
`hands/real/` the edits and controls of `edits.py` are made as well.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.hands.edits import CONTROLS, EDITS, edit
from provenance.detect.hands import consistency, network
from provenance.detect.hands.find import find, overlap
from provenance.detect.hands.view import look

FOLDERS = {"real": "camera", "nsfw_benign": "camera", "ai": "generated"}
MOST_PIXELS = 1600
REPEATS = 2

Row = dict[str, Any]


def rows_of(image: Image.Image, **facts: Any) -> Iterator[Row]:
    """One row a hand: what `reader.Hand` holds, and the features."""
    for palm in find(image):
        view = look(image, palm.region)
        if view.presence < 0.5:
            continue
        yield row_of(view, palm.score, **facts)


def row_of(view: Any, score: float, **facts: Any) -> Row:
    """One row from a view."""
    measured, crop = consistency.measure(view.image)
    (left, top), (right, bottom) = view.points.min(0), view.points.max(0)
    return {
        "palm": score, "presence": measured.presence, "side": view.region.side,
        "spread": measured.spread, "tip": measured.tip,
        "box": np.array([left, top, right, bottom]),
        "x": network.features(crop[None])[0].astype(np.float16), **facts,
    }  # fmt: skip


def opened(path: Path) -> tuple[Image.Image, float]:
    """The picture, and by how much it was made smaller."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    scale = min(1.0, MOST_PIXELS / max(image.size))
    if scale < 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)))
    return image, scale


def padded(image: Image.Image) -> Image.Image:
    """A small studio picture with its border repeated: a hand that fills it is not found."""
    by = round(0.6 * max(image.size))
    return Image.fromarray(np.pad(np.asarray(image), ((by, by), (by, by), (0, 0)), mode="edge"))


def in_pictures(corpus: Path, share: int, shares: int) -> Iterator[Row]:
    """Hands in one share of all pictures, with the label of the box that they overlap, if any."""
    boxes: dict[str, list[dict[str, str]]] = {}
    with (corpus / "hands" / "labels.csv").open() as file:
        for each in csv.DictReader(file):
            boxes.setdefault(each["path"], []).append(each)
    with (corpus / "manifest.csv").open() as file:
        pictures = [r for r in csv.DictReader(file) if r["path"].split("/")[0] in FOLDERS]
        pictures += [
            {"path": path, "source_repo": path.split("/")[-1].split("__")[0]}
            for path in boxes
            if path.startswith(("hands/", "meta/", "text/")) and (corpus / path).is_file()
        ]
    for number, picture in enumerate(pictures[share::shares]):
        path = picture["path"]
        try:
            image, scale = opened(corpus / path)
        except (OSError, ValueError):
            continue
        folder = path.split("/")[0]
        facts = {
            "set": "picture" if folder in FOLDERS else "label", "path": path,
            "source": picture["source_repo"], "origin": FOLDERS.get(folder, "generated"),
        }  # fmt: skip
        yield {**facts, "set": "seen" if folder in FOLDERS else "other"}
        for row in rows_of(image, **facts):
            label = style = ""
            for each in boxes.get(path, []):
                place = [float(each[k]) * scale for k in ("x0", "y0", "x1", "y1")]
                if overlap(row["box"], place) > 0.5:
                    label, style = each["label"], each["style"]
            yield {**row, "label": label, "style": style}
        if number % 20 == 0:
            print(f"{number} of {len(pictures) // shares} pictures", flush=True)


def edited(corpus: Path) -> Iterator[Row]:
    """The hands of `hands/real/`: untouched, with a finger more, and with the controls."""
    rng = np.random.default_rng(7)
    for path in sorted((corpus / "hands" / "real").iterdir()):
        image, _ = opened(path)
        studio = max(image.size) < 200
        if studio:
            image = padded(image)
        source = path.name.split("__")[0]
        for palm in find(image)[:2]:
            view = look(image, palm.region)
            if view.presence < 0.85:
                continue
            person = path.stem.split("IMG_")[-1][:2] if studio else ""
            facts = {"set": "edit", "path": path.name, "source": source, "person": person}
            yield row_of(view, palm.score, kind="untouched", **facts)
            for kind in (*EDITS, *CONTROLS):
                for _ in range(REPEATS):
                    changed = edit(image, view.points, kind, rng)
                    if changed is not None:
                        again = look(changed, palm.region)
                        yield row_of(again, palm.score, kind=kind, **facts)


def main() -> None:
    """Measure, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", choices=("edits", "pictures"), help="only this; usually both")
    parser.add_argument("--share", type=int, nargs=2, default=(0, 1), metavar=("I", "N"),
                        help="only every N-th picture, from the I-th")  # fmt: skip
    args = parser.parse_args()
    rows: list[Row] = []
    if args.part != "pictures":
        rows += edited(args.corpus)
    if args.part != "edits":
        for row in in_pictures(args.corpus, *args.share):
            rows.append(row)
            if len(rows) % 50 == 0:
                np.savez(args.out, **columns(rows))
    np.savez(args.out, **columns(rows))


def columns(rows: list[Row]) -> dict[str, NDArray[Any]]:
    """Rows as arrays; what a row lacks is empty or not a number."""
    words = ("set", "path", "source", "origin", "label", "style", "kind", "person")
    numbers = ("palm", "presence", "side", "spread", "tip")
    table = {w: np.array([str(r.get(w, "")) for r in rows]) for w in words}
    table |= {n: np.array([float(r.get(n, "nan")) for r in rows]) for n in numbers}
    empty = np.zeros(1888, np.float16)
    table["x"] = np.stack([r.get("x", empty) for r in rows])
    return table


if __name__ == "__main__":
    main()
