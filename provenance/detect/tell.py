"""What the checks for tells have in common: when they cannot look, and what they were measured as.

The numbers come from the `metrics.json` of each model, which its `evaluate.py` wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from provenance.evidence import Evidence, Status, Weight
from provenance.picture import Picture
from provenance.verify.interface import Subject
from provenance.weights.interface import WeightsMissing


def looked(
    source: str, model: str, subject: Subject, look: Callable[[Image.Image], Evidence]
) -> tuple[Evidence, ...]:
    """What `look` says of the pixels, or why nobody looked.

    Args:
        source: the check, such as `hands`.
        model: whose weights it needs, as the catalogue names it.
        subject: under examination.
        look: judges an RGB picture.
    """
    picture = subject.picture
    if not isinstance(picture, Picture):
        return (unchecked(f"{source}.no-pixels", f"Not looked for: {picture}."),)
    try:
        return (look(Image.fromarray(picture.pixels)),)
    except WeightsMissing as missing:
        return (
            unchecked(
                f"{source}.not-checked",
                f"Not looked for: {missing}.",
                f"Run provenance models pull {model}.",
            ),
        )


def unchecked(code: str, explanation: str, advice: str = "") -> Evidence:
    """Evidence that something was not looked for."""
    return Evidence(code.partition(".")[0], code, Status.UNCHECKED, explanation, advice)


def worth(metrics: Mapping[str, Any]) -> Weight:
    """The likelihood ratio in `metrics["weight"]`."""
    measured = metrics["weight"]
    low, high = measured["interval95"]
    return Weight(measured["ratio"], low, high, measured["generated"], measured["others"])


def detection_rate(measured: Mapping[str, Any]) -> dict[str, float]:
    """How often it finds something in generated pictures, as `details["detection_rate"]` has it.

    Args:
        measured: `rate`, `interval95` and `n` of the generated pictures.
    """
    low, high = measured["interval95"]
    return {"rate": measured["rate"], "low": low, "high": high, "pictures": measured["n"]}
