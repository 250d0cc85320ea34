"""A hub, a model on it, and an empty store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provenance.weights.catalogue import Catalogue, parse
from provenance.weights.pull import Source
from provenance.weights.store import Store
from tests.weights.hub import CONFIG, Hub, entry, serve, some_safetensors

FILES = {"model.safetensors": some_safetensors(), "config.json": CONFIG}
"""Of the model `small`."""

QUICK = Source(pause_s=0.0)
"""Tries again at once."""


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither proxies nor settings of this machine's user."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("PROVENANCE_OFFLINE", "HF_HUB_OFFLINE", "HF_ENDPOINT", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROVENANCE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def hub() -> Iterator[Hub]:
    """Serves the files of `small` below /small."""
    made = Hub({f"/small/{name}": data for name, data in FILES.items()})
    server = serve(made)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def store_of(tmp_path: Path) -> Callable[[str], Store]:
    """A store in a new folder, for a catalogue in TOML."""
    return lambda text: Store(tmp_path / "models", Catalogue(parse(text, "the test")))


@pytest.fixture
def store(store_of: Callable[[str], Store], hub: Hub) -> Store:
    """An empty store that knows `small`."""
    return store_of(entry("small", f"{hub.base}/small", FILES))
