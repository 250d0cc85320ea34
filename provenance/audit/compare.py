"""What changed between two audits: of the same data at two times, or of two datasets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provenance.audit import schema
from provenance.audit.finish import load
from provenance.audit.run import Run
from provenance.audit.statistics import Estimate, difference

_COLUMNS = ["path", "result", "claimed", "state", "action", "pixel_call"]
_MOST = 1000


def compared(before: Path, now: Path) -> dict[str, Any]:
    """Counts, estimates and single files that differ. Ready for JSON.

    Args:
        before: folder of an audit.
        now: folder of another.

    Raises:
        InputError: one of them holds no finished audit.
    """
    old, new = load(before), load(now)
    changes = _files(Run(before), Run(now))
    versions = {"before": old["asked"]["versions"], "now": new["asked"]["versions"]}
    return {
        "before": str(before),
        "now": str(now),
        "same_versions": versions["before"] == versions["now"],
        "versions": versions,
        "pictures": [old["pictures"], new["pictures"]],
        "counts": _counts(old["counts"], new["counts"]),
        "generated": _estimates(old["generated"]["estimate"], new["generated"]["estimate"]),
        "files": changes,
    }


def _counts(
    old: Mapping[str, Mapping[str, int]], new: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, list[int]]]:
    """Counts that differ, before and now."""
    changed: dict[str, dict[str, list[int]]] = {}
    for group in sorted({*old, *new}):
        was, became = old.get(group, {}), new.get(group, {})
        for name in sorted({*was, *became}):
            pair = [was.get(name, 0), became.get(name, 0)]
            if pair[0] != pair[1]:
                changed.setdefault(group, {})[name] = pair
    return changed


def _estimates(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, Any]:
    change = None
    if old and new:
        change, low, high = difference(_estimate(new), _estimate(old))
        return {
            "before": old,
            "now": new,
            "change": round(change, 6),
            "interval95": [round(low, 6), round(high, 6)],
        }
    return {"before": old, "now": new, "change": None, "interval95": None}


def _estimate(values: Mapping[str, Any]) -> Estimate:
    low, high = values["interval95"]
    share, raw = values["share"], values["raw_share"]
    return Estimate(share, low, high, raw, values["judged"], values["population"])


def _files(before: Run, now: Run) -> dict[str, Any]:
    """How many files came, went and changed; the first thousand of these by name."""
    old, new = _known(before), _known(now)
    came = [path for path in new if path not in old]
    gone = [path for path in old if path not in new]
    changed = [
        (path, old[path], new[path]) for path in new if old.get(path, new[path]) != new[path]
    ]
    kinds = Counter((was[0], became[0]) for _, was, became in changed)
    return {
        "new": len(came),
        "gone": len(gone),
        "changed": len(changed),
        "results": [
            {"before": was, "now": became, "files": count}
            for (was, became), count in sorted(kinds.items())
        ],
        "examples": [
            {"path": path, "before": list(was), "now": list(became)}
            for path, was, became in changed[:_MOST]
        ],
    }


def _known(run: Run) -> dict[str, tuple[str, ...]]:
    """What is said of each file, by path: about 200 bytes for each."""
    found: dict[str, tuple[str, ...]] = {}
    for part in run.parts():
        for batch in schema.batches(part, _COLUMNS):
            for row in batch.to_pylist():
                said = (row["result"], row["claimed"], row["state"], row["action"])
                found[row["path"]] = (*said, str(row["pixel_call"]))
    return found
