"""Writes a tower as ONNX files that load without torch: `provenance models export`.

The folder holds `image.onnx`, `text.onnx`, the vocabulary, and `tower.json` with the SHA-256 of
each. `provenance.embed.onnx.load_folder` reads it with numpy, Pillow and onnxruntime alone.

What was written is run before it is handed over, and compared with the tower it came from: an
export that does not agree is an error, not a file.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from provenance.embed import agreement
from provenance.embed.interface import Identity
from provenance.embed.load import load_tower
from provenance.embed.onnx import CONFIG, FORMAT, IMAGE, PRECISIONS, TEXT, session
from provenance.embed.tokens import HubTokenizer
from provenance.embed.tower import LoadedTower
from provenance.errors import ConfigError, OutputError
from provenance.files import write_atomically
from provenance.weights.interface import WeightStore

if TYPE_CHECKING:
    from provenance.embed.torch_engine import Encoder, TorchEngine

Precision = Literal["fp32", "fp16", "int8"]

_VOCABULARY = {"clip-bpe": "merges.txt", "tokenizers": "tokenizer.json"}
_MADE_WITH = ("torch", "onnx", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        folder: where.
        identity: what `provenance.embed.onnx.load_folder` will say of it.
        files: SHA-256 by name, `tower.json` included.
        agreement: the lowest cosine between the new embeddings and the old ones, for pictures and
            for texts.
    """

    folder: Path
    identity: Identity
    files: Mapping[str, str]
    agreement: Mapping[str, float]


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
        precision: of the weights in the files. `fp16` halves the files, and is computed in single
            precision; `int8` is a quarter of the size and several times as fast.
        progress: told the name of each step as it begins.

    Raises:
        WeightsMissing: the weights are not on this machine.
        ConfigError: no such model or precision, an extra is missing, the folder is in use, or the
            result does not agree with the original.
        OutputError: the folder cannot be written.
    """
    return export_tower(
        load_tower(model, store=store), folder, precision=precision, progress=progress
    )


def export_tower(
    tower: LoadedTower,
    folder: str | Path,
    *,
    precision: Precision = "fp32",
    progress: Callable[[str], None] | None = None,
) -> Exported:
    """The same for a tower that is loaded already, from open_clip or transformers."""
    say = progress or (lambda _: None)
    target = Path(folder)
    _check_target(target, precision)
    engine = _torch_engine(tower)
    recipe = tower.recipe
    hidden = target.parent / f".{target.name}-{secrets.token_hex(4)}.tmp"
    try:
        hidden.mkdir()
        say("writing the picture tower")
        pixels = recipe.preprocess(agreement.pictures())
        found = {"pictures": _write(engine.image, pixels, "pixels", hidden / IMAGE, precision)}
        say("writing the text tower")
        tokens = recipe.tokenizer(agreement.TEXTS)
        found["texts"] = _write(engine.text, tokens, "tokens", hidden / TEXT, precision)
        vocabulary = hidden / _VOCABULARY[recipe.tokenizer.kind]
        write_atomically(vocabulary, recipe.tokenizer.to_bytes())
        files = {name: _hashed(hidden / name) for name in (IMAGE, TEXT, vocabulary.name)}
        config = _config(tower, precision, vocabulary.name, files, found)
        write_atomically(hidden / CONFIG, config)
        files[CONFIG] = hashlib.sha256(config).hexdigest()
        hidden.rename(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    identity = replace(tower.identity, backend="onnx", precision=precision)
    return Exported(target, identity, files, found)


def _check_target(target: Path, precision: str) -> None:
    if precision not in PRECISIONS:
        raise ConfigError(f"there is no precision '{precision}'; expected {', '.join(PRECISIONS)}")
    if not target.name or not target.parent.is_dir():
        raise ConfigError(f"cannot write {target}: its folder does not exist; create it first")
    try:
        used = target.is_symlink() or (target.exists() and any(target.iterdir()))
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror}; name a new folder") from error
    if used:
        raise ConfigError(f"{target} exists and is not empty; name a new folder")


def _torch_engine(tower: LoadedTower) -> TorchEngine:
    if tower.identity.backend == "onnx":
        raise ConfigError(
            f"{tower.identity} is exported already; export the model that it was made from"
        )
    from provenance.embed.torch_engine import TorchEngine

    engine = tower.engine()
    if not isinstance(engine, TorchEngine):
        raise ConfigError(f"{tower.identity} is no tower of open_clip or transformers")
    return engine


def _write(
    encoder: Encoder, given: NDArray[Any], name: str, path: Path, precision: Precision
) -> float:
    """Write the graph in the first variant that agrees; its lowest cosine."""
    graphs = _graphs()
    wanted = encoder.numpy(given)
    floor, best = agreement.FLOOR[precision], -1.0
    for graph in graphs.variants(graphs.graph_of(encoder, given[:2], name), precision):
        found = session(graph).run(None, {name: given})[0]
        lowest = float(np.nan_to_num(agreement.cosines(found, wanted), nan=-1.0).min())
        if lowest >= floor:
            write_atomically(path, graph)
            return lowest
        best = max(best, lowest)
    raise ConfigError(
        f"{path.name} in {precision} agrees with the original by a cosine of {best:.4f} only, "
        f"expected {floor}; export it in a higher precision"
    )


def _graphs() -> Any:
    try:
        import_module("onnxscript")  # torch asks for it only when it exports
        from provenance.embed import graphs
    except ImportError as error:
        raise ConfigError(
            f"exporting needs packages that are not installed ({error.name}): "
            "pip install provenance-kit[clip]"
        ) from error
    return graphs


def _config(
    tower: LoadedTower,
    precision: Precision,
    vocabulary: str,
    files: Mapping[str, str],
    found: Mapping[str, float],
) -> bytes:
    recipe = tower.recipe
    tokenizer = {
        "kind": recipe.tokenizer.kind,
        "file": vocabulary,
        "context": recipe.tokenizer.context,
        "clean": recipe.tokenizer.how,
    }
    if isinstance(recipe.tokenizer, HubTokenizer):
        tokenizer["pad"] = recipe.tokenizer.pad
    config = {
        "format": FORMAT,
        "model": recipe.identity.model,
        "revision": recipe.identity.revision,
        "precision": precision,
        "width": recipe.width,
        "preprocess": recipe.preprocess.to_dict(),
        "tokenizer": tokenizer,
        "logit_scale": recipe.logit_scale,
        "logit_bias": recipe.logit_bias,
        "files": {name: {"sha256": digest} for name, digest in files.items()},
        "agreement": {name: round(value, 6) for name, value in found.items()},
        "exported": {
            "from": recipe.identity.backend,
            "on": datetime.now(UTC).strftime("%Y-%m-%d"),
            **{name: version(name) for name in _MADE_WITH},
        },
    }
    return (json.dumps(config, indent=1) + "\n").encode()


def _hashed(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
