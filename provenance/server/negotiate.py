"""Which of several forms a client wants to have (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence


def preferred(header: str, offered: Sequence[str]) -> str:
    """The first of the best among what is offered; the very first if nothing fits.

    Args:
        header: the client's Accept or Accept-Language.
        offered: media types or languages, in our own order.
    """
    wanted = [_weighed(part) for part in header.lower()[:2000].split(",")]
    return max(offered, key=lambda each: _quality(each, wanted))  # max keeps the first of equals


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    for each in parameters:
        if each.startswith("q="):
            try:
                return name, min(1.0, max(0.0, float(each[2:])))
            except ValueError:
                return name, 0.0
    return name, 1.0


def _quality(offered: str, wanted: Sequence[tuple[str, float]]) -> float:
    """That of the most exact of the ranges that fit; -1 where none does."""
    fitting = [(len(name), quality) for name, quality in wanted if _fits(name, offered)]
    return max(fitting)[1] if fitting else -1.0


def _fits(wanted: str, offered: str) -> bool:
    """`text/*`, `*/*`, `*`, the thing itself; of languages also a narrower one, such as `zh-CN`."""
    if wanted in (offered, "*", "*/*"):
        return True
    if wanted.endswith("/*"):
        return offered.startswith(wanted[:-1])
    return "/" not in offered and wanted.startswith(f"{offered}-")
