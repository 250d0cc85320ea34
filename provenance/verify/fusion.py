"""The probability that a picture was generated, from what its pixels suggest.

Only evidence with the status *suggested* and a measured weight counts. Absence contributes nothing,
and neither do claims: anybody can write one, so that their odds are whatever a forger likes. What a
signature or a keyed mark verifies is no matter of odds and is not asked here.

Checks that look at the same pixels err together, and their ratios must not be multiplied. Of such
a group the strongest counts alone; the lower end of its interval is divided by the number of checks
in the group that were completed, because the strongest of several was chosen after looking.

Source: Bayes' rule in odds; for the division, the mean of likelihood ratios bounds every way of
merging them under any dependence, and is at least the largest over their number (Vovk and Wang
2021, E-values: calibration, combination and applications, Annals of Statistics 49(3)).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from provenance.errors import ConfigError
from provenance.evidence import Evidence, Status

EVEN = 0.5
"""Prior share of generated pictures unless somebody knows better: one in two."""

BAR = 0.95
"""A picture is called generated from its pixels alone if the whole 95 % interval lies above this:
at the stated prior, at most one such answer in twenty is wrong, even at the cautious end of what
was measured. It is a choice about how often to be wrong, not a result of tuning."""

LOOKS = "looks"
GROUPS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("hands", "text", "pixels", "commfor", "ufd"), LOOKS)
)
"""Which checks err together, by source. Whatever else suggests something joins `looks`: that two
checks are independent is to be measured before it is believed."""


@dataclass(frozen=True, slots=True)
class Fused:
    """What the suggestions come to.

    Attributes:
        probability: that the picture was generated, at the prior.
        interval: 95 % interval of the probability.
        counted: the strongest evidence of each group, strongest first.
        passed_over: measured evidence that a stronger one of its group stands for.
        looked: by source of each counted one, the number of completed checks in its group.
    """

    probability: float
    interval: tuple[float, float]
    counted: tuple[Evidence, ...]
    passed_over: tuple[Evidence, ...]
    looked: Mapping[str, int]


def fuse(
    evidence: Sequence[Evidence],
    prior: float = EVEN,
    groups: Mapping[str, str] = GROUPS,
) -> Fused | None:
    """The probability, or None if no suggestion with a usable weight was found.

    Args:
        evidence: of all checks.
        prior: share of generated pictures where this one comes from, between 0 and 1.
        groups: the group of each source; those that are not named join `LOOKS`.

    Raises:
        ConfigError: the prior is not between 0 and 1.
    """
    check_prior(prior)
    by_group: dict[str, list[Evidence]] = {}
    for each in evidence:
        if suggests(each):
            by_group.setdefault(groups.get(each.source, LOOKS), []).append(each)
    if not by_group:
        return None
    middle = low = high = math.log(prior) - math.log1p(-prior)
    counted, passed_over, looked = [], [], {}
    for group, found in by_group.items():
        strongest, *others = sorted(found, key=_strength, reverse=True)
        weight = strongest.weight
        assert weight is not None  # noqa: S101 - usable
        completed = _completed(evidence, group, groups)
        middle += math.log(weight.ratio)
        low += _log(weight.low / completed)
        high += math.log(weight.high)
        counted.append(strongest)
        looked[strongest.source] = completed
        passed_over += others
    return Fused(
        _probability(middle),
        (_probability(low), _probability(high)),
        tuple(sorted(counted, key=_strength, reverse=True)),
        tuple(sorted(passed_over, key=_strength, reverse=True)),
        looked,
    )


def check_prior(prior: float) -> None:
    """Raise `ConfigError` for a prior that is no share, or that no evidence could change."""
    if not 0 < prior < 1:
        raise ConfigError(
            f"the prior is {prior}; expected a share of generated pictures above 0 and below 1, "
            "such as 0.5"
        )


def suggests(evidence: Evidence) -> bool:
    """Whether it suggests that the picture was generated, and was measured to do so."""
    return evidence.status is Status.SUGGESTED and usable(evidence)


def usable(evidence: Evidence) -> bool:
    """Whether the weight is a sound measurement that speaks for generation.

    A ratio of 1 or less would speak against it, and a picture is never cleared by its looks.
    """
    weight = evidence.weight
    return (
        weight is not None
        and min(weight.generated, weight.others) > 0
        and 0 <= weight.low <= weight.ratio <= weight.high < math.inf
        and weight.ratio > 1
    )


def _strength(evidence: Evidence) -> tuple[float, float]:
    weight = evidence.weight
    return (weight.low, weight.ratio) if weight else (0.0, 0.0)


def _completed(evidence: Sequence[Evidence], group: str, groups: Mapping[str, str]) -> int:
    """Checks of the group that looked, whether they found something or not."""
    return len(
        {
            e.source
            for e in evidence
            if (e.status is Status.SUGGESTED and groups.get(e.source, LOOKS) == group)
            or (e.status is Status.ABSENT and groups.get(e.source) == group)
        }
    )


def _log(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else -math.inf


def _probability(log_odds: float) -> float:
    """The logistic function, without overflow at either end."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    return math.exp(log_odds) / (1 + math.exp(log_odds)) if log_odds > -math.inf else 0.0
