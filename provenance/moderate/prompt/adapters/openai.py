"""OpenAI's moderation endpoint. Every prompt leaves this machine.

    POST https://api.openai.com/v1/moderations      {"model": ..., "input": "<the prompt>"}
    200  {"results": [{"category_scores": {"sexual": 0.01, ...}}]}

Source: OpenAI, API reference, Moderations.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.prompt.interface import checked
from provenance.sign import _http

URL = "https://api.openai.com/v1/moderations"
_LIMIT = 256 * 1024
_OK = 200

_MEANS = {
    "sexual": ("sexual",),
    "sexual-minors": ("sexual/minors",),
    "violence": ("violence",),
    "gore": ("violence/graphic",),
    "self-harm": ("self-harm", "self-harm/intent", "self-harm/instructions"),
}
"""Theirs by our categories; the highest counts. Hate is left out: theirs is speech, not symbols."""


class OpenAIModeration:
    """Asks the endpoint. Thread-safe. No answer, no permission: every fault blocks.

    Args:
        model: which of their models.
        url: another endpoint with the same protocol; http for this machine alone.
        key_env: environment variable that holds the key; read at each call and kept nowhere.
        timeout_s: for the whole request.

    Raises:
        ConfigError: the URL may not be used, or the time-out makes no sense.
    """

    categories = tuple(_MEANS)

    def __init__(
        self,
        model: str = "omni-moderation-latest",
        url: str = URL,
        key_env: str = "OPENAI_API_KEY",
        timeout_s: float = 10.0,
    ) -> None:
        try:
            self._url = _http.check_url(url, secret=True)
        except ValueError as error:
            raise ConfigError(
                f"the URL of the moderation endpoint cannot be used: {error}"
            ) from None
        if not 0 < timeout_s <= 300:
            raise ConfigError(f"the time-out is {timeout_s:g} s; expected more than 0, up to 300")
        self._model = model
        self._key_env = key_env
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """The model."""
        return f"openai/{self._model}"

    def scores(self, prompt: str) -> Mapping[str, float]:
        """Their scores under our names.

        Raises:
            ConfigError: no key in the environment.
            ModerationFailed: no answer, a refusal, or an answer that is not understood.
        """
        text = checked(prompt)[0]
        key = os.environ.get(self._key_env, "")
        if not key or not key.isascii() or not key.isprintable():
            raise ConfigError(
                f"the environment variable {self._key_env} holds no key for the moderation "
                "endpoint; set it, or remove this classifier"
            )
        body = json.dumps({"model": self._model, "input": text}).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            answer = _http.post(self._url, body, headers, timeout_s=self._timeout_s, limit=_LIMIT)
        except _http.RequestFailed as error:
            raise ModerationFailed(
                f"the moderation endpoint cannot be asked: {error}; the prompt is held back"
            ) from error
        if answer.status != _OK:
            raise ModerationFailed(
                f"the moderation endpoint answered with status {answer.status}, expected 200; "
                "check the key and the quota. The prompt is held back"
            )
        return _read(answer.body)


def _read(body: bytes) -> dict[str, float]:
    """The scores of an answer; anything odd about it blocks."""
    try:
        theirs: Any = json.loads(body)["results"][0]["category_scores"]
        return {ours: max(_score(theirs[name]) for name in names) for ours, names in _MEANS.items()}
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ModerationFailed(
            "the moderation endpoint's answer is not understood; expected results with "
            "category_scores from 0 to 1. The prompt is held back"
        ) from error


def _score(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError
    return float(value)
