"""Towers that ONNX Runtime runs, from a folder that `provenance models export` wrote.

Needs what provenance-kit always has: numpy, Pillow and onnxruntime. A vocabulary of SigLIP needs
the package tokenizers as well.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from provenance.embed.bpe import ClipTokenizer
from provenance.embed.interface import Identity
from provenance.embed.preprocess import Pixels, Preprocess
from provenance.embed.tokens import HubTokenizer, Tokenizer, Tokens, read_json
from provenance.embed.tower import LoadedTower, Recipe
from provenance.errors import ConfigError
from provenance.weights.interface import Weights

CONFIG = "tower.json"
FORMAT = 1
IMAGE, TEXT = "image.onnx", "text.onnx"
PRECISIONS = ("fp32", "fp16", "int8")

_MAX_CONFIG = 1 << 20


def load(weights: Weights) -> LoadedTower:
    """A tower from the files of an exported folder.

    Raises:
        ConfigError: a file is missing, or is not the one that was exported.
    """
    return _load(dict(weights.files), weights.model)


def load_folder(folder: str | Path, *, sha256: str | None = None) -> LoadedTower:
    """A tower from an exported folder.

    Args:
        folder: what `export_tower` wrote.
        sha256: that `tower.json` must have. It holds the hashes of all other files, so with it
            nobody can have changed the folder.

    Raises:
        ConfigError: a file is missing, or is not the one that was exported.
    """
    folder = Path(folder).resolve()
    if not (folder / CONFIG).is_file():
        raise ConfigError(
            f"{folder} holds no {CONFIG}; expected a folder that 'provenance models export' wrote"
        )
    files = {path.name: path for path in folder.iterdir() if path.is_file()}
    return _load(files, str(folder), sha256)


class OnnxEngine:
    """Runs the two graphs on the CPU.

    Args:
        image: bytes of the graph.
        text: likewise.

    One thread each: a second one spins while it waits and slows every other worker.
    """

    def __init__(self, image: bytes, text: bytes) -> None:
        self._image = session(image)
        self._text = session(text)

    def pictures(self, pixels: Pixels) -> NDArray[Any]:
        """A row of `width` numbers for each."""
        return _only(self._image.run(None, {"pixels": pixels}))

    def texts(self, tokens: Tokens) -> NDArray[Any]:
        """A row of `width` numbers for each."""
        return _only(self._text.run(None, {"tokens": tokens}))


def _load(files: dict[str, Path], name: str, sha256: str | None = None) -> LoadedTower:
    if CONFIG not in files:
        raise ConfigError(f"{name} has no {CONFIG}; export it again")
    with files[CONFIG].open("rb") as file:
        data = file.read(_MAX_CONFIG)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256.lower():
        raise ConfigError(f"{files[CONFIG]} is not the file whose SHA-256 was given; export again")
    config = read_json(data, CONFIG)
    if config.get("format") != FORMAT:
        raise ConfigError(
            f"{files[CONFIG]} has the format {config.get('format')}, this version reads {FORMAT}; "
            "export the model again"
        )
    try:
        stated = {str(n): str(each["sha256"]) for n, each in config["files"].items()}
        identity = Identity(
            str(config["model"]), str(config["revision"]), "onnx", str(config["precision"])
        )
        PRECISIONS.index(identity.precision)
        recipe = Recipe(
            identity,
            int(config["width"]),
            Preprocess.from_dict(config["preprocess"]),
            _tokenizer(config["tokenizer"], files, stated),
            float(config["logit_scale"]),
            float(config["logit_bias"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{files[CONFIG]} is damaged ({error!r}); export the model again") from (
            error
        )
    return LoadedTower(recipe, partial(_engine, files, stated))


def _engine(files: dict[str, Path], stated: dict[str, str]) -> OnnxEngine:
    return OnnxEngine(_checked(IMAGE, files, stated), _checked(TEXT, files, stated))


def _tokenizer(config: dict[str, Any], files: dict[str, Path], stated: dict[str, str]) -> Tokenizer:
    data = _checked(str(config["file"]), files, stated)
    context, how = int(config["context"]), config["clean"]
    ("lower", "canonicalize", "whitespace").index(how)
    if config["kind"] == ClipTokenizer.kind:
        return ClipTokenizer.from_bytes(data, context=context, how=how)
    return HubTokenizer(data, pad=str(config["pad"]), context=context, how=how)


def _checked(name: str, files: dict[str, Path], stated: dict[str, str]) -> bytes:
    """The bytes of a file, which are those that were exported: read once, hashed, then used."""
    if name not in files or name not in stated:
        raise ConfigError(f"the exported tower has no {name}; export the model again")
    try:
        data = files[name].read_bytes()
    except OSError as error:
        raise ConfigError(f"{files[name]} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != stated[name]:
        raise ConfigError(
            f"{files[name]} is not the file that was exported: its SHA-256 differs from the one in "
            f"{CONFIG}; export the model again"
        )
    return data


def session(graph: bytes) -> Any:
    """A graph, ready to be run on one thread.

    Raises:
        ConfigError: it is none that ONNX Runtime takes.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes derive from Exception alone
        raise ConfigError(f"ONNX Runtime refuses the graph ({error}); export it again") from error


def _only(outputs: list[NDArray[Any]]) -> NDArray[Any]:
    return outputs[0]
