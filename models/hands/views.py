"""Cuts hands out as the check does, and keeps the views: of drawings, and of a corpus of pictures.

    python -m models.hands.views drawn PHOTOGRAPHS OUT [--count 62000] [--seed 1]
    python -m models.hands.views corpus CORPUS OUT

PHOTOGRAPHS is a folder of pictures without hands that may be used as backgrounds; OUT gets parts of
2,000 drawings each, `drawn-0000.npz`, less those in which the landmark network sees no hand.

CORPUS has `manifest.csv` (path, source_repo) with photographs below `real/` and `nsfw_benign/` and
generated pictures below `ai/`, photographs of hands in `hands/real/`, and `hands/labels.csv` with
hands labelled by eye (path, x0, y0, x1, y1, label, style). OUT gets `corpus.npz` with every hand
that is found, and the edits and controls of `edits.py` on those that are clear and well formed.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.hands.edits import EXTRA, edit, open_hand
from models.hands.edits import KINDS as EDITS
from models.hands.render import KINDS, photographs_in, render
from provenance.detect.hands import network
from provenance.detect.hands.find import Palm, find, overlap
from provenance.detect.hands.geometry import Region, around
from provenance.detect.hands.reader import LEAST_PRESENCE, LEAST_SIDE
from provenance.detect.hands.view import CROP, QUALITY, SIDE, View, look, wide

PART = 2000
FOLDERS = {"real": "camera", "nsfw_benign": "camera", "ai": "generated"}
STUDIO = "Sign-Language-Digits-Dat"
MOST_PIXELS = 1600
EDITED_SIDE = 200
"""Pixels of a hand's region that is edited, at most: about twice those of its view."""
REPEATS = {
    True: {**dict.fromkeys(EDITS, 2), **dict.fromkeys(EXTRA, 4)},
    False: dict.fromkeys(EDITS, 1),
}
"""How often each edit is made on a hand with all four fingers stretched, and on the others."""

Array = NDArray[Any]
Row = dict[str, Any]


def drawn(rng: np.random.Generator, kind: str, photographs: list[Array]) -> Row | None:
    """One drawing as the check would see it; where the hand is, is a little off."""
    pixels, fingers, (x, y, angle, side) = render(rng, kind, photographs)
    image = Image.fromarray(pixels)
    moved = rng.normal(0, 0.04 * side, 2)
    guess = Region(x + moved[0], y + moved[1], angle + rng.normal(0, 0.1),
                   side * rng.uniform(0.9, 1.1))  # fmt: skip
    found, presence = network.landmarks(np.asarray(guess.crop(image, CROP))[None])
    if presence[0] < 0.5:
        return None
    points = guess.outside(found[0, :, :2], CROP)
    near = around(points)
    near = Region(near.x, near.y, near.angle + rng.normal(0, 0.04),
                  near.side * rng.uniform(0.94, 1.06))  # fmt: skip
    row = cut(image, near, points)
    return {**row, "kind": kind, "fingers": fingers, "presence": float(presence[0])}


def cut(image: Image.Image, region: Region, points: Array) -> Row:
    """The view of a region, as the bytes of its JPEG, and the points in the view's pixels."""
    buffer = io.BytesIO()
    wide(region).crop(image, SIDE).save(buffer, "JPEG", quality=QUALITY)
    inner = wide(region).inside(points, SIDE)
    return {"jpeg": buffer.getvalue(), "points": inner.astype(np.float32)}


def photographed(corpus: Path) -> Iterator[Row]:
    """Every picture of the corpus (a row without a view), its hands, and their edits."""
    rng = np.random.default_rng(7)
    labels: dict[str, list[dict[str, str]]] = {}
    with (corpus / "hands" / "labels.csv").open() as file:
        for each in csv.DictReader(file):
            labels.setdefault(each["path"], []).append(each)
    for number, (path, source, origin) in enumerate(_pictures(corpus, labels)):
        try:
            image, scale = opened(corpus / path)
        except (OSError, ValueError):
            continue
        facts = {"path": path, "source": source, "origin": origin}
        studio = source == STUDIO
        if studio:
            image = padded(image)
        yield {**facts, "set": "picture"}
        for palm in find(image)[: 1 if studio else None]:
            view = look(image, palm.region)
            if view.presence < 0.5:
                continue
            (left, top), (right, bottom) = view.points.min(0), view.points.max(0)
            label = style = ""
            for each in labels.get(path, []):
                place = [float(each[k]) * scale for k in ("x0", "y0", "x1", "y1")]
                if overlap((left, top, right, bottom), place) > 0.5:
                    label, style = each["label"], each["style"]
            facts |= {"label": label, "style": style, "palm": palm.score}
            yield {**facts, "set": "hand", **_row(image, view)}
            clear = view.presence >= LEAST_PRESENCE and view.region.side >= LEAST_SIDE
            good = label == "wellformed" or (origin == "camera" and not label)
            if clear and good:
                for row in edited(image, palm, rng):
                    yield {**facts, "set": "edit", **row}
        if number % 50 == 0:
            print(f"{number} pictures", flush=True)


