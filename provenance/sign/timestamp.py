"""RFC 3161 time-stamps: which authority is asked, and what came of it.

A time-stamp shows that a signature is older than it, so that it holds when the certificate has
expired. `provenance.sign.relay` asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Which authority to ask, and what to do without its answer.

    Attributes:
        url: of the authority, http or https. Answers are signed, so that http will do.
        on_failure: `fail` raises; `sign-without` signs, and `Signed.stamp` says why.
        timeout_s: for the whole exchange.

    Raises:
        ValueError: one of these makes no sense.
    """

    url: str
    on_failure: Literal["fail", "sign-without"] = "fail"
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        """Hold the promise on URL, rule and deadline."""
        from provenance.sign import _http

        _http.check_url(self.url, secret=False)
        if self.on_failure not in {"fail", "sign-without"}:
            raise ValueError(f"on_failure is {self.on_failure!r}; expected fail or sign-without")
        if not 0 < self.timeout_s <= 300:
            raise ValueError(f"timeout_s is {self.timeout_s}; expected more than 0, at most 300")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What came of asking for a time-stamp.

    Attributes:
        authority: its URL.
        time: the time in the time-stamp, or None: signed without.
        failure: why there is none; empty if there is one.
    """

    authority: str
    time: datetime | None
    failure: str = ""
