"""Shows hands to the first blocks of CLIP ViT-B/16, for `cross.py`. The tell uses nothing of it.

    python -m models.hands.tokens renders RENDERS OUT [--parts 0 1 3] [--first 0] [--rows 500]
    python -m models.hands.tokens hands CORPUS OUT MEASURED.npz [MEASURED.npz ...]

RENDERS comes from render.py, CORPUS is what measure.py reads and MEASURED what it wrote of the
pictures. A hand is cut out as for the tell, upright and through the same JPEG, but 0.8 times as
wide, so that it fills the 224 pixels. Of each block of `BLOCKS` five vectors are kept: class token,
mean and spread of the patches, mean and spread at the joints of the fingers.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from models.hands.edits import CONTROLS, EDITS, edit
from models.hands.measure import REPEATS, opened, padded
from provenance.detect.backbone import MODEL, _input
from provenance.detect.hands import network
from provenance.detect.hands.find import find
from provenance.detect.hands.geometry import Region, around, turned
from provenance.detect.hands.reader import LEAST_PRESENCE, LEAST_SIDE
from provenance.detect.hands.view import CROP, MARGIN, SIDE, View, alike, look
from provenance.detect.int8 import narrowed
from provenance.weights.store import Store

BLOCKS = (3, 5, 7, 9)
ZOOM = 0.8
JOINTS = (3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16, 18, 19, 20)
PATCH, CELLS = 16, 14
TRAINING_PERSONS = ("1", "4")
MORE = {"untouched": 2, "extra-outside": 4, "extra-between": 4, "in-place": 3, "beside": 2}
"""Pasted hands a hand of those persons, to train on; its place is varied, half are mirrored."""

Row = dict[str, Any]


@cache
def _session() -> Any:
    import onnxruntime

    data = Store.standard().get(MODEL).files["clip_encoder.int8.onnx"].read_bytes()
    names = [f"/vision_model/encoder/layers.{block}/Add_1_output_0" for block in BLOCKS]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_free_dimension_override_by_name("batch", 1)
    graph = narrowed(data, names)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def vectors(view: View, *, mirrored: bool = False) -> Row:
    """For each block, 5×768 numbers of one hand."""
    close = Region(SIDE / 2, SIDE / 2, 0.0, SIDE / MARGIN * ZOOM).crop(view.image, CROP)
    region = view.region
    points = (view.points - [region.x, region.y]) @ turned(region.angle)
    points = points / (region.side * ZOOM / CROP) + CROP / 2
    if mirrored:
        close = ImageOps.mirror(close)
        points[:, 0] = CROP - points[:, 0]
    at = np.clip(points[list(JOINTS)] / PATCH - 0.5, 0, CELLS - 1.001)
    found = _session().run(None, {"pixel_values": _input(close)})
    return {
        f"block{block}": _pooled(tokens[0], at) for block, tokens in zip(BLOCKS, found, strict=True)
    }


def _pooled(tokens: NDArray[np.float32], at: NDArray[Any]) -> NDArray[np.float16]:
    grid = tokens[1:].reshape(CELLS, CELLS, -1)
    corner = at.astype(int)
    part = at - corner
    joints = np.zeros((len(at), grid.shape[2]))
    for down in (0, 1):
        for along in (0, 1):
            share = np.abs(1 - along - part[:, 0]) * np.abs(1 - down - part[:, 1])
            joints += share[:, None] * grid[corner[:, 1] + down, corner[:, 0] + along]
    kept = tokens[0], tokens[1:].mean(0), tokens[1:].std(0), joints.mean(0), joints.std(0)
    return np.stack(kept).astype(np.float16)


def rendered(path: Path, first: int, rows: int) -> Iterator[Row]:
    """Some rows of one part; renders without a visible hand are left out, as in features.py."""
    part = int(path.stem.split("-")[1])
    rng = np.random.default_rng([part, first, 9])
    with np.load(path, allow_pickle=False) as file:
        table = {name: file[name][first : first + rows] for name in ("pixels", "roi", "kinds")}
    for pixels, (x, y, angle, side), kind in zip(*table.values(), strict=True):
        image = Image.fromarray(pixels)
        moved = rng.normal(0, 0.04 * side, 2)
        region = Region(x + moved[0], y + moved[1], angle + rng.normal(0, 0.1),
                        side * rng.uniform(0.9, 1.1))  # fmt: skip
        seen, presence = network.landmarks(np.asarray(region.crop(image, CROP))[None])
        if presence[0] < 0.5:
            continue
        points = region.outside(seen[0, :, :2], CROP)
        near = around(points)
        near = Region(near.x, near.y, near.angle + rng.normal(0, 0.04),
                      near.side * rng.uniform(0.93, 1.07))  # fmt: skip
        wide = Region(near.x, near.y, near.angle, near.side * MARGIN)
        view = View(near, points, float(presence[0]), alike(wide.crop(image, SIDE)))
        yield {**vectors(view, mirrored=bool(rng.random() < 0.5)), "kind": str(kind), "part": part}


def pasted(corpus: Path) -> Iterator[tuple[str, Row]]:
    """`edits`: the hands of measure.py. `more`: others of the persons to train on."""
    same, other = np.random.default_rng(7), np.random.default_rng(77)
    for path in sorted((corpus / "hands" / "real").iterdir()):
        image, _ = opened(path)
        studio = max(image.size) < 200
        if studio:
            image = padded(image)
        person = path.stem.split("IMG_")[-1][:2] if studio else ""
        facts = {"path": path.name, "person": person}
        for palm in find(image)[:2]:
            view = look(image, palm.region)
            if view.presence < LEAST_PRESENCE:
                continue
            yield "edits", {**vectors(view), **facts, "kind": "untouched"}
            for kind in (*EDITS, *CONTROLS):
                for _ in range(REPEATS):
                    changed = edit(image, view.points, kind, same)
                    if changed is not None:
                        again = look(changed, palm.region)
                        yield "edits", {**vectors(again), **facts, "kind": kind}
            if not person.startswith(TRAINING_PERSONS):
                continue
            for kind, times in MORE.items():
                for _ in range(times):
                    changed = (
                        image if kind == "untouched" else edit(image, view.points, kind, other)
                    )
                    if changed is None:
                        continue
                    again = look(changed, _moved(palm.region, other))
                    if again.presence >= 0.5:
                        mirrored = bool(other.random() < 0.5)
                        yield "more", {**vectors(again, mirrored=mirrored), **facts, "kind": kind}


def _moved(region: Region, rng: np.random.Generator) -> Region:
    return Region(
        region.x + rng.normal(0, 0.03) * region.side,
        region.y + rng.normal(0, 0.03) * region.side,
        region.angle + rng.normal(0, 0.08),
        region.side * rng.uniform(0.93, 1.07),
    )


def in_pictures(corpus: Path, measured: dict[str, NDArray[Any]]) -> Iterator[Row]:
    """The hands of whole pictures that measure.py found clear, as they are and mirrored."""
    for _, _, view, facts in _clear(corpus, measured):
        for mirrored in (False, True):
            yield {**vectors(view, mirrored=mirrored), **facts, "mirrored": mirrored}


def on_scenes(corpus: Path, measured: dict[str, NDArray[Any]]) -> Iterator[Row]:
    """Those of photographs, with the edits and the controls."""
    rng = np.random.default_rng(78)
    camera = measured["origin"] == "camera"
    photographs = {name: column[camera] for name, column in measured.items()}
    for image, region, view, facts in _clear(corpus, photographs):
        for kind in (*EDITS, *CONTROLS):
            for _ in range(REPEATS):
                changed = edit(image, view.points, kind, rng)
                if changed is not None:
                    yield {**vectors(look(changed, region)), **facts, "kind": kind}


def _clear(
    corpus: Path, measured: dict[str, NDArray[Any]]
) -> Iterator[tuple[Image.Image, Region, View, Row]]:
    clear = (measured["presence"] >= LEAST_PRESENCE) & (measured["side"] >= LEAST_SIDE)
    clear &= np.isin(measured["set"], ("picture", "label"))
    for path in sorted(set(measured["path"][clear])):
        image, _ = opened(corpus / path)
        for palm in find(image):
            view = look(image, palm.region)
            same = clear & (measured["path"] == path)
            same &= np.abs(measured["side"] - view.region.side) < 1e-3
            same &= np.abs(measured["palm"] - palm.score) < 1e-5
            if view.presence < 0.5 or same.sum() != 1:
                continue
            row = int(np.flatnonzero(same)[0])
            facts = {name: measured[name][row] for name in
                     ("path", "source", "origin", "label", "side", "palm", "spread")}  # fmt: skip
            yield image, palm.region, view, facts


def _write(path: Path, rows: list[Row]) -> None:
    np.savez(path, **{name: np.array([row[name] for row in rows]) for name in rows[0]})
    print(f"{path.name}: {len(rows)} hands", flush=True)


def main() -> None:
    """Compute what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("renders", "hands"))
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("measured", type=Path, nargs="*")
    parser.add_argument("--parts", type=int, nargs="+", default=(0, 1, 3))
    parser.add_argument("--first", type=int, default=0, help="row of each part")
    parser.add_argument("--rows", type=int, default=500, help="of each part")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.what == "renders":
        for part in args.parts:
            rows = list(rendered(args.source / f"part-{part:04d}.npz", args.first, args.rows))
            _write(args.out / f"renders-{part}-{args.first}.npz", rows)
        return
    made = list(pasted(args.source))
    for name in ("edits", "more"):
        _write(args.out / f"{name}.npz", [row for which, row in made if which == name])
    tables = [dict(np.load(path, allow_pickle=False)) for path in args.measured]
    if tables:
        joined = {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
        _write(args.out / "pictures.npz", list(in_pictures(args.source, joined)))
        _write(args.out / "scenes.npz", list(on_scenes(args.source, joined)))


if __name__ == "__main__":
    main()
