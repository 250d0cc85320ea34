"""Any function as a classifier of prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from provenance.moderate.prompt.interface import checked


class FunctionClassifier:
    """Asks a function for the scores. Thread-safe if the function is.

    Args:
        function: given the prompt, returns a score in [0, 1] for each of `categories`. What it
            raises, blocks; so does a score that is missing.
        categories: what it scores.
        name: for reports, with a version.
    """

    def __init__(
        self, function: Callable[[str], Mapping[str, float]], categories: Sequence[str], name: str
    ) -> None:
        self._function = function
        self.categories = tuple(categories)
        self.name = name

    def scores(self, prompt: str) -> Mapping[str, float]:
        """What the function says.

        Raises:
            ModerationFailed: the prompt is not text, or too long.
        """
        checked(prompt)
        return self._function(prompt)
