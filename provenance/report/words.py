"""What the words in a report mean, for people who have never seen one."""

from __future__ import annotations

from provenance.evidence import Outcome, Result, Status, Verdict

STATUSES: dict[Status, tuple[str, str, str]] = {
    Status.VERIFIED: ("✓", "holds", "Checked, and it holds."),
    Status.FAILED: ("✗", "does not hold", "Checked, and it does not hold."),
    Status.SUGGESTED: (
        "≈",
        "looks so",
        "The pixels look so. Measured, and at times wrong.",
    ),
    Status.CLAIMED: (
        "~",
        "claimed",
        "The file says so, and nothing that you trust vouches for it. Anybody can write it.",
    ),
    Status.ABSENT: (
        "–",
        "not found",
        "Looked for and not found. That says nothing about where the picture comes from.",
    ),
    Status.UNCHECKED: ("?", "not checked", "Could not be looked for; the reason is given."),
}
"""Sign, word and meaning of each status."""

CHECKS: dict[str, tuple[str, str]] = {
    "credentials": (
        "Content Credentials",
        "A signed record inside the file (C2PA): who made or edited it, with what, and whether the "
        "file has changed since. It is as good as its signer. Most platforms remove it.",
    ),
    "watermark": (
        "Your watermark",
        "An invisible mark in the pixels that only the holder of your key can write. It stays when "
        "a platform removes the credentials. It says where a picture comes from, not that it is "
        "unchanged.",
    ),
    "bindings": (
        "Marks of others",
        "Watermarks and fingerprints that the credentials name, by which they can be found again. "
        "Most are read by their maker's software alone.",
    ),
    "recovery": (
        "Your registry",
        "Your own record of the pictures that you issued, found again by the watermark or, weaker, "
        "by how the picture looks.",
    ),
    "stamps": (
        "Public stamps",
        "Fixed marks that some open generators write into every picture. They are public: anybody "
        "can write them, and compression removes them.",
    ),
    "claims": (
        "What the file says",
        "Unsigned metadata: labels, the settings of generators, the name of a camera. Anybody can "
        "write or remove it.",
    ),
    "hands": (
        "Hands",
        "Hands that are drawn wrong, as generators at times do. Newer generators seldom do, and "
        "real hands at odd angles can look wrong.",
    ),
    "limbs": (
        "Limbs",
        "Whether arms and legs are too many or joined wrongly. Nobody counts them here: the report "
        "says so.",
    ),
    "faces": (
        "Faces",
        "Whether a face is drawn wrong. Nothing that was tried tells it, so nobody judges them "
        "here.",
    ),
    "text": (
        "Writing",
        "Letters that are no letters, as generators at times draw. Newer generators seldom do, and "
        "real but blurred writing can look wrong.",
    ),
    "pixels": (
        "Pixels",
        "A detector that learned how generated pictures differ from photographs. It knows the "
        "generators that it has seen, and is at times wrong.",
    ),
}
"""Name and meaning of each check that we know; another has its own name and no explanation."""

RESULTS: dict[Result, str] = {
    Result.GENERATED: "Generated with AI",
    Result.EDITED: "Edited with AI",
    Result.CAMERA: "Taken with a camera, says its signer",
    Result.CONFLICTING: "Conflicting statements",
    Result.UNKNOWN: "Unknown",
}

RELATIONS = {
    "": "This file",
    "parentOf": "Made from",
    "componentOf": "Contains",
    "inputTo": "Used as input",
}


def title(verdict: Verdict) -> str:
    """The result in a few words."""
    if verdict.outcome is Outcome.FAILED and verdict.result is not Result.CONFLICTING:
        looks = ", and it looks generated" if verdict.result is Result.GENERATED else ""
        return f"A check failed{looks}"
    if verdict.result is Result.UNKNOWN and verdict.outcome is Outcome.VERIFIED:
        return "Verified, of unstated origin"
    if verdict.result is Result.GENERATED and verdict.outcome is not Outcome.VERIFIED:
        return "Probably generated with AI"
    return RESULTS[verdict.result]


def sign(verdict: Verdict) -> str:
    """A sign that tells outcomes apart without colour."""
    if verdict.result is Result.CONFLICTING:
        return "≠"
    signs = {Outcome.VERIFIED: "✓", Outcome.FAILED: "✗", Outcome.UNKNOWN: "?"}
    if verdict.result is Result.GENERATED and verdict.outcome is Outcome.UNKNOWN:
        return "≈"
    return signs[verdict.outcome]


def tone(verdict: Verdict) -> str:
    """The class that colours it."""
    if verdict.result is Result.CONFLICTING or verdict.outcome is Outcome.FAILED:
        return "bad"
    return "good" if verdict.outcome is Outcome.VERIFIED else "open"


def chance(verdict: Verdict) -> str:
    """The probability with its interval and its prior, in words; empty where there is none."""
    if verdict.probability is None or verdict.interval is None:
        return ""
    low, high = verdict.interval
    return (
        f"By its looks alone, it is generated with a probability of {percent(verdict.probability)} "
        f"(95 % interval {percent(low)} to {percent(high)}), if {_share(verdict.prior)} "
        "generated where it comes from."
    )


def _share(prior: float) -> str:
    return "every second picture is" if prior == 0.5 else f"{percent(prior)} of the pictures are"


def percent(share: float) -> str:
    """A share without pretending that it is certain: `over 99.9 %`, not `100 %`."""
    if share > 0.999:
        return "over 99.9 %"
    return "under 0.1 %" if share < 0.001 else f"{100 * share:.3g} %"


def rate(value: float) -> str:
    """A false-positive rate in words."""
    if value <= 0:
        return "below what can be computed"
    return f"about 1 in {1 / value:,.0f}" if value < 0.01 else f"{100 * value:.2g} %"
