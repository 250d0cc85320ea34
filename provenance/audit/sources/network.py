"""Which addresses a table may send us to: public ones, unless the user says otherwise."""

from __future__ import annotations

import ipaddress
import os
import socket
from functools import lru_cache
from urllib.parse import urlsplit

from provenance.verify.remote import is_public

VARIABLE = "PROVENANCE_AUDIT_PRIVATE_ADDRESSES"
"""When this environment variable is 1, addresses in tables may lead into private networks."""


def forbidden(url: str) -> str:
    """Why an address from a table is not asked, or empty.

    Only http and https: an object store is asked with the user's own keys, and a table must not
    spend those. The name is looked up here and again by whoever connects, so that a name server
    that changes its answer in between is not guarded against.
    """
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https"):
        return f"addresses of {parts.scheme}:// in a table are not asked"
    try:
        host = parts.hostname
    except ValueError:
        host = None
    if not host:
        return "the address is malformed"
    if os.environ.get(VARIABLE) == "1":
        return ""
    return _private(host)


@lru_cache(4096)
def _private(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        addresses = {str(entry[4][0]).split("%", 1)[0] for entry in found}
    except (OSError, UnicodeError):
        return "its host is not known"
    if all(is_public(ipaddress.ip_address(text)) for text in addresses):
        return ""
    return f"its host is in a private network; set {VARIABLE}=1 if that is meant"
