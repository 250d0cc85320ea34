"""A plan and a summary as text."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from provenance.audit.unchecked import unchecked
from provenance_cli.render import plain

_WIDE = 28
_MOST = 8


def plan_text(plan: Mapping[str, Any]) -> str:
    """What would be done, and what it would take."""
    files = f"{plan['files']:,}" if plan["files_known"] else f"at least {plan['files']:,}"
    shards = _many(plan["shards"], "shard")
    lines = [
        f"{files} files in {shards}, {_size(plan['bytes'])}",
        f"pixels: {plan['pixels']}",
        f"about {_time(plan['cpu_seconds'])} of processor time, from {plan['tried']} files that "
        "were tried",
    ]
    lines += [f"{name}: {version}" for name, version in sorted(plan["versions"].items())]
    return "\n".join(map(plain, lines))


def summary_text(summary: Mapping[str, Any]) -> str:
    """What was found, for people: what is known first, what is estimated after."""
    counts = summary["counts"]
    generated = summary["generated"]
    lines = [f"{summary['files']:,} files, {summary['pictures']:,} pictures examined"]
    states = {k: v for k, v in counts.get("states", {}).items() if k != "ok"}
    lines += _table("not examined", states)
    lines += ["", *_estimated(generated, summary["pictures"])]
    results = {k: v for k, v in counts.get("results", {}).items() if k != "unknown"}
    lines += _table("shown by evidence", results)
    lines += _table("claimed by metadata", counts.get("claimed", {}))
    lines += _table("generators", counts.get("generators", {}))
    lines += _table("watermarks", counts.get("watermarks", {}))
    lines += _table("the policy would", counts.get("actions", {}))
    lines += _table("because of", counts.get("unsafe", {}))
    lines += _table("against training", counts.get("opt_out", {}))
    found = summary["duplicates"]
    if found and counts.get("examined", {}).get("pixels"):
        groups = _many(found["groups"], "group")
        lines.append(f"{'near-duplicates':{_WIDE}}{found['pictures']:>9,}  in {groups}")
        if found["leaks"]:
            lines.append(f"{'in more than one split':{_WIDE}}{found['leaks']:>9,}")
    if silent := unchecked(summary):
        lines += ["not checked:", *(line for each in silent for line in _item(each))]
    return "\n".join(map(plain, lines))


def difference_text(found: Mapping[str, Any]) -> str:
    """What changed, for people."""
    before, now = found["pictures"]
    lines = [f"pictures{'':{_WIDE - 8}}{before:>9,} -> {now:,}"]
    files = found["files"]
    lines.append(
        f"files: {files['new']:,} new, {files['gone']:,} gone, {files['changed']:,} changed; "
        "examples with --json"
    )
    for group, changed in found["counts"].items():
        for name, (was, became) in list(changed.items())[:_MOST]:
            lines.append(f"{(group + ': ' + name)[:_WIDE]:{_WIDE}}{was:>9,} -> {became:,}")
    generated = found["generated"]
    if generated["change"] is not None:
        low, high = generated["interval95"]
        lines.append(
            f"estimated share of generated pictures: {generated['before']['share']:.1%} -> "
            f"{generated['now']['share']:.1%}, a change of {generated['change']:+.1%} "
            f"(95 % interval {low:+.1%} to {high:+.1%})"
        )
    if not found["same_versions"]:
        lines.append("models, thresholds or settings differ, so that changes may come from them")
    return "\n".join(map(plain, lines))


def _estimated(generated: Mapping[str, Any], pictures: int) -> list[str]:
    share = generated["known"] / pictures if pictures else 0.0
    known = f"{generated['known']:,} pictures ({share:.1%}) say or show that they are synthetic"
    estimate = generated["estimate"]
    if estimate is None or not generated["judged"]:
        return [known, "how many others are is not known: no looks were judged"]
    low, high = estimate["interval95"]
    return [
        known,
        f"estimated in all: {estimate['share']:.1%} (95 % interval {low:.1%} to {high:.1%}), from "
        f"{generated['judged']:,} judged pictures,",
        "corrected for the detector's errors, if it errs here as it did where it was measured",
    ]


def _table(title: str, counts: Mapping[str, int]) -> list[str]:
    lines = []
    for n, (name, count) in enumerate(list(counts.items())[:_MOST]):
        lines.append(f"{title if n == 0 else '':{_WIDE}}{count:>9,}  {name[:60]}")
    if len(counts) > _MOST:
        lines.append(f"{'':{_WIDE}}{'':9}  and {len(counts) - _MOST} more")
    return lines


def _item(text: str) -> list[str]:
    return wrap(text, 98, initial_indent="  ", subsequent_indent="    ")


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.0f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:,.0f} minutes"
    return f"{seconds / 3600:,.1f} hours"
