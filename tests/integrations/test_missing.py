"""What somebody reads who has not installed the framework."""

import sys

import pytest

from provenance.errors import ConfigError
from provenance.integrations import diffusers, torch_modules


def test_no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match="pip install torch"):
        torch_modules.attach(object(), None, value_range=(-1, 1))


def test_no_diffusers(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ConfigError, match=r"provenance-kit\[diffusers\]"):
        diffusers.attach(object(), None)
