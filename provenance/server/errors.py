"""What is answered when a request cannot be: a status, a code for programs, and one sentence.

A sentence tells the client what to do about its request. Where the fault is ours it tells nothing:
paths, addresses and traces go to the log of whoever runs the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from provenance.errors import (
    InputError,
    ProvenanceError,
    RegistryUnavailable,
    TooLarge,
    UnsupportedPicture,
)

RETRY_AFTER = 2
"""Seconds after which a client should ask again when we are busy."""


class Refusal(ProvenanceError):
    """A request that is answered with an error.

    Attributes:
        status: of HTTP.
        code: stable name for programs.
        message: one sentence for people; public.
        headers: that go with it.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def to_dict(self) -> dict[str, dict[str, str]]:
        """Ready for JSON."""
        return {"error": {"code": self.code, "message": self.message}}


def invalid(message: str) -> Refusal:
    """400: the client must ask otherwise."""
    return Refusal(400, "invalid-request", message)


def too_large(message: str) -> Refusal:
    """413: the body or the picture in it is over a limit."""
    return Refusal(413, "too-large", message)


def unsupported(message: str) -> Refusal:
    """415: the body is of a kind that is not read here."""
    return Refusal(415, "unsupported-media-type", message)


def busy(message: str = "the service is busy; try again in a moment") -> Refusal:
    """503: the same request may succeed later."""
    return Refusal(503, "busy", message, {"Retry-After": str(RETRY_AFTER)})


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Refusal:
    """What the router says of a path or a method."""
    sentences = {
        404: "there is nothing here; see /openapi.json",
        405: "this method is not allowed here; see /openapi.json",
    }
    phrase = HTTPStatus(status).phrase
    return Refusal(status, phrase.lower().replace(" ", "-"), sentences.get(status, phrase), headers)


def refusal(error: Exception) -> Refusal:
    """The refusal that an exception amounts to; an unknown one says nothing of itself."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TooLarge):
        return too_large(str(error))
    if isinstance(error, UnsupportedPicture):
        return unsupported(str(error))
    if isinstance(error, InputError):
        return Refusal(400, "unreadable-picture", str(error))
    if isinstance(error, RegistryUnavailable):
        return Refusal(
            503,
            "registry-unavailable",
            "the registry cannot be asked now; try again later",
            {"Retry-After": str(RETRY_AFTER)},
        )
    return Refusal(500, "internal-error", "the service failed; its operator finds why in the log")
