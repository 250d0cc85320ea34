"""How much a classifier of pictures finds while it flags few safe ones, with intervals.

    python benchmarks/moderation_quality.py --safe DIR [--unsafe DIR] [--classifier NAME ...]
        [--max-safe-flagged 5%] [--source REGEX] [--json FILE]

DIR of `--unsafe` holds a folder for each category. NAME is a classifier as policies name it
(open-nsfw, zero-shot:MODEL, head:FILE@MODEL), or `random`, which is our zero-shot classifier on a
random projection: it knows nothing, so whatever it finds is chance. `--untrained ARCHITECTURE` adds
the same on one of open_clip's architectures with random weights (needs provenance-kit[clip]).

Pictures are split in two by their source: thresholds are chosen on one half, everything is
reported on the other. `--source` is a regular expression on the path inside DIR whose first group
that matches names the source, such as `([^/]*?)__`; without it each picture is a source of its own.
Copies stay together either way.

Two trivial rules stand beside every classifier: flagging at random, and logistic regression on
size, shape, mean colours and contrast. The numbers that openmoderate 1.1.3 publishes, on 475
photographs of its own, are printed as the ones to beat; nudity, sexual, gore and self-harm are not
among them.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import hashlib
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from provenance.codec.limits import Limits
from provenance.embed.interface import Identity, Vectors
from provenance.moderate import build, train
from provenance.moderate.fit import fit, once, parse_share
from provenance.moderate.interface import FLOOR, PictureClassifier
from provenance.moderate.intervals import clopper_pearson
from provenance.moderate.measure import Measured, batches, measure
from provenance.moderate.policy_file import preset
from provenance.moderate.samples import Sample, copies, find
from provenance.moderate.zero_shot import ZeroShotClassifier
from provenance.picture import Picture
from provenance_cli.progress import progress

TO_BEAT = (
    ("openmoderate fast, ViT-B/32 laion2b", 77.5, 6.5),
    ("openmoderate balanced, ViT-B/16", 77.0, 4.7),
    ("openmoderate accurate, ViT-L/14", 82.0, 4.2),
)
"""Average recall and share of safe pictures flagged, in %, as its own documentation has them."""


class RandomTower:
    """A random projection of an 8×8 thumbnail, and random vectors for texts: knows nothing."""

    identity = Identity("random-projection", "random", "numpy")
    width = 512
    logit_scale, logit_bias = 100.0, 0.0

    def embed_pictures(self, pictures: Sequence[Picture]) -> Vectors:
        matrix = np.random.default_rng(0).standard_normal((192, self.width))
        small = [
            np.asarray(Image.fromarray(p.pixels).resize((8, 8)), np.float64).ravel() / 255 - 0.5
            for p in pictures
        ]
        return self._unit(np.array(small) @ matrix)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        seeds = [int.from_bytes(hashlib.sha256(t.encode()).digest()[:8], "big") for t in texts]
        rows = [np.random.default_rng(seed).standard_normal(self.width) for seed in seeds]
        return self._unit(np.array(rows))

    def describe(self) -> dict[str, Any]:
        return {"identity": str(self.identity), "width": self.width}

    @staticmethod
    def _unit(rows: np.ndarray) -> Vectors:
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def classifier(name: str) -> PictureClassifier:
    """By its name in a policy, or `random`."""
    if name == "random":
        return ZeroShotClassifier(RandomTower())
    return build.classifiers(replace(preset("standard"), classifiers=(name,))).pictures[name]


def untrained(architecture: str, folder: Path) -> PictureClassifier:
    """A real architecture whose weights are random."""
    from provenance.embed import open_clip
    from provenance.embed.untrained import untrained_weights

    return ZeroShotClassifier(open_clip.load(untrained_weights(architecture, folder)))


def skipped(sample: Sample, error: Exception) -> None:
    print(f"skipped: {sample.path}: {error}", file=sys.stderr)


def scored(scorer: PictureClassifier, samples: list[Sample]) -> list[Measured]:
    """All that can be read."""
    parts = progress(batches(samples), scorer.name)
    return [each for part in parts for each in measure(scorer, part, Limits(), skipped)]


def halves(
    measured: Sequence[Measured], top: Path, pattern: re.Pattern[str] | None
) -> tuple[list[Measured], list[Measured]]:
    """To choose on, and to report on; no source, and no two copies, are in both."""
    groups = copies([each.looks.digest for each in measured])
    names = []
    for each in measured:
        path = each.sample.path.relative_to(top).as_posix()
        found = pattern.match(path) if pattern else None
        names.append(next(filter(None, found.groups()), path) if found else path)
    parts: tuple[list[Measured], list[Measured]] = ([], [])
    for each, group in zip(measured, groups, strict=True):
        source = names[group]  # of the first copy
        parts[hashlib.sha256(source.encode()).digest()[0] & 1].append(each)
    return parts


def result(
    category: str,
    tune: tuple[list[float], list[float]],
    report: tuple[list[float], list[float]],
    bound: float,
) -> dict[str, Any]:
    """Threshold from one half, counts on the other."""
    chosen = fit(category, tune[0], [], bound)
    row: dict[str, Any] = {"category": category, "threshold": chosen.threshold}
    if chosen.threshold is None:
        return row | {"problem": chosen.problem}
    for name, scores in (("safe_flagged", report[0]), ("found", report[1])):
        k, n = sum(s >= chosen.threshold for s in scores), len(scores)
        row[name] = {"k": k, "n": n}
        if n:
            row[name] |= {"share": k / n, "interval95": clopper_pearson(k, n)}
    return row


def ranked(measured: Sequence[Measured], category: str, *, highest: bool) -> list[float]:
    """One score for each different picture."""
    groups = copies([each.looks.digest for each in measured])
    return once([float(each.scores[category]) for each in measured], groups, highest=highest)


def trivial(
    category: str,
    safe: tuple[list[Measured], list[Measured]],
    unsafe: tuple[list[Measured], list[Measured]],
    bound: float,
) -> dict[str, Any]:
    """Logistic regression on features that say nothing of what is seen."""
    parts = [[m.looks.plain for m in part] for part in (*safe, *unsafe)]
    if len(parts[0]) < 2 or len(parts[2]) < 2:
        return {"category": category, "threshold": None, "problem": "too few pictures to train on"}
    x = np.array([*parts[2], *parts[0]])
    y = np.r_[np.ones(len(parts[2])), np.zeros(len(parts[0]))]
    weight, bias = train.logistic(x, y, 1e-3)

    def scores(rows: list[np.ndarray]) -> list[float]:
        return [float(0.5 + 0.5 * np.tanh(0.5 * (row @ weight + bias))) for row in rows]

    return result(
        category,
        (scores(parts[0]), scores(parts[2])),
        (scores(parts[1]), scores(parts[3])),
        bound,
    )


def evaluate(
    scorer: PictureClassifier,
    safe_folder: Path,
    unsafe_folder: Path | None,
    bound: float,
    pattern: re.Pattern[str] | None,
) -> dict[str, Any]:
    """All categories of one classifier."""
    start = time.process_time()
    safe = halves(scored(scorer, find(safe_folder)), safe_folder, pattern)
    spent = (time.process_time() - start) / max(1, len(safe[0]) + len(safe[1]))
    rows, baselines = [], []
    for category in scorer.categories:
        folder = unsafe_folder / category if unsafe_folder else None
        if category in FLOOR:
            continue
        unsafe: tuple[list[Measured], list[Measured]] = ([], [])
        if folder and folder.is_dir():
            unsafe = halves(scored(scorer, find(folder)), folder, pattern)
        low, high = (
            [ranked(h, category, highest=t) for h in s] for s, t in ((safe, 1), (unsafe, 0))
        )
        rows.append(result(category, (low[0], high[0]), (low[1], high[1]), bound))
        if unsafe[1]:
            baselines.append(trivial(category, safe, unsafe, bound))
    return {
        "classifier": scorer.name,
        "max_safe_flagged": bound,
        "cpu_ms_per_picture": 1000 * spent,
        "categories": rows,
        "trivial_rule": baselines,
    }


def scoring_us(scorer: PictureClassifier, runs: int = 15) -> float | None:
    """Median CPU time of turning one embedding into scores, in microseconds."""
    if not isinstance(scorer, ZeroShotClassifier):
        return None
    vector = RandomTower().embed_pictures([Picture.from_array(np.zeros((8, 8, 3), np.uint8))])
    row = np.resize(vector[0], scorer.width)
    row = row / np.linalg.norm(row)
    scorer.scores_of(row)
    spent = []
    for _ in range(runs):
        start = time.process_time_ns()
        for _ in range(10):
            scorer.scores_of(row)
        spent.append((time.process_time_ns() - start) / 1e4)
    return statistics.median(spent)


def shown(part: dict[str, Any]) -> str:
    if not part["n"]:
        return "no pictures"
    low, high = part["interval95"]
    return f"{100 * part['share']:5.1f} % ({100 * low:.1f} to {100 * high:.1f}), n = {part['n']}"


def render(found: dict[str, Any]) -> str:
    """A table for people."""
    bound = 100 * found["max_safe_flagged"]
    out = [f"\n{found['classifier']}", f"  {'category':16} {'found':34} safe flagged"]
    shares = []
    for row in found["categories"]:
        if "problem" in row:
            out.append(f"  {row['category']:16} no threshold: {row['problem']}")
            continue
        if row["found"]["n"]:
            shares.append(100 * row["found"]["share"])
        out.append(f"  {row['category']:16} {shown(row['found']):34} {shown(row['safe_flagged'])}")
    for row in found["trivial_rule"]:
        if "problem" not in row:
            out.append(f"    trivial rule on {row['category']}: finds {shown(row['found'])}")
    out.append(f"  flagging at random at this bound finds {bound:g} %")
    if shares:
        out.append(f"  average of {len(shares)} categories: finds {statistics.mean(shares):.1f} %")
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--safe", type=Path, required=True)
    parser.add_argument("--unsafe", type=Path)
    parser.add_argument("--classifier", action="append", default=[])
    parser.add_argument("--untrained", metavar="ARCHITECTURE")
    parser.add_argument("--max-safe-flagged", default="5%")
    parser.add_argument("--source", metavar="REGEX")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    bound = parse_share(given.max_safe_flagged)
    pattern = re.compile(given.source) if given.source else None
    with tempfile.TemporaryDirectory() as folder:
        scorers = [classifier(name) for name in given.classifier or ["open-nsfw", "random"]]
        if given.untrained:
            scorers.append(untrained(given.untrained, Path(folder)))
        found = []
        for scorer in scorers:
            each = evaluate(scorer, given.safe, given.unsafe, bound, pattern)
            each["scoring_us_per_embedding"] = scoring_us(scorer)
            found.append(each)
            print(render(each))
    print("\nto beat, as published (its pictures, not these):")
    for name, recall, flagged in TO_BEAT:
        print(f"  {name}: finds {recall} % on average, {flagged} % of safe pictures flagged")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
