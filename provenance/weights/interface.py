"""What is known of a model's weights, and what every user of them asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provenance.errors import ConfigError, ProvenanceError


class WeightsMissing(ConfigError):
    """The weights are not on this machine, or are damaged. The message says how to get them.

    Attributes:
        model: the name in the catalogue, for `provenance models pull`.
    """

    def __init__(self, model: str, message: str) -> None:
        self.model = model
        super().__init__(message)

    def __reduce__(self) -> tuple[type[WeightsMissing], tuple[str, str]]:
        """Pickle by fields, so that the exception crosses process boundaries."""
        return type(self), (self.model, str(self))


class PullFailed(ProvenanceError):
    """What came is not what is pinned, or nothing came; nothing was installed."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's files on this machine, each checked against its pinned SHA-256.

    Attributes:
        model: the name in the catalogue.
        revision: the pinned commit or version.
        files: absolute paths by name, such as `model.safetensors`. They lie in one folder that
            holds nothing else but names with a leading dot.
        licence: SPDX expression.
    """

    model: str
    revision: str
    files: Mapping[str, Path]
    licence: str


class WeightStore(Protocol):
    """Gives the weights of a model, and never goes to the network by itself."""

    def get(self, model: str) -> Weights:
        """The files, checked.

        Raises:
            WeightsMissing: they are not here, or are damaged.
            ConfigError: the catalogue has no such model; the message suggests the nearest.
        """
        ...
