"""Writes a tower as ONNX files that load without torch: `provenance models export`.

The folder holds `image.onnx`, `text.onnx`, the vocabulary, and `tower.json` with the SHA-256 of
each. `provenance.embed.onnx.load` reads it with numpy, Pillow and onnxruntime alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from provenance.embed.interface import Identity, Tower
from provenance.weights.interface import WeightStore

Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        folder: where.
        identity: what `provenance.embed.onnx.load` will say of it.
        files: SHA-256 by name, `tower.json` included.
    """

    folder: Path
    identity: Identity
    files: Mapping[str, str]


def export_model(
    model: str,
    folder: str | Path,
    *,
    store: WeightStore,
    precision: Precision = "fp32",
    progress: Callable[[str], None] | None = None,
) -> Exported:
    """Load the model of that name from `store` and write it to `folder`.

    Args:
        model: name in the catalogue.
        folder: new or empty; appears only when it is complete.
        store: gives the checked files; nothing is downloaded here.
        precision: of the weights in the files.
        progress: told the name of each step as it begins.

    Raises:
        WeightsMissing: the weights are not on this machine.
        ConfigError: no such model or precision, an extra is missing, or the folder is in use.
        OutputError: the folder cannot be written.
    """
    raise NotImplementedError


def export_tower(
    tower: Tower,
    folder: str | Path,
    *,
    precision: Precision = "fp32",
    progress: Callable[[str], None] | None = None,
) -> Exported:
    """The same for a tower that is loaded already, from open_clip or transformers."""
    raise NotImplementedError
