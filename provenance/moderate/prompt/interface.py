"""A prompt with its negative prompt, and what was found in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provenance.errors import ModerationFailed

LIMIT = 100_000
"""Characters that a prompt may have. Text encoders read some hundreds; what is longer is refused
rather than cut, since the part that is cut off would go unread."""


class Prompt(str):
    """A prompt that may come with a negative prompt; everywhere else it is the plain text.

    Args:
        text: what the picture is to show.
        negative: what a diffusion model steers away from. Its words are no request, except that
            steering away from clothes is one.
    """

    negative: str

    def __new__(cls, text: str, negative: str = "") -> Prompt:
        """Make it, as `str` is made."""
        made = super().__new__(cls, text)
        made.negative = negative
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # for pickle and copy
        return str(self), self.negative

    @classmethod
    def from_a1111(cls, text: str) -> Prompt:
        """Split generation parameters as A1111 copies them: prompt, `Negative prompt:`, `Steps:`.

        Only for text that the generator splits in the same way: a model that is given all of it
        reads the negative prompt as a wish.
        """
        body = text.partition("\nSteps: ")[0]
        positive, _, negative = body.partition("\nNegative prompt:")
        return cls(positive.strip(), negative.strip())


@dataclass(frozen=True, slots=True)
class Match:
    """Why a prompt has a score.

    Attributes:
        category: of the taxonomy.
        term: as the list has it; empty for sexual-minors, where nothing is told.
        span: start and end in the prompt as it was given; (0, 0) for sexual-minors, and in the
            negative prompt if `rule` says so.
        rule: how the term was found and what was made of it.
        score: what this adds to the category, 0 if the match was excused.
    """

    category: str
    term: str
    span: tuple[int, int]
    rule: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "category": self.category,
            "term": self.term,
            "span": list(self.span),
            "rule": self.rule,
            "score": self.score,
        }


def checked(prompt: object, negative: object = "") -> tuple[str, str]:
    """The prompt and its negative prompt, which a `Prompt` may hold, if both can be moderated.

    Raises:
        ModerationFailed: not text, or too long. The message holds nothing of the prompt.
    """
    negative = negative or getattr(prompt, "negative", "")
    for name, text in (("prompt", prompt), ("negative prompt", negative)):
        if not isinstance(text, str):
            raise ModerationFailed(
                f"the {name} is a {type(text).__name__}; expected text, since anything else "
                "cannot be moderated"
            )
        if len(text) > LIMIT:
            raise ModerationFailed(
                f"the {name} has {len(text):,} characters, at most {LIMIT:,} can be moderated; "
                "shorten it"
            )
    return str(prompt), str(negative)
