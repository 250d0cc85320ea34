"""When something goes wrong: one clear sentence, one record, one code; never a traceback."""

from __future__ import annotations

import os
from typing import Any

from provenance.errors import Blocked, HeldForReview, ProvenanceError
from provenance_cli import exit_codes

DEBUG = "PROVENANCE_DEBUG"
"""When this environment variable is set, an unexpected error is shown with its traceback."""


def code(error: Exception) -> int:
    """A refusal by the policy is an answer; everything else is an error."""
    answered = isinstance(error, Blocked | HeldForReview)
    return exit_codes.FAILED if answered else exit_codes.ERROR


def sentence(error: Exception) -> str:
    """The error in one sentence."""
    if isinstance(error, Blocked | HeldForReview):
        return str(error)
    if isinstance(error, ProvenanceError):
        return f"error: {error}"
    if os.environ.get(DEBUG):
        raise error
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"error: {error.strerror or type(error).__name__}{where}; choose another file"
    return (
        f"error: unexpected {type(error).__name__}. This is a bug: please report it with the "
        f"output under {DEBUG}=1"
    )


def record(error: Exception) -> dict[str, Any]:
    """The error for programs; of a refusal also what the policy saw, without scores."""
    known = isinstance(error, ProvenanceError)
    said: dict[str, Any] = {
        "kind": type(error).__name__ if known or isinstance(error, OSError) else "InternalError",
        "message": str(error) if known else sentence(error),
    }
    if isinstance(error, Blocked):
        said |= {"category": error.category, "policy": error.policy, "stage": error.stage}
    if isinstance(error, HeldForReview):
        said |= {"category": error.category, "policy": error.policy, "ticket": error.ticket}
    return said