def _pictures(corpus: Path, labels: Any) -> Iterator[tuple[str, str, str]]:
    """Path, source, and whether a camera or a generator made it."""
    with (corpus / "manifest.csv").open() as file:
        for row in csv.DictReader(file):
            folder = row["path"].split("/")[0]
            if folder in FOLDERS:
                yield row["path"], row["source_repo"].split("/")[-1], FOLDERS[folder]
    real = {f"hands/real/{path.name}" for path in (corpus / "hands" / "real").iterdir()}
    other = {path for path in labels if path.split("/")[0] in ("hands", "meta", "text")}
    for path in sorted(real | other):
        if (corpus / path).is_file():
            name = path.split("/")[-1].split("__")[0]
            yield path, name, "camera" if path in real else "labelled"


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


def edited(image: Image.Image, palm: Palm, rng: np.random.Generator) -> Iterator[Row]:
    """The hand untouched and with every edit, all in a smaller picture of what is around it."""
    region = palm.region
    scale = min(1.0, EDITED_SIDE / region.side)
    reach = 1.5 * region.side
    left, top = max(0, round(region.x - reach)), max(0, round(region.y - reach))
    box = (left, top, min(image.width, round(region.x + reach)),
           min(image.height, round(region.y + reach)))  # fmt: skip
    near = image.crop(box)
    near = near.resize((round(near.width * scale), round(near.height * scale)))
    region = Region((region.x - left) * scale, (region.y - top) * scale, region.angle,
                    region.side * scale)  # fmt: skip
    view = look(near, region)
    if view.presence < LEAST_PRESENCE:
        return
    full = open_hand(view.points)
    yield {"kind": "untouched", "full": full, **_row(near, view)}
    for kind, times in REPEATS[full].items():
        for _ in range(times):
            changed = edit(near, view.points, kind, rng)
            if changed is not None:
                yield {"kind": kind, "full": full, **_row(changed, look(changed, region))}


def _row(image: Image.Image, view: View) -> Row:
    row = cut(image, view.region, view.points)
    return {**row, "presence": view.presence, "side": view.region.side}


def write(path: Path, rows: list[Row]) -> None:
    """Rows as arrays; the JPEGs one after the other, with where each ends."""
    blank = {"jpeg": b"", "points": np.zeros((21, 2), np.float32), "side": 0.0, "presence": 0.0,
             "palm": 0.0, "full": False}  # fmt: skip
    names = {name: None for row in rows for name in row}
    table = {name: np.array([row.get(name, blank.get(name, "")) for row in rows])
             for name in names if name != "jpeg"}  # fmt: skip
    jpegs = [row.get("jpeg", b"") for row in rows]
    table["jpegs"] = np.frombuffer(b"".join(jpegs), np.uint8)
    table["ends"] = np.cumsum([len(jpeg) for jpeg in jpegs])
    hidden = path.with_name(f".{path.name}")
    np.savez(hidden, **table)
    hidden.rename(path)


def read(path: Path) -> tuple[dict[str, Array], list[Image.Image | None]]:
    """The columns of such a file, and the views; none for a row without one."""
    with np.load(path, allow_pickle=False) as file:
        table = dict(file)
    data, ends = table.pop("jpegs").tobytes(), table.pop("ends")
    starts = [0, *ends[:-1]]
    views = [
        Image.open(io.BytesIO(data[a:b])).convert("RGB") if b > a else None
        for a, b in zip(starts, ends, strict=True)
    ]
    return table, views


def main() -> None:
    """Cut out what is still missing in OUT."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("drawn", "corpus"))
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=62000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.what == "corpus":
        write(args.out / "corpus.npz", list(photographed(args.pictures)))
        return
    photographs = photographs_in(args.pictures)
    for part in range(-(-args.count // PART)):
        path = args.out / f"drawn-{part:04d}.npz"
        if path.exists():
            continue
        began = time.process_time()
        rng = np.random.default_rng([args.seed, part])
        size = min(PART, args.count - part * PART)
        kinds = np.where(rng.random(size) < 0.5, "good", rng.choice(KINDS, size))
        made = [drawn(rng, str(kind), photographs) for kind in kinds]
        rows = [row for row in made if row is not None]
        write(path, rows)
        spent = time.process_time() - began
        print(f"{path.name}: {len(rows)} of {size} in {spent:.0f} s", flush=True)


if __name__ == "__main__":
    main()
