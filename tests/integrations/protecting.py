"""Pipelines with fakes in their slots, for tests that want small pictures and plain answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance import Pipeline, Verifier
from provenance.moderate.interface import Action, Policy, Rule
from provenance.moderate.moderator import Moderator
from provenance.pipeline import Statements
from provenance.sign.interface import Generator
from provenance.testing import FakeWatermarker, FixedClassifier
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.mark import MarkCheck


class Terms:
    """Scores a prompt by one word, and remembers what it read."""

    name = "terms/test"
    categories = ("violence",)

    def __init__(self, word: str = "blood") -> None:
        self.word = word
        self.read: list[str] = []

    def scores(self, subject: str) -> Mapping[str, float]:
        self.read.append(str(subject))
        negative = getattr(subject, "negative", None)
        if negative:
            self.read.append(f"negative: {negative}")
        return {"violence": 1.0 if self.word in subject else 0.0}


def checking(config, watermarker):
    """Without the detectors, which are not asked here."""
    return Verifier((CredentialsCheck(config.anchors()), MarkCheck(watermarker)))


def build(config, watermarker=None, classifiers=None, prompts=(), action=Action.BLOCK, **slots):
    """A pipeline with a mark that small pictures can carry."""
    watermarker = watermarker or FakeWatermarker()
    ladder = {action: 0.5}
    rules = {name: Rule(ladder, {Action.BLOCK: 0.5}) for name in ("nudity", "violence")}
    parts: dict[str, Any] = {
        "moderator": Moderator(
            Policy("test", rules, attempts=1),
            classifiers or (FixedClassifier({"nudity": 0.0}),),
            prompts,
        ),
        "watermarker": watermarker,
        "signer": config.signer(),
        "verifier": checking(config, watermarker),
        "says": Statements(Generator("test")),
        "anchors": config.anchors(),
    }
    return Pipeline(**{**parts, **slots})
