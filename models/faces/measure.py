"""Measures whether MediaPipe's face networks tell generated faces from photographed ones.

    python -m models.faces.measure CORPUS MODULES

CORPUS has `manifest.csv` (path, label, source_repo). MODULES is the folder `mediapipe/modules` of
the wheel mediapipe 0.10.21. Writes `metrics.json` beside this script. No check uses any of this:
see card.md.

The cues are those of hands (provenance/detect/hands/consistency.py): a face is cut out, brought to
one size and JPEG quality, and read eight times, turned and mirrored; and four plain ones of shape.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image, ImageOps

from provenance.detect.hands.consistency import _WAYS as WAYS
from provenance.detect.hands.convert import to_onnx
from provenance.detect.hands.find import _windows as windows
from provenance.detect.hands.find import overlap
from provenance.detect.hands.geometry import Region, turned
from provenance.moderate.intervals import auc, clopper_pearson

Array = NDArray[Any]

FINDER = "face_detection/face_detection_short_range.tflite"
MESH = "face_landmark/face_landmark.tflite"

FOLDERS = ("real", "ai", "nsfw_benign", "hands", "text")
MOST_PIXELS = 1600
LEAST_SCORE, LEAST_PRESENCE, LEAST_SIDE = 0.6, 0.9, 48
FOUND, READ, VIEW, MARGIN = 128, 192, 160, 1.5
RATE = 0.02
"""Share of photographed faces above a cue's threshold."""

RIGHT, LEFT = (33, 133, 159, 145), (263, 362, 386, 374)
"""Outer and inner corner, upper and lower lid of each eye, as MediaPipe numbers its 468 points."""

NOSE, LIPS = 1, (13, 14)


class Networks:
    """Finds faces and reads their points."""

    def __init__(self, modules: Path) -> None:
        self._finder, self._mesh = (_session(modules / name) for name in (FINDER, MESH))
        cells = ((16, 2), (8, 6))
        self._anchors = np.concatenate([_grid(side, each) for side, each in cells])

    def find(self, image: Image.Image) -> list[tuple[float, Array, Array]]:
        """Score, box and six points of each face, the surest first, in the whole and in tiles."""
        found = [face for window in windows(*image.size) for face in self._search(image, window)]
        kept: list[tuple[float, Array, Array]] = []
        for face in sorted(found, key=lambda f: -f[0]):
            if all(overlap(face[1], other[1]) <= 0.3 for other in kept):
                kept.append(face)
        return kept[:16]

    def _search(self, image: Image.Image, window: Any) -> Iterator[tuple[float, Array, Array]]:
        left, top, right, bottom = window
        side = max(right - left, bottom - top)
        corner = np.array([(left + right - side) / 2, (top + bottom - side) / 2])
        size = [max(1, round(x * FOUND / side)) for x in (right - left, bottom - top)]
        small = image.resize((size[0], size[1]), Image.Resampling.BILINEAR, box=window)
        square = Image.new("RGB", (FOUND, FOUND))
        square.paste(small, ((FOUND - size[0]) // 2, (FOUND - size[1]) // 2))
        pixels = np.asarray(square, np.float32)[None] / 127.5 - 1
        boxes, logits = self._finder.run(None, {"input": pixels})
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -80, 80)))
        for i in np.flatnonzero(scores >= LEAST_SCORE):
            numbers = boxes[0, i].astype(np.float64) / FOUND
            middle = (numbers[:2] + self._anchors[i]) * side + corner
            half = np.abs(numbers[2:4]) * side / 2
            points = (numbers[4:].reshape(6, 2) + self._anchors[i]) * side + corner
            yield float(scores[i]), np.concatenate([middle - half, middle + half]), points

    def read(self, crops: Array) -> tuple[Array, Array]:
        """Points (N×468×3, in pixels of the crop) and presence (N)."""
        points, logits = self._mesh.run(None, {"input": crops.astype(np.float32) / 255})
        return points.reshape(-1, 468, 3), 1 / (1 + np.exp(-logits.reshape(-1)))


