"""What a client is told when a picture may not leave, or could not be made fit to leave."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field

from provenance.errors import (
    Blocked,
    HeldForReview,
    InputError,
    ProvenanceError,
    RegistryUnavailable,
)
from provenance.integrations._web import headers
from provenance.integrations._web.headers import Fields
from provenance.integrations.bodies import Kind
from provenance.server.errors import RETRY_AFTER, Refusal

LOG = logging.getLogger("provenance.integrations")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is ours.

    Attributes:
        status: of HTTP.
        fields: of the head, without `Content-Length`.
        body: all of it.
    """

    status: int
    fields: Fields
    body: bytes = field(repr=False)

    def sized(self) -> Fields:
        """The fields, with the length."""
        fields = headers.without(self.fields, ["content-length"])
        if self.status == 304:
            return fields
        return [*fields, ("Content-Length", str(len(self.body)))]


def refuse(error: Exception) -> Answer:
    """The answer that an exception amounts to, in the form of OpenAI's errors.

    What the policy says is told; what is our fault, or the application's, goes to the log alone.
    """
    if isinstance(error, Blocked):
        return _answer(400, "content_policy_violation", str(error), "invalid_request_error")
    if isinstance(error, HeldForReview):
        return _answer(400, "held_for_review", str(error), "invalid_request_error")
    if isinstance(error, Refusal):
        kind = "server_error" if error.status >= 500 else "invalid_request_error"
        return _answer(error.status, error.code, error.message, kind, list(error.headers.items()))
    if isinstance(error, RegistryUnavailable):
        return _answer(
            503,
            "unavailable",
            "the service cannot answer now; try again later",
            "server_error",
            [("Retry-After", str(RETRY_AFTER))],
        )
    return _answer(
        500,
        "internal_error",
        "the picture could not be protected, so it is not shown; the operator finds why in the log",
        "server_error",
    )


def ending(kind: Kind, answer: Answer) -> bytes:
    """The last piece of a stream of events or lines that cannot go on."""
    told = b" ".join(answer.body.split(b"\n"))
    return b"event: error\ndata: " + told + b"\n\n" if kind is Kind.EVENTS else told + b"\n"


def tell(error: Exception) -> None:
    """Log what is not an answer of the policy. Nothing of request or picture is written."""
    if isinstance(error, Blocked | HeldForReview | Refusal):
        return
    if isinstance(error, InputError):
        LOG.error("the application's picture cannot be used: %s", error)
    elif isinstance(error, ProvenanceError):
        LOG.error("%s: %s", type(error).__name__, error)
    else:
        LOG.error("unexpected %s", type(error).__name__, exc_info=error)


def _answer(
    status: int, code: str, message: str, kind: str, fields: Fields | None = None
) -> Answer:
    body = {"error": {"code": code, "message": message, "param": None, "type": kind}}
    return Answer(
        status,
        [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *(fields or [])],
        json.dumps(body).encode("ascii"),
    )
