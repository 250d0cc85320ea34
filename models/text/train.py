"""Learns to tell gibberish from text, other scripts and no text, and sets the threshold.

    python models/text/train.py OUT       reads what collect.py wrote, writes judge.npz beside this

Only the tuning half is used, and nothing of any generative model. The threshold is the lowest that
keeps the false positives of `BOUNDS` and `LIMITS` on lines that the model has not seen (five folds
by picture).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from collect import BAD, GOOD, judged
from scipy.optimize import minimize

from provenance.detect.text.judge import CLASSES, FAR, SURE, apply
from provenance.moderate.intervals import clopper_pearson

BOUNDS = {"drawn lines": 0.01, "lines of drawn scenes": 0.01}
"""False positives that are borne of real lines: the upper end of the 95 % interval stays within, so
that as many lines drawn anew do, too."""

LIMITS = {"lines in photographs": 0.005, "photographs": 0.01}
"""Likewise of lines that are found in photographs, and of photographs that are flagged at all; but
the rate itself, since a few hundred photographs bound none so low."""

PENALTIES = (0.001, 0.003)
"""Weight of the squared parameters; chosen by what one member finds of kinds left out."""

HIDDEN, STEPS, MEMBERS = 32, 100, 5
"""Width of a hidden layer, steps of the optimiser, and models whose answers are averaged: five from
different beginnings flag fewer real lines than one."""


def load(out: Path, job: str) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Facts and features of one job of collect.py; features of lines without a score are 0."""
    facts = json.loads((out / f"{job}.json").read_text(encoding="utf-8"))
    with np.load(out / f"{job}.npz", allow_pickle=False) as tables:
        known = tables["rows"].astype(np.float64)
    rows = np.zeros((len(facts), known.shape[1]))
    rows[[judged(fact) for fact in facts]] = known
    return facts, rows


def label(fact: dict[str, Any]) -> int | None:
    """Its class, or None where that is not known well enough."""
    kind = fact["kind"]
    if kind in BAD:
        return CLASSES.index("gibberish")
    if kind.removeprefix("part ") in GOOD or kind in {"real", "nothing"}:
        return CLASSES.index("text" if fact["mean"] >= SURE or kind in GOOD else "nothing")
    if kind in {"random", "ai"} or kind.startswith("part "):
        return None
    return CLASSES.index("other")


Model = dict[str, np.ndarray]


def fit(rows: np.ndarray, labels: np.ndarray, penalty: float, members: int = MEMBERS) -> Model:
    """One hidden layer, in which members lie side by side; all classes of equal weight.

    The same rows give the same model.
    """
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    x = np.clip((rows - mean) / spread, -FAR, FAR)
    found = [_member(x, labels, penalty, seed) for seed in range(members)]
    first, first_bias, second, second_bias = zip(*found, strict=True)
    return {
        "mean": mean,
        "spread": spread,
        "first": np.concatenate(first, axis=1),
        "first_bias": np.concatenate(first_bias),
        "second": np.concatenate(second) / members,
        "second_bias": np.mean(second_bias, axis=0),
    }


