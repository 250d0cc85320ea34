"""Trains a linear head on a tower's embeddings, and says how well it does on pictures held out.

Logistic regression with an L2 penalty, both classes weighing the same. Whatever is said of the
head comes from cross-validation in which copies of a picture, and pictures of one source folder,
stay together; the strength of the penalty is chosen inside each training part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.codec.limits import Limits
from provenance.embed.interface import Identity, ImageTower, Vectors
from provenance.errors import InputError
from provenance.moderate.embedder import Embedder
from provenance.moderate.heads import to_npz
from provenance.moderate.interface import FLOOR
from provenance.moderate.intervals import Interval, auc, auc_interval, needed
from provenance.moderate.measure import opened
from provenance.moderate.samples import Groups, Looks, Sample, copies, look
from provenance.moderate.taxonomy import NAME

Numbers = NDArray[np.float64]

FOLDS = 5
"""Parts of the cross-validation; each needs pictures of both kinds."""

_INNER = 3
_STRENGTHS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4)
_SEED = 0
_USUAL_BOUND = 0.02
"""The card says whether there are enough safe pictures to fit a threshold for this share."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Pictures of one kind.

    Attributes:
        samples: where they are.
        vectors: their embeddings.
        looks: their hashes and plain features.
    """

    samples: Sequence[Sample]
    vectors: Vectors = field(repr=False)
    looks: Sequence[Looks] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trained:
    """A head, and what is known of it.

    Attributes:
        data: the .npz file.
        card: category, tower, numbers of pictures, cross-validation, date, notes; ready for JSON.
    """

    data: bytes = field(repr=False)
    card: dict[str, Any]

    @property
    def sha256(self) -> str:
        """Of the file, in hexadecimal: what `Head.load` may be told to expect."""
        return hashlib.sha256(self.data).hexdigest()


def train(category: str, tower: Identity, positive: Examples, negative: Examples) -> Trained:
    """Train a head that tells `positive` from `negative`.

    Raises:
        InputError: fewer than five different pictures, or sources, of either kind; or a category
            whose pictures nobody may collect.
    """
    check_category(category)
    x = np.vstack([positive.vectors, negative.vectors]).astype(np.float64)
    y = np.r_[np.ones(len(positive.samples)), np.zeros(len(negative.samples))]
    groups = _groups(positive, negative)
    parts = _folds(groups, y, FOLDS)
    counts = tuple(len(set(groups[y == kind])) for kind in (1, 0))
    if parts is None:
        raise InputError(
            f"there are {counts[0]} different positive and {counts[1]} different negative pictures "
            f"or sources; expected at least {FOLDS} of each, one for each part of the "
            "cross-validation"
        )
    plain = np.array([seen.plain for seen in (*positive.looks, *negative.looks)])
    quality, baseline = (_validated(z, y, groups, parts, counts) for z in (x, plain))
    strength = _choose(x, y, groups)
    weight, bias = logistic(x, y, strength)
    both = len(set(groups[y == 1]) & set(groups[y == 0]))
    card = {
        "schema": 1,
        "kind": "linear head on unit embeddings; sigmoid(weight · embedding + bias)",
        "category": category,
        "tower": asdict(tower),
        "date": datetime.now(UTC).date().isoformat(),
        "positive": {"pictures": len(positive.samples), "independent": counts[0]},
        "negative": {"pictures": len(negative.samples), "independent": counts[1]},
        "cross_validation": {"folds": FOLDS, **quality},
        "trivial_baseline": {"features": "size, shape, mean colours, contrast", **baseline},
        "penalty": strength,
        "calibrated": False,
        "notes": _notes(quality, baseline, counts[1], both),
    }
    return Trained(to_npz(weight.astype(np.float32), bias, card), card)


def check_category(category: str) -> None:
    """Refuse names that are none, and what nobody may collect.

    Raises:
        InputError: see above.
    """
    if category in FLOOR:
        raise InputError(f"no head can be trained for {category}: nobody may keep such pictures")
    if not NAME.fullmatch(category):
        raise InputError(
            f"the category is {category!r}; expected lower-case letters, digits and hyphens, a "
            "letter first"
        )


def embedded(
    embedder: Embedder[ImageTower],
    samples: Sequence[Sample],
    limits: Limits,
    on_skip: Callable[[Sample, InputError], None],
) -> Examples:
    """One batch of pictures, as they show; `on_skip` is told of those that cannot be read."""
    read = list(opened(samples, limits, on_skip))
    pictures = [picture for _, picture in read]
    rows = [vectors[0] for vectors in embedder.vectors(pictures)]
    return Examples(
        [sample for sample, _ in read],
        np.array(rows, np.float32).reshape(len(rows), embedder.tower.width),
        [look(picture) for picture in pictures],
    )


def joined(parts: Sequence[Examples]) -> Examples:
    """All batches as one."""
    return Examples(
        [sample for part in parts for sample in part.samples],
        np.concatenate([part.vectors for part in parts]),
        [seen for part in parts for seen in part.looks],
    )


def _notes(
    quality: dict[str, Any], baseline: dict[str, Any], negatives: int, both: int
) -> list[str]:
    """What a reader of the numbers has to know."""
    notes = []
    low = quality["auc_interval95"][0]
    if low <= 0.5:
        notes.append(
            "with so few pictures the head cannot be told from guessing; add pictures before use"
        )
    if baseline["auc"] >= low:
        notes.append(
            f"size, colours and contrast alone reach an AUC of {baseline['auc']:.3f}: the folders "
            "may differ in more than the category"
        )
    least = needed(_USUAL_BOUND)
    if negatives < least:
        notes.append(
            f"{negatives} different negative pictures or sources are too few to fit a threshold "
            f"that promises {_USUAL_BOUND:.0%}; that takes at least {least}"
        )
    if both:
        notes.append(f"{both} pictures or sources are in both folders, as copies or by name")
    return notes


def _groups(positive: Examples, negative: Examples) -> NDArray[np.int64]:
    """Copies of one picture, and pictures of one source folder, have one number.

    A folder counts as a source within its own side only, since `a/` on both sides may be two.
    """
    looks = [*positive.looks, *negative.looks]
    joined = Groups(len(looks))
    for number, first in enumerate(copies([seen.digest for seen in looks])):
        joined.join(number, first)
    firsts: dict[tuple[bool, str], int] = {}
    for number, sample in enumerate([*positive.samples, *negative.samples]):
        if sample.source:
            key = (number < len(positive.samples), sample.source)
            joined.join(number, firsts.setdefault(key, number))
    return np.array(joined.numbers())


def _folds(groups: NDArray[np.int64], y: Numbers, count: int) -> NDArray[np.int64] | None:
    """The part of each picture, so that each part has groups of both kinds; None if impossible."""
    part = {}
    rng = np.random.default_rng(_SEED)
    kind_of = {int(group): float(label) for group, label in zip(groups[::-1], y[::-1], strict=True)}
    for kind in (1.0, 0.0):
        mine = [group for group in dict.fromkeys(groups.tolist()) if kind_of[group] == kind]
        if len(mine) < count:
            return None
        for place, number in enumerate(rng.permutation(len(mine))):
            part[mine[number]] = place % count
    return np.array([part[int(group)] for group in groups])


def _validated(
    x: Numbers,
    y: Numbers,
    groups: NDArray[np.int64],
    parts: NDArray[np.int64],
    counts: tuple[int, ...],
) -> dict[str, Any]:
    """AUC on pictures held out. The interval counts groups, not pictures, as independent."""
    held = np.empty(len(y))
    for part in range(FOLDS):
        out = parts == part
        weight, bias = logistic(x[~out], y[~out], _choose(x[~out], y[~out], groups[~out]))
        held[out] = x[out] @ weight + bias
    value = auc(held[y == 0].tolist(), held[y == 1].tolist())
    interval: Interval = auc_interval(value, counts[1], counts[0])
    return {
        "auc": round(value, 4),
        "auc_interval95": [round(side, 4) for side in interval],
    }


def _choose(x: Numbers, y: Numbers, groups: NDArray[np.int64]) -> float:
    """The penalty with the least log loss on parts held out; the strongest one if tied."""
    parts = _folds(groups, y, _INNER)
    if parts is None:
        return _STRENGTHS[0]
    losses = []
    for strength in _STRENGTHS:
        loss = 0.0
        for part in range(_INNER):
            out = parts == part
            weight, bias = logistic(x[~out], y[~out], strength)
            loss += _loss(x[out] @ weight + bias, y[out])
        losses.append(loss)
    return _STRENGTHS[int(np.argmin(losses))]


def logistic(x: Numbers, y: Numbers, strength: float) -> tuple[Numbers, float]:
    """Weights and bias for `x` as it is; the penalty is on standardised columns."""
    from scipy.optimize import minimize

    middle, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = (x - middle) / spread
    share = _weights(y)

    def objective(v: Numbers) -> tuple[float, Numbers]:
        logit = z @ v[:-1] + v[-1]
        gap = share * (0.5 * (1 + np.tanh(0.5 * logit)) - y)
        value = _loss(logit, y) + 0.5 * strength * float(v[:-1] @ v[:-1])
        return value, np.r_[z.T @ gap + strength * v[:-1], gap.sum()]

    start = np.zeros(x.shape[1] + 1)
    best = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    weight: Numbers = best[:-1] / spread
    return weight, float(best[-1] - middle @ weight)


def _loss(logit: Numbers, y: Numbers) -> float:
    return float((_weights(y) * (np.logaddexp(0, logit) - y * logit)).sum())


def _weights(y: Numbers) -> Numbers:
    """Half of the weight for each kind."""
    share: Numbers = np.where(y == 1, 0.5 / max(y.sum(), 1), 0.5 / max(len(y) - y.sum(), 1))
    return share
