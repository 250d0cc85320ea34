"""What of a report strangers may see: nothing of the machine, and nothing that names a person.

The tool that the law of California asks for (Business and Professions Code, section 22757.2) tells
what a file says of the system that made it, and not what it says of its user. The file is with
whoever asks, but their network, their log and their screen may be somebody else's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provenance.evidence import Evidence, Report, Status

LOG = logging.getLogger("provenance.server")

OURS = frozenset(
    {
        "hands.not-checked",
        "pixels.no-weights",
        "recovery.record-damaged",
        "recovery.unavailable",
        "text.not-checked",
        "watermark.no-key",
    }
)
"""Checks that could not be made because of us: why is told to the operator alone."""

PERSONAL = frozenset({"prompt", "negative_prompt", "located", "taken", "image_id"})
"""Details that may lead to a person: what they asked for, and where and when they were."""

_AWAY = "This check cannot be made on this service at the moment."
_ADVICE = "Its operator finds the reason in the log."


def public(report: Report) -> Report:
    """The report without what is nobody's business; its codes and its verdict are the same."""
    return replace(report, evidence=tuple(map(_shown, report.evidence)))


def _shown(evidence: Evidence) -> Evidence:
    if evidence.code in OURS or _broke(evidence):
        LOG.warning("%s: %s", evidence.code, evidence.explanation)
        return replace(evidence, explanation=_AWAY, advice=_ADVICE, details={})
    if evidence.source == "claims":
        return replace(evidence, details=_without(evidence.details))
    return evidence


def _broke(evidence: Evidence) -> bool:
    return evidence.status is Status.UNCHECKED and evidence.code.endswith(".failed")


def _without(details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without(value) if isinstance(value, Mapping) else value
        for name, value in details.items()
        if name not in PERSONAL
    }