def _member(x: np.ndarray, labels: np.ndarray, penalty: float, seed: int) -> list[np.ndarray]:
    """Weights and biases of both layers, from a beginning of its own."""
    count, width = len(CLASSES), x.shape[1]
    truth = np.eye(count)[labels]
    share = (truth / truth.sum(axis=0) / count).sum(axis=1, keepdims=True)
    shapes = ((width, HIDDEN), (HIDDEN,), (HIDDEN, count), (count,))
    ends = np.cumsum([np.prod(shape) for shape in shapes])

    def parts(flat: np.ndarray) -> list[np.ndarray]:
        cut = np.split(flat, ends[:-1])
        return [part.reshape(shape) for part, shape in zip(cut, shapes, strict=True)]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        first, first_bias, second, second_bias = parts(flat)
        before = x @ first + first_bias
        hidden = np.maximum(before, 0)
        values = hidden @ second + second_bias
        values -= values.max(axis=1, keepdims=True)
        logs = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
        slope = share * (np.exp(logs) - truth)
        back = (slope @ second.T) * (before > 0)
        gradient = (
            x.T @ back + 2 * penalty * first, back.sum(axis=0),
            hidden.T @ slope + 2 * penalty * second, slope.sum(axis=0),
        )  # fmt: skip
        size = (first**2).sum() + (second**2).sum()
        total = float(-(share * truth * logs).sum() + penalty * size)
        return total, np.concatenate([part.ravel() for part in gradient])

    random = np.random.default_rng(seed)
    start = [random.normal(0, shape[0] ** -0.5, shape) for shape in shapes]
    start[1], start[3] = np.zeros(HIDDEN), np.zeros(count)
    flat = np.concatenate([part.ravel() for part in start])
    best = minimize(loss, flat, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return parts(best.x)


def gibberish(model: Model, rows: np.ndarray) -> np.ndarray:
    """The score of each row."""
    return apply(model, rows)[:, CLASSES.index("gibberish")]


def left_out(
    rows: np.ndarray, labels: np.ndarray, groups: np.ndarray, penalty: float, members: int = MEMBERS
) -> np.ndarray:
    """Scores of lines by a model that has not seen their group."""
    scores = np.zeros(len(rows))
    for fold in range(5):
        test = groups % 5 == fold
        scores[test] = gibberish(fit(rows[~test], labels[~test], penalty, members), rows[test])
    return scores


def upper_end(flagged: np.ndarray) -> float:
    """Of the 95 % interval of the rate (Clopper and Pearson)."""
    return clopper_pearson(int(flagged.sum()), len(flagged))[1]


def main(out: Path) -> None:
    """Fit, choose, write."""
    facts, rows = load(out, "tune")
    more, others = load(out, "files")
    keep = [i for i, f in enumerate(more) if f["part"] == "tune" and f["kind"] == "real"]
    facts, rows = facts + [more[i] for i in keep], np.concatenate([rows, others[keep]])
    used = np.array([judged(f) and label(f) is not None for f in facts])
    labels = np.array([label(f) if u else -1 for f, u in zip(facts, used, strict=True)])
    names = {name: number for number, name in enumerate(sorted({f["group"] for f in facts}))}
    groups = np.array([names[f["group"]] for f in facts])
    bad = labels == CLASSES.index("gibberish")
    kinds = np.array([f["kind"].removeprefix("zh-") for f in facts])

    found = {}
    for penalty in PENALTIES:
        scores = left_out(rows[used], labels[used], groups[used], penalty, members=1)
        limit = np.quantile(scores[~bad[used]], 0.98)
        shares = []
        for kind in sorted(set(kinds[bad])):
            seen = used & ~(bad & (kinds == kind))
            model = fit(rows[seen], labels[seen], penalty, members=1)
            shares.append(float((gibberish(model, rows[bad & (kinds == kind)]) > limit).mean()))
        found[penalty] = float(np.mean(shares))
        print(penalty, "kinds left out:", [round(s, 2) for s in shares], round(found[penalty], 3))
    penalty = max(found, key=found.__getitem__)

    scores = np.zeros(len(facts))
    scores[used] = left_out(rows[used], labels[used], groups[used], penalty)
    scores[[f["turned"] >= SURE for f in facts]] = 0
    drawn, scenes = (
        np.array([f["kind"] in GOOD and f["scene"] == scene for f in facts])
        for scene in (False, True)
    )
    seen_once = np.array([f["kind"] == "real" and "again" not in f for f in facts])
    pictures = sorted({f["group"] for f, once in zip(facts, seen_once, strict=True) if once})
    total = sum(f["part"] == "tune" and not f["generated"] for f in _files(out))
    worst = {g: scores[seen_once & (groups == names[g])].max() for g in pictures}
    for threshold in np.arange(0.3, 1.0, 0.01):
        flagged = scores >= threshold
        ends = {
            "drawn lines": upper_end(flagged[drawn]),
            "lines of drawn scenes": upper_end(flagged[scenes]),
        }
        rates = {
            "lines in photographs": flagged[seen_once].mean(),
            "photographs": sum(s >= threshold for s in worst.values()) / total,
        }
        found_at = {**ends, **rates}
        if all(found_at[name] <= limit for name, limit in {**BOUNDS, **LIMITS}.items()):
            break
    else:
        raise SystemExit("no threshold keeps to the limits")
    print("threshold", round(threshold, 2), {k: round(float(v), 4) for k, v in found_at.items()})
    for name, real, scene in (("plain", drawn, False), ("scenes", scenes, True)):
        mine = np.array([f["kind"] in BAD and f["scene"] == scene for f in facts])
        print(name, "real lines:", int(flagged[real].sum()), "of", int(real.sum()))
        print(name, "gibberish found:", int(flagged[mine].sum()), "of", int(mine.sum()))
    model = fit(rows[used], labels[used], penalty)
    target = Path(__file__).with_name("judge.npz")
    np.savez_compressed(
        target,
        threshold=np.float32(threshold),
        **{name: table.astype(np.float32) for name, table in model.items()},
    )
    print(target.name, target.stat().st_size, "bytes;", int(used.sum()), "lines; penalty", penalty)


def _files(out: Path) -> list[dict[str, Any]]:
    """Every file that collect.py looked at, also those without lines."""
    return json.loads((out / "looked_at.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
