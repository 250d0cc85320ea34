"""Trains the head, measures it on sources it has not seen, and writes head.npz and metrics.json.

    python -m models.pixels.evaluate features.npz graphics.json

Needs scikit-learn. Everything that is chosen (penalty, threshold) is chosen within the training
sources of each fold; what is reported comes from the others. The shipped head is then trained on
all sources, with the threshold of scores that were held out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models.pixels.learning import (
    PENALTIES,
    Data,
    fit,
    held_out,
    outer,
    readings,
    score,
    subset,
)
from provenance.detect.backbone import LAYERS, MODEL
from provenance.moderate.intervals import clopper_pearson

HERE = Path(__file__).parent
SEEDS = (0, 1)
"""Ways to deal the sources to folds: with some 30 sources a class, one way is luck."""

ALLOWED = 0.02
"""Share of real pictures that may be called generated."""

DRAWS = 500
TRIVIAL = ("png", "square", "sides in eights", "bytes a pixel", "pixels")


def called(read: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """Generated in every reading; anything else is unsure."""
    result: NDArray[np.bool_] = (read >= threshold).all(axis=1)
    return result


def threshold_for(read: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """The lowest threshold at which at most `ALLOWED` of the real pictures are called generated."""
    lowest = np.sort(read[y == 0].min(axis=1))[::-1]
    place = int(ALLOWED * len(lowest))
    return float(np.nextafter(lowest[place], np.inf))


def by_sources(data: Data, value: Any, rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval by drawing whole sources of each class again."""
    groups = [
        [np.flatnonzero((data.source == s) & mine) for s in np.unique(data.source[mine])]
        for mine in (data.y == 0, data.y == 1)
    ]
    found = []
    for _ in range(DRAWS):
        rows = np.concatenate([g[i] for g in groups for i in rng.integers(0, len(g), len(g))])
        found.append(value(rows))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def balanced(hit: NDArray[np.bool_], y: NDArray[np.int64]) -> float:
    """Mean of the shares that are right in each class."""
    return float((hit[y == 1].mean() + (~hit[y == 0]).mean()) / 2)


def nested(data: Data, seed: int) -> dict[str, NDArray[Any]]:
    """Held-out readings, and decisions with penalty and thresholds from the training sources."""
    read = np.zeros((len(data.y), 3))
    generated = np.zeros(len(data.y), bool)
    likelier = np.zeros(len(data.y), bool)
    trivial = np.zeros((len(data.y), len(TRIVIAL)), bool)
    for train, test in outer(data, seed):
        inner = subset(data, train)
        tried = {p: held_out(inner, seed + 100, p) for p in PENALTIES}
        best = max(PENALTIES, key=lambda p: roc_auc_score(inner.y, score(tried[p])))
        read[test] = readings(fit(data, train, best), data.x[test])
        generated[test] = called(read[test], threshold_for(tried[best], inner.y))
        cuts = np.unique(score(tried[best]))
        middle = max(cuts, key=lambda c: balanced(score(tried[best]) >= c, inner.y))
        likelier[test] = score(read[test]) >= middle
        for k in range(len(TRIVIAL)):
            rule = _rule(inner.trivial[:, k], inner.y)
            trivial[test, k] = rule(data.trivial[test, k])
    return {"read": read, "generated": generated, "likelier": likelier, "trivial": trivial}


def _rule(x: NDArray[np.float64], y: NDArray[np.int64]) -> Any:
    """The best cut of one number, either way."""
    options = [(cut, way) for cut in np.unique(x) for way in (1, -1)]
    cut, way = max(options, key=lambda o: balanced(o[1] * x >= o[1] * o[0], y))
    return lambda v: way * v >= way * cut


def rate(hit: NDArray[np.bool_]) -> dict[str, Any]:
    """Share with its exact interval; pictures of one source are not independent, so take care."""
    low, high = clopper_pearson(int(hit.sum()), len(hit))
    return {
        "n": len(hit),
        "hit": int(hit.sum()),
        "share": round(float(hit.mean()), 4),
        "interval95": [round(low, 4), round(high, 4)],
    }


