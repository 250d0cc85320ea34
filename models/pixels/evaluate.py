"""Trains the head, measures it on sources it has not seen, and writes head.npz and metrics.json.

    python -m models.pixels.evaluate FEATURES.npz... --graphics GRAPHICS.npz --edits EDITED.npz...

Needs scikit-learn. Everything that is chosen (penalty, thresholds) is chosen within the training
sources of each fold, dealt in two ways; what is reported comes from the others. The shipped head
is then trained on all sources, with the thresholds of scores that were held out. The files are
those of features.py; an edited one is named after its edit.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models.pixels import rules
from models.pixels.card import beside_rules, replaced
from models.pixels.data import Data, outer, subset
from models.pixels.graphics import measured
from models.pixels.learning import PENALTIES, Head, fit, held_out, readings, score
from models.pixels.measures import balanced, by_sources, called, middle, rate, threshold_for
from provenance.detect.backbone import LAYERS, MODEL, SHA256
from provenance.verify.fusion import BAR

HERE = Path(__file__).parent
SEEDS = (0, 1)
"""Ways to deal the sources to folds: with some 30 sources a class, one way is luck."""

INNER = (100, 200)
"""Ways to deal the training sources of a fold, of which the stricter threshold counts: as for the
shipped head, whose thresholds are the higher ones of all `SEEDS`."""

ALLOWED = (0.02, 0.0)
"""Shares of photographs that may reach each level, at the upper end of what the training sources
show: the second, which none of them may reach, finds less, and what it finds is worth more."""

PRIORS = (0.5, 0.9)
"""Shares of generated pictures for which the fused verdict is reported: even odds, and a stream of
pictures that are under suspicion."""

DARK, GRAY, SMALL = 60, 8, 256
"""Mean luminance, mean saturation (of 255) and shorter side under which a photograph counts as
dark, colourless or small."""


@dataclass(frozen=True)
class Held:
    """What a fold gave to the pictures that it had not seen."""

    test: NDArray[np.bool_]
    head: Head
    thresholds: tuple[float, ...]


@dataclass(frozen=True)
class Run:
    """Held-out readings (n×3) and decisions (by level: n×2), for one way to deal the sources.

    `generated` is what the detector says; `reached` is what it would say without the gate.
    """

    read: NDArray[np.float64]
    generated: NDArray[np.bool_]
    reached: NDArray[np.bool_]
    likelier: NDArray[np.bool_]
    folds: tuple[Held, ...]


def nested(data: Data, seed: int, judged: NDArray[np.bool_]) -> Run:
    """Measure with penalty and thresholds from the training sources alone.

    What is held back as a graphic, which is not `judged`, is not called generated.
    """
    n = len(data.y)
    run = Run(
        np.zeros((n, 3)),
        np.zeros((n, len(ALLOWED)), bool),
        np.zeros((n, len(ALLOWED)), bool),
        np.zeros(n, bool),
        (),
    )
    held = []
    for train, test in outer(data, seed):
        inner = subset(data, train)
        tried = {p: [held_out(inner, seed + each, p) for each in INNER] for p in PENALTIES}
        best, cuts = chosen(inner, tried)
        head = fit(data, train, best)
        run.read[test] = readings(head, data.x[test])
        for level, cut in enumerate(cuts):
            run.reached[test, level] = called(run.read[test], cut)
            run.generated[test, level] = run.reached[test, level] & judged[test]
        both = np.concatenate([score(read) for read in tried[best]])
        run.likelier[test] = score(run.read[test]) >= middle(both, np.tile(inner.y, len(INNER)))
        held.append(Held(test, head, cuts))
    return replace(run, folds=tuple(held))


def chosen(
    data: Data, tried: dict[float, list[NDArray[np.float64]]]
) -> tuple[float, tuple[float, ...]]:
    """The penalty, and a threshold for each level: the highest of all ways to deal the sources.

    Args:
        data: what was read.
        tried: held-out readings by penalty, for each way.
    """
    auc = {
        p: np.mean([roc_auc_score(data.y, score(r)) for r in reads]) for p, reads in tried.items()
    }
    best = max(tried, key=lambda p: auc[p])
    return best, tuple(
        max(threshold_for(read, data.y, data.source, each) for read in tried[best])
        for each in ALLOWED
    )


def by_seed(data: Data, judged: NDArray[np.bool_], seed: int, run: Run) -> dict[str, Any]:
    """What one way to deal the sources gives."""
    s, big = score(run.read), data.side >= SMALL
    return {
        "seed": seed,
        "auc": round(float(roc_auc_score(data.y, s)), 4),
        "auc_256_and_more": round(float(roc_auc_score(data.y[big], s[big])), 4),
        "auc_past_the_gate": round(float(roc_auc_score(data.y[judged], s[judged])), 4),
        "balanced_accuracy": round(balanced(run.likelier, data.y), 4),
        "balanced_accuracy_past_the_gate": round(balanced(run.likelier[judged], data.y[judged]), 4),
        "levels": [
            {
                "real_called_generated": rate(run.generated[data.y == 0, level]),
                "generated_called_generated": rate(run.generated[data.y == 1, level]),
                "generated_without_the_gate": rate(run.reached[data.y == 1, level]),
            }
            for level in range(len(ALLOWED))
        ],
    }


def worth(data: Data, runs: list[Run], level: int, rng: np.random.Generator) -> dict[str, Any]:
    """The likelihood ratio of reaching a level, and an interval that is cautious in two ways.

    Rates are those of the dealing that is worse for us. Each end is the wider one of two: drawn by
    whole sources, and by exact intervals of both shares, for few mistakes are drawn too rarely.
    """
    real, made = data.y == 0, data.y == 1
    hit = np.stack([run.generated[:, level] for run in runs])

    def ratio(rows: NDArray[np.int64]) -> float:
        tp = hit[:, rows[made[rows]]].mean(axis=1).min()
        wrong = hit[:, rows[real[rows]]].sum(axis=1).max()
        return float(tp / ((wrong + 0.5) / (real[rows].sum() + 1)))

    found = rate(min((h[made] for h in hit), key=lambda h: h.sum()))
    wrong = rate(max((h[real] for h in hit), key=lambda h: h.sum()))
    low, high = by_sources(data, ratio, rng)
    least = 0.5 / (wrong["n"] + 1)
    exact = (
        found["interval95"][0] / wrong["interval95"][1],
        found["interval95"][1] / max(wrong["interval95"][0], least),
    )
    return {
        "real_called_generated": wrong,
        "generated_called_generated": found,
        "ratio": round(ratio(np.arange(len(data.y))), 2),
        "interval95": [round(min(low, exact[0]), 2), round(max(high, exact[1]), 2)],
        "interval95_by_source": [round(low, 2), round(high, 2)],
    }


def kinds(data: Data, runs: list[Run], edits: dict[str, Data]) -> dict[str, Any]:
    """Mistakes on kinds of photographs, by level, in the dealing that is worse for us."""
    real = data.y == 0
    light, colour, camera, edited = data.about[:, 1:].T
    imagenet = np.char.find(data.source, "imagenet") >= 0
    groups = {
        "all": real,
        "dark (mean luminance under 60)": real & (light < DARK),
        "without colour": real & (colour < GRAY),
        "through an editing program": real & (edited > 0),
        "with the camera's EXIF": real & (camera > 0),
        "under 256 pixels": real & (data.side < SMALL),
        "ImageNet": real & imagenet,
        "other sources": real & ~imagenet,
    }
    report = {
        name: [
            rate(max((run.generated[rows, level] for run in runs), key=lambda h: h.sum()))
            for level in range(len(ALLOWED))
        ]
        for name, rows in groups.items()
    }
    for name, changed in edits.items():
        report[name] = [
            rate(
                max((_on_edited(data, run, changed, level) for run in runs), key=lambda h: h.sum())
            )
            for level in range(len(ALLOWED))
        ]
    return report


def _on_edited(data: Data, run: Run, changed: Data, level: int) -> NDArray[np.bool_]:
    """Decisions on edited photographs by the fold that has not seen the source."""
    place = {(s, n): i for i, (s, n) in enumerate(zip(data.source, data.name, strict=True))}
    rows = np.array([place[s, n] for s, n in zip(changed.source, changed.name, strict=True)])
    hit = np.zeros(len(rows), bool)
    for held in run.folds:
        mine = held.test[rows]
        if mine.any():
            read = readings(held.head, changed.x[mine])
            hit[mine] = called(read, held.thresholds[level])
    return hit


def main() -> None:
    """Measure, train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", type=Path, nargs="+")
    parser.add_argument("--graphics", type=Path, required=True)
    parser.add_argument("--edits", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    data, graphics = Data.load(*given.features), Data.load(given.graphics)
    real, made = data.y == 0, data.y == 1
    gate, gate_report, held_back = measured(subset(data, real), graphics, subset(data, made), SEEDS)
    judged = np.ones(len(data.y), bool)
    judged[real], judged[made] = ~held_back["real"], ~held_back["generated"]
    rng = np.random.default_rng(1)
    runs = [nested(data, seed, judged) for seed in SEEDS]
    s = np.mean([score(run.read) for run in runs], axis=0)
    low, high = by_sources(data, lambda rows: roc_auc_score(data.y[rows], s[rows]), rng)

    tried = {p: [held_out(data, seed, p) for seed in SEEDS] for p in PENALTIES}
    penalty, cuts = chosen(data, tried)
    read = np.concatenate(tried[penalty])
    y = np.tile(data.y, len(SEEDS))
    even = np.where(y == 1, 1 / (y == 1).sum(), 1 / (y == 0).sum()) * len(y) / 2
    platt = LogisticRegression(C=1e6).fit(score(read)[:, None], y, sample_weight=even)
    head = fit(data, np.ones(len(data.y), bool), penalty)
    for name, each in (("head.npz", head), ("graphics.npz", gate)):
        np.savez_compressed(
            HERE / name,
            mean=each.mean.astype(np.float32),
            spread=each.spread.astype(np.float32),
            weight=each.weight.astype(np.float32),
            bias=np.float32(each.bias),
        )
    levels = [
        {"threshold": round(cut, 4), **worth(data, runs, level, rng)}
        for level, cut in enumerate(cuts)
    ]
    metrics = {
        "backbone": MODEL,
        "backbone_sha256": SHA256,
        "layers": list(LAYERS),
        "head_sha256": hashlib.sha256((HERE / "head.npz").read_bytes()).hexdigest(),
        "graphics_sha256": hashlib.sha256((HERE / "graphics.npz").read_bytes()).hexdigest(),
        "penalty": penalty,
        "pictures": {"real": int(real.sum()), "generated": int(made.sum())},
        "sources": {
            "real": len(np.unique(data.source[real])),
            "generated": len(np.unique(data.source[made])),
        },
        "platt_at_even_odds": [
            round(float(platt.coef_[0, 0]), 4),
            round(float(platt.intercept_[0]), 4),
        ],
        "levels": levels,
        "graphics": gate_report,
        "report": {
            "by_seed": [by_seed(data, judged, *each) for each in zip(SEEDS, runs, strict=True)],
            "auc_of_mean_score": {
                "auc": round(float(roc_auc_score(data.y, s)), 4),
                "interval95_by_source": [round(low, 4), round(high, 4)],
            },
            "balanced_accuracy_beside_trivial_rules": rules.beside(
                data, SEEDS, np.stack([run.likelier for run in runs])
            ),
        },
        "kinds_of_photographs": kinds(
            data, runs, {path.stem.removeprefix("fe-"): Data.load(path) for path in given.edits}
        ),
        "found_by_source": {
            source: rate(runs[0].generated[(data.source == source) & made, 0])
            for source in np.unique(data.source[made])
        },
        "wrong_by_source": {
            source: found
            for source in np.unique(data.source[real])
            if (found := rate(runs[0].generated[(data.source == source) & real, 0]))["hit"]
        },
        "graphics_called_generated": on_graphics(graphics, runs, held_back["graphic"]),
        "fused": fused(data, runs, levels),
    }
    (HERE / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(json.dumps({k: v for k, v in metrics.items() if "by_source" not in k}, indent=1))
    replaced("numbers", table(metrics))


def on_graphics(graphics: Data, runs: list[Run], held: NDArray[np.bool_]) -> dict[str, Any]:
    """Drawings and screenshots called generated, by level: were there no gate, and with it.

    No head was trained on any of them; the worst of all folds is reported.
    """
    calls = [
        np.stack([called(readings(fold.head, graphics.x), cut) for cut in fold.thresholds], axis=1)
        for run in runs
        for fold in run.folds
    ]
    return {
        name: [
            rate(max((call[:, level] & kept for call in calls), key=lambda c: c.sum()))
            for level in range(len(ALLOWED))
        ]
        for name, kept in (("without the gate", np.ones(len(held), bool)), ("with the gate", ~held))
    }


def fused(data: Data, runs: list[Run], levels: list[dict[str, Any]]) -> dict[str, Any]:
    """How often the pixels alone lead to the answer *generated*, and how often that is wrong.

    By the share of generated pictures where they come from, and with 1 to 3 completed checks that
    look at the same pixels. A picture gets the weight of the highest level that it reached in folds
    that had not seen its source.
    """
    real, made = data.y == 0, data.y == 1
    report: dict[str, Any] = {}
    for prior, looks in itertools.product(PRIORS, (1, 2, 3)):
        passing = [
            at for at, level in enumerate(levels) if _passes(level["interval95"][0] / looks, prior)
        ]
        answers = [
            run.generated[:, passing].any(axis=1) if passing else np.zeros(len(data.y), bool)
            for run in runs
        ]
        found = rate(min((a[made] for a in answers), key=lambda a: a.sum()))
        wrong = rate(max((a[real] for a in answers), key=lambda a: a.sum()))
        right, off = prior * found["share"], (1 - prior) * wrong["share"]
        report[f"prior {prior}, {looks} completed"] = {
            "levels_that_pass": passing,
            "generated_answered": found,
            "real_answered_wrongly": wrong,
            "share_answered": round(right + off, 4),
            "share_of_answers_that_are_wrong": round(off / (right + off), 4)
            if right + off
            else None,
        }
    return report


def _passes(low: float, prior: float) -> bool:
    odds = low * prior / (1 - prior)
    return odds / (1 + odds) >= BAR


def table(metrics: dict[str, Any]) -> str:
    """The numbers of the card."""
    seeds, mean = metrics["report"]["by_seed"], metrics["report"]["auc_of_mean_score"]
    head = " | ".join(f"seed {each['seed']}" for each in seeds)
    rows = [f"| sources held out, pictures equalised | {head} |", "|---|" + "---|" * len(seeds)]
    for name, key in (
        ("AUC", "auc"),
        ("AUC, 256 pixels and more", "auc_256_and_more"),
        ("AUC, without what is held back as graphics", "auc_past_the_gate"),
        ("balanced accuracy", "balanced_accuracy"),
        ("balanced accuracy, without what is held back", "balanced_accuracy_past_the_gate"),
    ):
        rows.append(f"| {name} | " + " | ".join(f"{each[key]:.3f}" for each in seeds) + " |")
    for level, word in enumerate(("generated", "clearly generated")):
        for name, key in (
            (f"photographs called {word}", "real_called_generated"),
            (f"generated pictures called {word}", "generated_called_generated"),
            ("the same, were there no gate", "generated_without_the_gate"),
        ):
            cells = " | ".join(share(each["levels"][level][key]) for each in seeds)
            rows.append(f"| {name} | {cells} |")
    low, high = mean["interval95_by_source"]
    rows += [
        "",
        f"AUC of the mean score {mean['auc']:.3f} (95 % {low:.3f} to {high:.3f}, by source).",
        "",
        beside_rules(
            metrics["report"]["balanced_accuracy_beside_trivial_rules"], metrics["pictures"]
        ),
        "",
        "| level | times as likely if generated | 95 % | probability at even odds, 95 % |",
        "|---|---|---|---|",
    ]
    for word, level in zip(("generated", "clearly generated"), metrics["levels"], strict=True):
        least, most = level["interval95"]
        odds = " to ".join(f"{x / (1 + x):.3f}" for x in (least, most))
        rows.append(f"| {word} | {level['ratio']:.1f} | {least:.1f} to {most:.0f} | {odds} |")
    gate, flat = metrics["graphics"], metrics["graphics"]["by_flatness_alone"]
    drawn = metrics["graphics_called_generated"]
    rows += [
        "",
        "| held-out sources | graphics recognised | photographs taken for one |",
        "|---|---|---|",
        f"| this gate | {share(gate['graphic'])} | {share(gate['real'])} |",
        f"| flat blocks alone | {share(flat['graphic'])} | {share(flat['real'])} |",
        "",
        f"Generated pictures held back as graphics: {share(gate['generated'])}. Graphics called "
        f"generated: {share(drawn['with the gate'][0])}; without the gate it were "
        f"{share(drawn['without the gate'][0])}.",
        "",
        "Edited photographs are shown to the detector past the gate.",
        "",
        "| photographs, sources held out | called generated | called clearly generated |",
        "|---|---|---|",
    ]
    for name, (one, two) in metrics["kinds_of_photographs"].items():
        rows.append(f"| {name} | {share(one)} | {share(two)} |")
    rows += [
        "",
        "| fused verdict, by `pixels` alone | generated pictures answered | photographs answered "
        "wrongly | answers in all | of these wrong |",
        "|---|---|---|---|---|",
    ]
    for name, found in metrics["fused"].items():
        off = found["share_of_answers_that_are_wrong"]
        rows.append(
            f"| {name} | {share(found['generated_answered'])} | "
            f"{share(found['real_answered_wrongly'])} | {found['share_answered']:.1%} | "
            f"{'-' if off is None else f'{off:.1%}'} |"
        )
    return "\n".join([*rows, ""])


def share(found: dict[str, Any]) -> str:
    """For people."""
    low, high = found["interval95"]
    return (
        f"{found['hit']} of {found['n']} ({found['hit'] / found['n']:.1%}, {100 * low:.1f} to "
        f"{100 * high:.1f})"
    )


if __name__ == "__main__":
    main()
