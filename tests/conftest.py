"""Fixtures for all tests. Nothing here goes to the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from provenance import Config, Picture, Pipeline, Verifier, home

ROOT = Path(__file__).parents[1]

# The same examples in every run; `--hypothesis-profile=default` draws others.
settings.load_profile("ci")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared pictures beside the project; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "corpus" / "manifest.csv").is_file():
        pytest.skip("needs the shared pictures beside the project")
    return folder


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A configuration with fresh development keys; not to be altered."""
    made = home.create(tmp_path_factory.mktemp("home"), name="test-generator")
    return Config.load(made.config)


@pytest.fixture(scope="session")
def pipeline(config: Config) -> Pipeline:
    """The standard pipeline of `config`."""
    return Pipeline.from_config(config)


@pytest.fixture(scope="session")
def verifier(config: Config) -> Verifier:
    """The standard verifier of `config`."""
    return Verifier.from_config(config)


@pytest.fixture(scope="session")
def scene() -> np.ndarray:
    """A 512×512 uint8 picture with smooth, flat and textured parts, the same in every run."""
    return make_scene(512, 512)


def make_scene(height: int, width: int, seed: int = 7) -> np.ndarray:
    """A drawn landscape: gradient sky, hills with texture at several scales, a flat sign."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = y / height, x / width
    pixels = np.stack([120 + 80 * y, 150 + 60 * y, 220 - 20 * y], axis=-1)
    ridge = 0.55 + 0.08 * np.sin(7 * x + 1) + 0.04 * np.sin(23 * x)
    ground = (y > ridge)[..., None]
    noise = np.zeros((height, width))
    for scale in (4, 8, 16, 32):
        coarse = rng.standard_normal((height // scale + 2, width // scale + 2))
        fine = np.kron(coarse, np.ones((scale, scale)))[:height, :width]
        noise += fine * scale**0.5
    earth = np.stack([70 + 5 * noise, 100 + 6 * noise, 60 + 4 * noise], axis=-1)
    pixels = np.where(ground, earth, pixels)
    pixels += 3 * rng.standard_normal((height, width, 1))
    top, left = int(0.7 * height), int(0.15 * width)
    pixels[top : top + height // 8, left : left + width // 4] = (235, 230, 210)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


@pytest.fixture
def picture(scene: np.ndarray) -> Picture:
    """`scene` as a `Picture`."""
    return Picture.from_array(scene)
