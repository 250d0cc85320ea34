"""Prompts that have been checked once, so that they need not be checked again on their way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provenance.moderate.interface import Finding
    from provenance.moderate.moderator import Moderator


class CheckedPrompts(tuple[str, ...]):
    """Prompts that a moderator let pass, with what it found about them.

    Whatever is made of it, a slice or a sum, is a plain tuple, and so is checked anew.

    Attributes:
        findings: about these very prompts.
        moderator: who let them pass; to another one they are prompts like any.
    """

    findings: tuple[Finding, ...]
    moderator: Moderator

    def __new__(
        cls, prompts: Iterable[str], findings: Iterable[Finding], moderator: Moderator
    ) -> CheckedPrompts:
        """These prompts; nobody but the pipeline that has asked its moderator makes them."""
        made = super().__new__(cls, prompts)
        made.findings = tuple(findings)
        made.moderator = moderator
        return made
