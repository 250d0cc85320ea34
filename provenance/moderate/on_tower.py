"""Classifiers that need a tower, by the names that policies use.

    zero-shot:MODEL                  every category, by descriptions
    zero-shot:MODEL@calibration.json likewise, calibrated for that tower
    head:FILE@MODEL                  one category, by a trained head
    similarity:MODEL                 prompts, by their likeness to the same descriptions

MODEL is a name of `provenance models list`, or a folder that `provenance models export` wrote;
files and folders by their full paths. All classifiers of a process that name the same model share
it, so a picture is embedded once.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from provenance.embed.cache import CachedTower
from provenance.embed.interface import Tower
from provenance.errors import ConfigError
from provenance.moderate.calibration import Calibration
from provenance.moderate.embedder import Embedder
from provenance.moderate.heads import Head, HeadClassifier
from provenance.moderate.interface import Policy
from provenance.moderate.prompt.similarity import SimilarityClassifier
from provenance.moderate.taxonomy import Taxonomy, load
from provenance.moderate.zero_shot import ZeroShotClassifier


def zero_shot(policy: Policy, argument: str) -> ZeroShotClassifier:
    """The classifier for `zero-shot:MODEL`, with the policy's own categories.

    Raises:
        ConfigError: no model is named, or its files are wrong.
        WeightsMissing: they are not on this machine.
    """
    model, _, calibration = argument.partition("@")
    if not model:
        raise ConfigError(
            f"policy '{policy.name}' names 'zero-shot' without a model; expected "
            "zero-shot:MODEL, with a name of provenance models list"
        )
    taxonomy = _taxonomy(policy)
    curves = Calibration.load(_file(calibration)) if calibration else None
    return ZeroShotClassifier(embedder(model), taxonomy, curves)


def head(policy: Policy, argument: str) -> HeadClassifier:
    """The classifier for `head:FILE@MODEL`. A head that names its tower is held to it.

    Raises:
        ConfigError: file or model are not named, are wrong, or do not fit.
        WeightsMissing: the model is not on this machine.
    """
    file, _, model = argument.rpartition("@")
    if not file or not model:
        raise ConfigError(
            f"policy '{policy.name}' names 'head:{argument}'; expected head:FILE@MODEL, with the "
            "model that the head was trained on"
        )
    trained = Head.load(_file(file))
    shared = embedder(model)
    made_for = shared.tower.identity.model if trained.tower is None else None
    category = None if trained.card else Path(file).stem
    return HeadClassifier(trained, shared, category, made_for)


def similarity(policy: Policy, model: str) -> SimilarityClassifier:
    """The classifier of prompts for `similarity:MODEL`.

    Raises:
        ConfigError: no model is named, or its files are wrong.
        WeightsMissing: they are not on this machine.
    """
    if not model:
        raise ConfigError(
            f"policy '{policy.name}' names 'similarity' without a model; expected "
            "similarity:MODEL, with a name of provenance models list"
        )
    return SimilarityClassifier(embedder(model).tower, _taxonomy(policy))


def _taxonomy(policy: Policy) -> Taxonomy:
    own = {name: {"prompts": list(looks)} for name, looks in policy.looks.items()}
    return load({"categories": own} if own else None)


@cache
def embedder(model: str) -> Embedder[Tower]:
    """The one embedder of a model in this process; embeddings of texts are kept on disk.

    Raises:
        ConfigError: there is no such model, or its files are wrong.
        WeightsMissing: they are not on this machine.
    """
    tower, folder = _tower(model), _cache_folder()
    return Embedder(CachedTower(tower, folder) if folder else tower)


def _tower(model: str) -> Tower:
    folder = Path(model).expanduser()
    if folder.is_absolute():
        from provenance.embed.onnx import load_folder

        return load_folder(folder)
    from provenance.embed.load import load_tower
    from provenance.weights.store import Store

    return load_tower(model, store=Store.standard())


def _cache_folder() -> Path | None:
    """Where the platform keeps what can be made again; None without a home folder."""
    variable, usual = (
        ("LOCALAPPDATA", ("AppData", "Local"))
        if sys.platform == "win32"
        else ("XDG_CACHE_HOME", (".cache",))
    )
    base = Path(os.environ.get(variable, ""))
    if not base.is_absolute():  # the convention says to ignore it
        try:
            base = Path.home().joinpath(*usual)
        except RuntimeError:
            return None
    return base / "provenance" / "embeddings"


def _file(name: str) -> Path:
    """A path that does not depend on the current folder, which may be somebody else's."""
    path = Path(name).expanduser()
    if not path.is_absolute():
        raise ConfigError(f"a policy names the file {name}; expected its full path")
    return path
