"""What clients of the proxy are told when there is no picture for them."""

from __future__ import annotations

from provenance.errors import Blocked, HeldForReview, RegistryUnavailable
from provenance.server.errors import RETRY_AFTER, Refusal

VIOLATION = "content_policy_violation"
"""The code of OpenAI's image API for a prompt or a picture that its policy refuses."""


ANSWER_REFUSED = "upstream_answer_refused"

NOT_AGAIN = {"X-Should-Retry": "false"}
"""Read by OpenAI's clients, which would have the same picture generated a few times more."""


def unavailable(why: str) -> Refusal:
    """502: no connection, or no HTTP."""
    return Refusal(502, "upstream_unavailable", f"the image backend {why}; try again later")


def too_late(why: str) -> Refusal:
    """504: it took too long."""
    return Refusal(504, "upstream_timeout", f"the image backend {why}; try again later")


def unprotectable(what: str) -> Refusal:
    """502: what came holds a picture, or may hold one, that cannot be protected."""
    return answer_refused(f"is {what}, which cannot be protected")


def unreadable(why: str) -> Refusal:
    """502: JSON in which addresses of pictures might stand unseen."""
    return answer_refused(f"cannot be read: {why}")


def answer_refused(why: str) -> Refusal:
    """502: what came is not passed on."""
    return Refusal(
        502,
        ANSWER_REFUSED,
        f"the answer of the image backend is not passed on: it {why}",
        NOT_AGAIN,
    )


def of(error: Exception) -> Refusal:
    """The refusal that an exception amounts to; of our own faults nothing is told."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, Blocked):
        return Refusal(400, VIOLATION, str(error))
    if isinstance(error, HeldForReview):
        return Refusal(400, "held_for_review", str(error))
    if isinstance(error, RegistryUnavailable):
        return Refusal(
            503,
            "registry_unavailable",
            "the picture could not be recorded, and is not handed out; try again later",
            {"Retry-After": str(RETRY_AFTER)},
        )
    return Refusal(
        500,
        "protection_failed",
        "the picture could not be protected, and is not handed out; the operator finds why in the "
        "log",
        NOT_AGAIN,
    )