def _session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    graph = to_onnx(path.read_bytes())
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _grid(cells: int, each: int) -> Array:
    rows, columns = np.mgrid[0:cells, 0:cells]
    middles = (np.stack([columns, rows], -1).reshape(-1, 2) + 0.5) / cells
    return np.repeat(middles, each, axis=0)


def _upright(points: Array) -> Region:
    """The square around the points, level with the eyes, half as large again."""
    eyes = points[LEFT[0]] - points[RIGHT[0]]
    angle = float(np.arctan2(eyes[1], eyes[0]))
    matrix = turned(angle)
    level = points @ matrix
    low, high = level.min(0), level.max(0)
    x, y = matrix @ ((low + high) / 2)
    return Region(float(x), float(y), angle, float(max(1e-3, (high - low).max() * 1.5)))


def faces(networks: Networks, image: Image.Image) -> Iterator[dict[str, Any]]:
    """What is measured of each face."""
    for score, box, marks in networks.find(image):
        eyes = marks[1] - marks[0]
        middle, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
        region = Region(*map(float, middle), float(np.arctan2(eyes[1], eyes[0])), 1.5 * side)
        for _ in range(2):
            points, presence = networks.read(np.asarray(region.crop(image, READ))[None])
            placed = region.outside(points[0, :, :2], READ)
            if presence[0] < 0.5:
                break
            region = _upright(placed)
        else:
            view = _alike(Region(region.x, region.y, region.angle, region.side * MARGIN), image)
            flipped = ImageOps.mirror(view)
            regions = [
                Region(VIEW / 2, VIEW / 2, np.deg2rad(a), VIEW / MARGIN * s) for a, s, _ in WAYS
            ]
            crops = [
                np.asarray(r.crop(flipped if flip else view, READ))
                for r, (_, _, flip) in zip(regions, WAYS, strict=True)
            ]
            runs, presence = networks.read(np.stack(crops))
            flat = [r.outside(p[:, :2], READ) for r, p in zip(regions, runs, strict=True)]
            grey = np.asarray(view.convert("L"), np.float32)
            yield {
                "score": score, "side": region.side, "presence": float(presence.mean()),
                "marks": marks[:4], "placed": placed, "runs": np.stack(flat), "solid": runs[0],
                "sharpness": float(np.abs(np.diff(grey)).mean()),
            }  # fmt: skip


