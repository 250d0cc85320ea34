"""`generated>5%`: conditions on a summary, for a build that should stop."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provenance.errors import ConfigError

_CONDITION = re.compile(r"\s*([a-z-]+(?:[.:][\w .-]+)?)\s*(>=|>)\s*(\d+(?:\.\d+)?)\s*(%?)\s*")

_SIMPLE = ("corrupt", "duplicates", "edited", "flagged", "known", "leaks", "opt-out", "unreadable")
_MODERATED = ("unsafe", "unsafe:CATEGORY")
NAMES = ("generated", "generated.low", "generated.high", *_SIMPLE, *_MODERATED, "watermarked")
"""What a condition may speak of."""

_BY_PIXELS = ("duplicates", "leaks")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.

    Attributes:
        text: as it was given.
        name: one of `NAMES`.
        at_least: `>=`, and not `>`.
        bound: a share in [0, 1], or a number of pictures.
        share: the bound is a share.
    """

    text: str
    name: str
    at_least: bool
    bound: float
    share: bool

    def met(self, summary: Mapping[str, Any]) -> bool | None:
        """Whether a summary meets it; None if that is not known, because nothing was judged."""
        value = _value(self.name, summary, share=self.share)
        if value is None:
            return None
        return value >= self.bound if self.at_least else value > self.bound


def condition(text: str) -> Condition:
    """Read a condition such as `generated>5%`, `corrupt>0` or `unsafe:nudity>=10`.

    Raises:
        ConfigError: it is none.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ConfigError(f"'{text}' is no condition; expected such as 'generated>5%'")
    name, operator, number, percent = match.groups()
    if name not in NAMES and not name.startswith("unsafe:"):
        raise ConfigError(
            f"'{name}' in '{text}' is not counted; expected one of {', '.join(NAMES)}"
        )
    if name.startswith("generated") and not percent:
        raise ConfigError(f"'{text}' needs a share, since it is estimated: {name}{operator}5%")
    bound = float(number) / (100 if percent else 1)
    return Condition(text, name, operator == ">=", bound, bool(percent))


def _value(name: str, summary: Mapping[str, Any], *, share: bool) -> float | None:
    if name.startswith("generated"):
        estimate = summary["generated"]["estimate"]
        if estimate is None:
            return None
        low, high = estimate["interval95"]
        end = {"generated.low": low, "generated.high": high}
        return float(end.get(name, estimate["share"]))
    count = _count(name, summary)
    if count is None or not share:
        return count
    of = summary["files"] if name in ("corrupt", "unreadable") else summary["pictures"]
    return count / of if of else 0.0


def _count(name: str, summary: Mapping[str, Any]) -> float | None:
    counts: Mapping[str, Mapping[str, int]] = summary["counts"]
    looked = counts.get("examined", {}).get("pixels", 0) > 0
    judged = looked and summary["asked"]["moderation"] and not counts.get("moderation")
    of_policy = name.startswith(("unsafe", "flagged"))
    if (of_policy and not judged) or (name in _BY_PIXELS and not looked):
        return None  # nobody looked, or not everywhere: that is no zero
    match name:
        case "known":
            return int(summary["generated"]["known"])
        case "edited":
            named = counts.get("results", {}), counts.get("claimed", {})
            return sum(each.get("edited with AI", 0) for each in named)
        case "corrupt" | "unreadable":
            return counts.get("states", {}).get(name, 0)
        case "duplicates" | "leaks":
            found = summary["duplicates"]
            return found["pictures" if name == "duplicates" else "leaks"] if found else None
        case "opt-out":
            return counts.get("opted_out", {}).get("yes", 0)
        case "watermarked":
            return sum(counts.get("watermarks", {}).values())
        case "flagged" | "unsafe":
            actions = counts.get("actions", {})
            flagged = actions.get("flag", 0)
            return flagged if name == "flagged" else sum(actions.values()) - flagged
    return counts.get("unsafe", {}).get(name.partition(":")[2], 0)
