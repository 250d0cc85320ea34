"""Measures heads on what `tokens.py` kept, and writes `cross.json`. The tell uses nothing of it.

    python -m models.hands.cross TOKENS

Every head is ridge regression on one block. Trained on renders, on fingers pasted on studio hands,
or on both; tried on renders of another part, on fingers pasted on hands of other persons, and on
hands in whole pictures. The block was not chosen: all are reported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.hands.edits import CONTROLS, EDITS
from models.hands.evaluate import REPORTED, area, share
from models.hands.tokens import BLOCKS, TRAINING_PERSONS

HERE = Path(__file__).parent
PENALTY = 0.1
"""Of the weights, for standardised features and a row each; not tuned."""

HELD_OUT = 3
"""The part of the renders that is not trained on."""

Array = NDArray[Any]
Table = dict[str, Array]


def head(x: Array, bad: Array) -> Callable[[Array], Array]:
    """Ridge regression to +1 and -1, both classes of the same weight in all."""
    middle, scale = x.mean(0), x.std(0) + 1e-3
    share_bad = bad.mean()
    weight = np.sqrt(np.where(bad, 0.5 / share_bad, 0.5 / (1 - share_bad))).astype(np.float32)

    def standard(rows: Array) -> Array:
        z = np.clip((rows - middle) / scale, -6, 6)
        return np.concatenate([z, np.ones((len(z), 1), np.float32)], 1)

    z = standard(x) * weight[:, None]
    y = np.where(bad, 1, -1).astype(np.float32) * weight
    if z.shape[0] < z.shape[1]:
        inner = z @ z.T + PENALTY * z.shape[1] * np.eye(len(z), dtype=np.float32)
        found = z.T @ np.linalg.solve(inner, y)
    else:
        outer = z.T @ z + PENALTY * len(z) * np.eye(z.shape[1], dtype=np.float32)
        found = np.linalg.solve(outer, z.T @ y)
    return lambda rows: np.asarray(standard(rows) @ found)


def some(table: Table, rows: Array) -> Table:
    """These rows."""
    return {name: column[rows] for name, column in table.items()}


def features(table: Table, block: int) -> Array:
    """One row a hand."""
    return table[f"block{block}"].reshape(len(table["kind"]), -1).astype(np.float32)


def extra(table: Table) -> Array:
    """Which hands have a finger or thumb too many."""
    return np.char.startswith(table["kind"], "extra")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path)
    folder = parser.parse_args().tokens
    edits, more, pictures, scenes = (
        dict(np.load(folder / f"{name}.npz", allow_pickle=False))
        for name in ("edits", "more", "pictures", "scenes")
    )
    edits = some(edits, ~np.char.startswith(edits["person"], TRAINING_PERSONS[0])
                 & ~np.char.startswith(edits["person"], TRAINING_PERSONS[1]))  # fmt: skip
    pictures["kind"] = pictures["label"]
    found: dict[str, Any] = {}
    for block in BLOCKS:
        parts = [dict(np.load(path)) for path in sorted(folder.glob("renders-*.npz"))]
        parts = [part for part in parts if f"block{block}" in part]
        names = ("kind", "part", f"block{block}")
        renders = {name: np.concatenate([part[name] for part in parts]) for name in names}
        renders = some(renders, extra(renders) | (renders["kind"] == "good"))
        last = renders["part"] == HELD_OUT
        train, held = some(renders, ~last), some(renders, last)
        sets = {
            "rendered": (features(train, block), extra(train)),
            "pasted": (features(more, block), extra(more)),
        }
        x, bad = (np.concatenate(pair) for pair in zip(*sets.values(), strict=True))
        sets["both"] = x, bad
        for name, (x, bad) in sets.items():
            judge = head(x, bad)
            found[f"block {block}, trained on {name}"] = {
                "trained_on": len(x),
                **_tried(judge, block, held, edits, pictures),
                "pasted_on_scenes": _against(judge, block, scenes),
            }
        for kind in EDITS:
            keep = more["kind"] != kind
            judge = head(sets["pasted"][0][keep], sets["pasted"][1][keep])
            rows = some(edits, ~extra(edits) | (edits["kind"] == kind))
            found[f"block {block}, trained without {kind}"] = _against(judge, block, rows)
    text = json.dumps(found, indent=1)
    (HERE / "cross.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def _tried(
    judge: Callable[[Array], Array], block: int, held: Table, edits: Table, pictures: Table
) -> dict[str, Any]:
    result: dict[str, Any] = {"rendered": _against(judge, block, held)}
    for kind in EDITS:
        rows = some(edits, ~extra(edits) | (edits["kind"] == kind))
        result[kind] = _against(judge, block, rows)
    plain = edits["kind"] == "untouched"
    for kind in CONTROLS:
        scores = judge(features(some(edits, plain | (edits["kind"] == kind)), block))
        other = edits["kind"][plain | (edits["kind"] == kind)] == kind
        paths = edits["path"][plain | (edits["kind"] == kind)]
        result[kind] = area(scores[~other], scores[other], paths[~other], paths[other])
    return {**result, "pictures": _pictures(judge, block, edits, pictures)}


def _against(judge: Callable[[Array], Array], block: int, table: Table) -> dict[str, Any]:
    scores, bad = judge(features(table, block)), extra(table)
    groups = table.get("path", np.arange(len(bad)).astype(str))
    return area(scores[~bad], scores[bad], groups[~bad], groups[bad])


def _pictures(
    judge: Callable[[Array], Array], block: int, edits: Table, pictures: Table
) -> dict[str, Any]:
    """Mean of each hand and its mirror image; the threshold is set on scenes of tuning sources."""
    scores = judge(features(pictures, block)).reshape(-1, 2).mean(1)
    one = some(pictures, np.arange(0, len(pictures["kind"]), 2))
    camera, reported = one["origin"] == "camera", np.isin(one["source"], REPORTED)
    tune, test = camera & ~reported, camera & reported
    malformed, fine = one["label"] == "malformed", one["label"] == "wellformed"
    threshold = float(scores[tune].max())
    studio = edits["kind"] == "untouched"
    pasted = judge(features(edits, block))
    bad = extra(edits)

    def against(which: Array) -> dict[str, Any]:
        good = fine & camera
        return area(scores[good], scores[which], one["path"][good], one["path"][which])

    def above(values: Array) -> dict[str, Any]:
        return share(int((values > threshold).sum()), len(values))

    return {
        "threshold": {"largest_of": int(tune.sum())},
        "camera_hands": above(scores[test]),
        "studio_hands": above(pasted[studio]),
        "malformed_found": above(scores[malformed]),
        "wellformed_generated_flagged": above(scores[fine & ~camera]),
        "pasted_found": above(pasted[bad]),
        "malformed_against_camera": against(malformed),
        "generated_good_against_camera": against(fine & ~camera),
    }


if __name__ == "__main__":
    main()
