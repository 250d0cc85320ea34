"""Which addresses a table may send us to: public ones, unless the user says otherwise."""

from __future__ import annotations

import os

VARIABLE = "PROVENANCE_AUDIT_PRIVATE_ADDRESSES"
"""When this environment variable is 1, addresses in tables may lead into private networks."""

PRIVATE = f"its host is in a private network; set {VARIABLE}=1 if that is meant"


def private_allowed() -> bool:
    """Whether the user said otherwise."""
    return os.environ.get(VARIABLE) == "1"


def forbidden(url: str) -> str:
    """Why an address from a table is not asked, or empty.

    Only http and https: an object store is asked with the user's own keys, and a table must not
    spend those. Where the host lies is examined by who connects, see `web`.
    """
    scheme = url.partition("://")[0].lower()
    return (
        "" if scheme in ("http", "https") else f"addresses of {scheme}:// in a table are not asked"
    )
