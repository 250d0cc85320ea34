"""Moderates prompts before anything is generated from them.

    fold characters -> cut into tokens -> find terms, plain or disguised -> excuse -> score

`PromptTerms` does it with term lists and is the default; `SimilarityClassifier` asks a text tower,
and the adapters ask other people's classifiers.
"""

from provenance.moderate.prompt.classifier import PromptTerms
from provenance.moderate.prompt.interface import Match, Prompt

__all__ = ["Match", "Prompt", "PromptTerms"]