def _alike(region: Region, image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    region.crop(image, VIEW).save(buffer, "JPEG", quality=85)
    with Image.open(buffer) as again:
        return again.convert("RGB")


def cues(found: list[dict[str, Any]]) -> dict[str, Array]:
    """Each cue for all faces; higher is meant to be odder."""
    solid = np.stack([f["solid"] for f in found])
    solid = solid - solid.mean(1, keepdims=True)
    solid /= np.linalg.norm(solid[:, LEFT[0]] - solid[:, RIGHT[0]], axis=1)[:, None, None]
    mean = solid.mean(0)
    mirror = mean * [-1, 1, 1]
    partner = np.argmin(((mirror[:, None] - mean[None]) ** 2).sum(-1), 1)
    runs = np.stack([f["runs"] for f in found])
    for number, (_, _, flip) in enumerate(WAYS):
        if flip:
            runs[:, number, :, 0] = VIEW - runs[:, number, :, 0]
            runs[:, number] = runs[:, number][:, partner]
    agreed = np.median(runs, 1, keepdims=True)
    width = np.linalg.norm(agreed[:, 0, LEFT[0]] - agreed[:, 0, RIGHT[0]], axis=1)
    away = np.linalg.norm(runs - agreed, axis=3) / width[:, None, None]
    placed = np.stack([f["placed"] for f in found])
    wide = np.linalg.norm(placed[:, LEFT[0]] - placed[:, RIGHT[0]], axis=1)
    eyes = [placed[:, list(ids)].mean(1) for ids in (RIGHT, LEFT)]
    parts = np.stack([*eyes, placed[:, NOSE], placed[:, list(LIPS)].mean(1)], 1)
    marks = np.stack([f["marks"] for f in found])
    apart = np.linalg.norm(marks - parts, axis=2).max(1) / wide
    return {
        "spread when turned": away[:, 1:5].mean((1, 2)),
        "spread when mirrored": away[:, 5:].mean((1, 2)),
        "spread of the eyes": away[:, :, [*RIGHT, *LEFT]].mean((1, 2)),
        "spread of the mouth": away[:, :, [61, 291, *LIPS]].mean((1, 2)),
        "left and right differ": np.array([_lopsided(face, partner) for face in solid]),
        "one eye further open": np.abs(_opening(placed, RIGHT) - _opening(placed, LEFT)),
        "finder and mesh differ": apart,
        "presence is low": np.array([-f["presence"] for f in found]),
        "size (baseline)": np.array([f["side"] for f in found]),
        "sharpness (baseline)": np.array([f["sharpness"] for f in found]),
    }


def _opening(points: Array, eye: tuple[int, ...]) -> Array:
    outer, inner, upper, lower = eye
    high = np.linalg.norm(points[:, upper] - points[:, lower], axis=1)
    return np.asarray(high / np.linalg.norm(points[:, outer] - points[:, inner], axis=1))


def _lopsided(face: Array, partner: Array) -> float:
    """Mean distance between a face and its mirror image, once that is turned upon it (Kabsch)."""
    image = face[partner] * [-1, 1, 1]
    left, _, right = np.linalg.svd(image.T @ face)
    return float(np.linalg.norm(image @ (left @ right) - face, axis=1).mean())


def share(hits: int, of: int) -> dict[str, Any]:
    """A share with its interval (Clopper and Pearson)."""
    return {"n": of, "hits": hits, "rate": round(hits / of, 4),
            "interval95": [round(x, 4) for x in clopper_pearson(hits, of)]}  # fmt: skip


def area(real: Array, made: Array, real_groups: Array, made_groups: Array) -> dict[str, Any]:
    """AUC with a bootstrap over pictures."""
    rng = np.random.default_rng(0)
    sets = [
        [scores[groups == g] for g in np.unique(groups)]
        for scores, groups in ((real, real_groups), (made, made_groups))
    ]
    drawn = []
    for _ in range(1000):
        a, b = (np.concatenate([s[i] for i in rng.integers(len(s), size=len(s))]) for s in sets)
        drawn.append(auc(list(a), list(b)))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"auc": round(auc(list(real), list(made)), 3),
            "interval95": [round(float(low), 3), round(float(high), 3)]}  # fmt: skip


def main(corpus: Path, modules: Path) -> None:
    """Measure, print, write."""
    networks = Networks(modules)
    found: list[dict[str, Any]] = []
    looked_at = {"real": 0, "ai": 0}
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as table:
        rows = [r for r in csv.DictReader(table) if r["path"].split("/")[0] in FOLDERS]
    for row in rows:
        try:
            with Image.open(corpus / row["path"]) as file:
                image = file.convert("RGB")
        except (OSError, ValueError):
            continue
        image.thumbnail((MOST_PIXELS, MOST_PIXELS), Image.Resampling.BICUBIC)
        looked_at[row["label"]] += 1
        known = {"path": row["path"], "made": row["label"] == "ai"}
        found += [face | known for face in faces(networks, image)]
    clear = [f for f in found if f["presence"] >= LEAST_PRESENCE and f["side"] >= LEAST_SIDE]
    made = np.array([f["made"] for f in clear])
    paths = np.array([f["path"] for f in clear])
    report: dict[str, Any] = {}
    for name, cue in cues(clear).items():
        limit = float(np.quantile(cue[~made], 1 - RATE))
        report[name] = area(cue[~made], cue[made], paths[~made], paths[made]) | {
            "generated_above": share(int((cue[made] > limit).sum()), int(made.sum())),
            "real_above": share(int((cue[~made] > limit).sum()), int((~made).sum())),
        }
    metrics = {
        "networks": "MediaPipe face detection (short range) and face landmarks, mediapipe 0.10.21",
        "pictures": {"real": looked_at["real"], "generated": looked_at["ai"]},
        "faces": {"real": int((~made).sum()), "generated": int(made.sum())},
        "pictures_with_faces": {
            "real": len(set(paths[~made])), "generated": len(set(paths[made])),
        },
        "rate": RATE,
        "cues": report,
    }  # fmt: skip
    text = json.dumps(metrics, indent=1)
    Path(__file__).with_name("metrics.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
