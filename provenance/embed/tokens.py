"""What a tokenizer promises, and those that come as `tokenizer.json` (SigLIP, SigLIP 2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.embed.words import Clean, clean
from provenance.errors import ConfigError

Tokens = NDArray[np.int64]
"""n × context."""


class Tokenizer(Protocol):
    """Cuts texts into the numbers that a text tower takes."""

    kind: str
    context: int
    how: Clean

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides which tokens a text becomes."""

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """A row of `context` numbers for each; long texts are cut, short ones filled up."""
        ...

    def to_bytes(self) -> bytes:
        """The vocabulary, to be written beside an exported tower."""
        ...


class HubTokenizer:
    """A vocabulary in the format of the package `tokenizers`, which must be installed.

    Special tokens written in a text are text: they could hide what follows.

    Args:
        data: `tokenizer.json`.
        pad: the token that fills short texts up.
        context: tokens that the tower takes.
        how: the cleaning before.
    """

    kind = "tokenizers"

    def __init__(self, data: bytes, *, pad: str, context: int = 64, how: Clean) -> None:
        try:
            import tokenizers
        except ImportError as error:
            raise ConfigError(
                "this model's vocabulary needs the package tokenizers: "
                "pip install provenance-kit[clip]"
            ) from error
        self._data = data
        self.pad = pad
        self.context = context
        self.how: Clean = how
        try:
            self._inner = tokenizers.Tokenizer.from_str(data.decode())
        except Exception as error:  # the package raises plain Exception
            raise ConfigError(f"tokenizer.json cannot be read ({error}); pull it again") from error
        number = self._inner.token_to_id(pad)
        if number is None:
            raise ConfigError(f"the vocabulary has no token '{pad}' to fill up with; pull it again")
        self._inner.enable_truncation(context)
        self._inner.enable_padding(length=context, pad_id=number, pad_token=pad)
        added = self._inner.get_added_tokens_decoder().values()
        self._special = sorted({token.content for token in added if token.special} | {pad})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the vocabulary, which is the same in every process."""
        return _hub_tokenizer, (self._data, self.pad, self.context, self.how)

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides which tokens a text becomes."""
        head = f"{self.kind} {self.pad} {self.context} {self.how}\n".encode()
        return hashlib.sha256(head + self._data).hexdigest()

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """A row of `context` numbers for each."""
        found = self._inner.encode_batch([self._plain(clean(text, self.how)) for text in texts])
        return np.array([each.ids for each in found], np.int64).reshape(-1, self.context)

    def _plain(self, text: str) -> str:
        """The text with its special tokens spelled out: `</s>` becomes `< / s >`.

        The package's own `encode_special_tokens` is not enough: models that know the token as a
        piece of text find it again.
        """
        for token in self._special:
            text = text.replace(token, " ".join(token))
        return text

    def to_bytes(self) -> bytes:
        """`tokenizer.json` as it came."""
        return self._data


def _hub_tokenizer(data: bytes, pad: str, context: int, how: Clean) -> HubTokenizer:
    return HubTokenizer(data, pad=pad, context=context, how=how)


def padding_token(tokenizer: Mapping[str, Any], settings: Mapping[str, Any] | None) -> str:
    """The token that fills up, as `tokenizer_config.json` or `tokenizer.json` states it.

    Raises:
        ConfigError: neither does. A guess would shift every embedding.
    """
    stated: Any = (settings or {}).get("pad_token")
    if isinstance(stated, Mapping):
        stated = stated.get("content")
    if stated is None and isinstance(tokenizer.get("padding"), Mapping):
        stated = tokenizer["padding"].get("pad_token")
    if not isinstance(stated, str):
        raise ConfigError(
            "the model's files do not say which token fills up short texts; "
            "tokenizer_config.json does: pull it as well"
        )
    return stated


def read_json(data: bytes, name: str) -> dict[str, Any]:
    """An object of JSON.

    Raises:
        ConfigError: something else.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name} is not JSON ({error}); pull the model again") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{name} holds no object; pull the model again")
    return found