def main() -> None:
    """Measure, train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", type=Path)
    parser.add_argument("graphics", type=Path, help="written by graphics.py")
    given = parser.parse_args()
    data = Data.load(given.features)
    rng = np.random.default_rng(1)
    runs = [nested(data, seed) for seed in SEEDS]
    big = data.side >= 256
    report: dict[str, Any] = {"by_seed": []}
    for seed, run in zip(SEEDS, runs, strict=True):
        s = score(run["read"])
        report["by_seed"].append(
            {
                "seed": seed,
                "auc": round(float(roc_auc_score(data.y, s)), 4),
                "auc_256_and_more": round(float(roc_auc_score(data.y[big], s[big])), 4),
                "balanced_accuracy": round(balanced(run["likelier"], data.y), 4),
                "trivial_balanced_accuracy": {
                    name: round(balanced(run["trivial"][:, k], data.y), 4)
                    for k, name in enumerate(TRIVIAL)
                },
                "real_called_generated": rate(run["generated"][data.y == 0]),
                "generated_called_generated": rate(run["generated"][data.y == 1]),
            }
        )
    s = np.mean([score(run["read"]) for run in runs], axis=0)
    low, high = by_sources(data, lambda rows: roc_auc_score(data.y[rows], s[rows]), rng)
    report["auc_of_mean_score"] = {
        "auc": round(float(roc_auc_score(data.y, s)), 4),
        "interval95_by_source": [round(low, 4), round(high, 4)],
    }

    def typical_auc(penalty: float) -> float:
        tried = (roc_auc_score(data.y, score(held_out(data, seed, penalty))) for seed in SEEDS)
        return float(np.mean(list(tried)))

    penalty = max(PENALTIES, key=typical_auc)
    read = np.concatenate([held_out(data, seed, penalty) for seed in SEEDS])
    y = np.tile(data.y, len(SEEDS))
    threshold = threshold_for(read, y)
    nested_hit = np.stack([run["generated"] for run in runs])
    real, made = data.y == 0, data.y == 1

    def ratio(rows: NDArray[np.int64]) -> float:
        tp = nested_hit[:, rows[made[rows]]].mean()
        wrong = nested_hit[:, rows[real[rows]]]
        return float(tp / ((wrong.sum() + 0.5) / (wrong.size + 1)))

    everything = np.arange(len(data.y))
    low, high = by_sources(data, ratio, rng)
    even = np.where(y == 1, 1 / (y == 1).sum(), 1 / (y == 0).sum()) * len(y) / 2
    platt = LogisticRegression(C=1e6).fit(score(read)[:, None], y, sample_weight=even)
    head = fit(data, np.ones(len(data.y), bool), penalty)
    np.savez_compressed(
        HERE / "head.npz",
        mean=head.mean.astype(np.float32),
        spread=head.spread.astype(np.float32),
        weight=head.weight.astype(np.float32),
        bias=np.float32(head.bias),
    )
    wrong = {
        source: rate(nested_hit.mean(axis=0)[(data.source == source) & real] > 0.5)
        for source in np.unique(data.source[real])
    }
    found = {
        source: rate(nested_hit.mean(axis=0)[(data.source == source) & made] > 0.5)
        for source in np.unique(data.source[made])
    }
    metrics = {
        "backbone": MODEL,
        "layers": list(LAYERS),
        "head_sha256": hashlib.sha256((HERE / "head.npz").read_bytes()).hexdigest(),
        "penalty": penalty,
        "pictures": {"real": int(real.sum()), "generated": int(made.sum())},
        "sources": {
            "real": len(np.unique(data.source[real])),
            "generated": len(np.unique(data.source[made])),
        },
        "threshold": round(threshold, 4),
        "platt_at_even_odds": [
            round(float(platt.coef_[0, 0]), 4),
            round(float(platt.intercept_[0]), 4),
        ],
        "graphics": json.loads(given.graphics.read_text()),
        # Of the ways to deal the sources, the one that is worst for us.
        "real_called_generated": max(
            (seed["real_called_generated"] for seed in report["by_seed"]), key=lambda r: r["share"]
        ),
        "generated_called_generated": min(
            (seed["generated_called_generated"] for seed in report["by_seed"]),
            key=lambda r: r["share"],
        ),
        "likelihood_ratio": {
            "ratio": round(ratio(everything), 2),
            "interval95_by_source": [round(low, 2), round(high, 2)],
        },
        "report": report,
        "real_called_generated_by_source": wrong,
        "found_by_source": found,
    }
    (HERE / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(json.dumps({k: v for k, v in metrics.items() if "by_source" not in k}, indent=1))
    card = HERE / "card.md"
    text = re.sub(
        r"(?<=<!-- numbers -->\n).*?(?=<!-- /numbers -->)",
        lambda _: "\n" + table(metrics) + "\n",
        card.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    card.write_text(text, encoding="utf-8")


def table(metrics: dict[str, Any]) -> str:
    """The numbers of the card."""
    seeds, mean = metrics["report"]["by_seed"], metrics["report"]["auc_of_mean_score"]
    head = " | ".join(f"seed {each['seed']}" for each in seeds)
    rows = [f"| sources held out, pictures equalised | {head} |", "|---|" + "---|" * len(seeds)]
    for name, key in (
        ("AUC", "auc"),
        ("AUC, 256 pixels and more", "auc_256_and_more"),
        ("balanced accuracy", "balanced_accuracy"),
    ):
        rows.append(f"| {name} | " + " | ".join(f"{each[key]:.3f}" for each in seeds) + " |")
    for name, key in (
        ("photographs called generated", "real_called_generated"),
        ("generated pictures called so", "generated_called_generated"),
    ):
        rows.append(f"| {name} | " + " | ".join(_share(each[key]) for each in seeds) + " |")
    low, high = mean["interval95_by_source"]
    worth = metrics["likelihood_ratio"]
    least, most = worth["interval95_by_source"]
    gate = metrics["graphics"]
    return "\n".join(
        [
            *rows,
            "",
            f"AUC of the mean score {mean['auc']:.3f} (95 % {low:.3f} to {high:.3f}, by source). "
            f"Being called generated is {worth['ratio']:.0f} times as likely for a generated "
            f"picture as for a photograph ({least:.0f} to {most:.0f}). Graphics recognised: "
            f"{gate['graphic']['hit']} of {gate['graphic']['n']}; photographs taken for one: "
            f"{gate['real']['hit']} of {gate['real']['n']}.",
            "",
        ]
    )


def _share(found: dict[str, Any]) -> str:
    low, high = found["interval95"]
    return (
        f"{found['hit']} of {found['n']} ({found['share']:.1%}, {100 * low:.1f} to "
        f"{100 * high:.1f})"
    )


if __name__ == "__main__":
    main()
