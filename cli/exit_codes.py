"""What the process returns, the same for every command."""

OK = 0
"""Done; for `verify`: every file is verified."""
FAILED = 1
"""A check failed, or the policy refused a picture: an answer, not a fault."""
ERROR = 2
"""No answer: bad input, bad settings, or a stage that broke."""
NO_EVIDENCE = 3
"""`verify` found nothing that can be relied upon. Says nothing about the picture."""

INTERRUPTED = 130
"""Stopped by Ctrl-C, as shells count it."""


def worst(codes: list[int]) -> int:
    """One code for many files: an error hides nothing, and a failure outweighs silence."""
    return next((c for c in (ERROR, FAILED, NO_EVIDENCE) if c in codes), OK)
