"""Policies and dry runs as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from provenance.moderate.describe import Description, PromptTrial
from provenance.moderate.interface import FLOOR, Policy, Stage
from provenance.moderate.preview import Preview, Summary
from provenance.moderate.sheet import scored
from provenance_cli.render import entry, plain


def description_text(described: Description) -> str:
    """What a policy does in each category, who checks, and what nobody checks."""
    return "\n".join(_description(described))


def _description(described: Description) -> Iterator[str]:
    policy = described.policy
    yield plain(f"policy '{policy.name}'  {policy.digest}")
    if described.problem:
        yield entry("! cannot run", described.problem)
    idle: dict[str, list[str]] = {}
    for category in described.categories:
        told = {stage: described.says(category, stage) for stage in _STAGES}
        if category not in policy.rules and category not in FLOOR:
            idle.setdefault(f"prompt {told['prompt']}, picture {told['picture']}", []).append(
                category
            )
            continue
        yield plain(category)
        for stage in _STAGES:
            by = described.by(category, stage) if category in described.looked_for[stage] else ()
            yield entry(stage, told[stage] + (f" (by {', '.join(by)})" if by else ""))
    for told_of_all, categories in idle.items():
        yield entry("no rule", f"{', '.join(categories)}: {told_of_all}")
    for stage in _STAGES:
        running = described.classifiers[stage]
        yield entry(f"{stage}s", "checked by " + (", ".join(running) or "nobody"))
        if unseen := described.not_checked(stage):
            yield entry("", f"nobody looks for {', '.join(unseen)}")
    for name, why in described.missing.items():
        yield entry("~ missing", f"{name}: {why}")
    yield entry(
        "together",
        f"a flagged prompt lowers the picture's thresholds of its category by "
        f"{policy.risky_prompt:g} logits, an unflagged one raises them by {policy.benign_prompt:g}",
    )
    yield entry(
        "otherwise",
        f"generated again at most {policy.attempts} times; a classifier that fails, or takes over "
        f"{policy.timeout_s:g} s, blocks",
    )


_STAGES: tuple[Stage, ...] = ("prompt", "picture")


def trial_text(trial: PromptTrial) -> str:
    """What a policy would do with a prompt, and which words led to it."""
    if not trial.checked:
        return entry("this prompt", "was not looked at: no classifier of prompts is set up")
    out = [entry("this prompt", f"{trial.action}")]
    out += [entry("", scored(f)) for f in trial.findings if f.score != 0.0]
    for match in trial.matches:
        term, rule = match.get("term") or "", match.get("rule") or ""
        out.append(entry("", f"matched '{term}' for {match.get('category')} ({rule})"))
    return "\n".join(out)


def preview_text(seen: Preview) -> str:
    """One picture of a dry run on a line; nothing if it would simply pass."""
    outcome = seen.outcomes[0]
    was = f"{seen.outcomes[-1].word} -> " if seen.changes else ""
    if outcome.word == "allow" and not was:
        return ""
    why = outcome.problem or "; ".join(
        scored(f) for f in outcome.findings if f.action is outcome.action
    )
    return plain(f"{seen.path}: {was}{outcome.word}  {why}")


def summary_text(policy: Policy, counted: Summary, against: Policy | None) -> str:
    """How many pictures met with what."""
    total = sum(counted.actions.values())
    out = [plain(f"{total:,} pictures under policy '{policy.name}'; nothing was changed")]
    for word, pictures in counted.actions.items():
        named = ", ".join(f"{c} {n:,}" for c, n in counted.categories[word].items())
        out.append(entry(word, f"{pictures:>7,}   {named}".rstrip()))
    if against is not None and not counted.changes:
        out.append(plain(f"  the same as under policy '{against.name}'"))
    elif against is not None:
        out.append(plain(f"changed against policy '{against.name}'"))
        for (old, new), pictures in counted.changes.items():
            out.append(f"  {pictures:>7,}   {old} -> {new}")
    return "\n".join(out)
