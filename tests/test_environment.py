"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance import Config
from provenance.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "provenance.toml"
    path.write_text('[registry]\nurl = "a.db"\n[service]\nlog = "json"\n')
    return path


def test_the_environment_wins(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "REGISTRY_URL": "postgresql+psycopg://db/kept",
        "REGISTRY_LOG": "",
        "SERVICE_LOG": "off",
        "SERVICE_WORKERS": "5",
        "SERVICE_METRICS": "No",
        "SERVICE_CORS_ORIGINS": "https://b.example, https://c.example",
        "WATERMARK_STRENGTH": "43.5",
        "LIMITS_MAX_PIXELS": "1000",
        "OUTPUT_NO_TRAINING": "true",
        "GENERATOR_NAME": "studio",
    }.items():
        monkeypatch.setenv(f"PROVENANCE_{name}", text)
    config = Config.load(path)
    assert config.registry_url == "postgresql+psycopg://db/kept"
    assert config.log_path is None
    service = config.service()
    assert (service.log, service.workers, service.metrics) == ("off", 5, False)
    assert service.cors_origins == ("https://b.example", "https://c.example")
    assert (config.strength, config.limits.max_pixels) == (43.5, 1000)
    assert config.no_training
    assert config.generator.name == "studio"


def test_words_stay_words(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVENANCE_WATERMARK_STRENGTH", "robust")
    assert Config.load(path).strength == "robust"


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("PROVENANCE_SERVICE_LOGS", "x", r"\[service\] has no 'logs'; expected one of clients"),
        ("PROVENANCE_SERVICE_METRICS", "secret", "METRICS is neither true nor false"),
        ("PROVENANCE_SERVICE_WORKERS", "secret", "WORKERS is no number"),
        ("PROVENANCE_LIMITS_MAX_PIXELS", "0", "max_pixels = 0"),
        ("PROVENANCE_SERVICE_LOG", "xml", "log is 'xml'"),
    ],
)
def test_a_wrong_variable_is_named_and_not_shown(
    path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, message: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigError, match=message) as caught:
        Config.load(path).service()
    assert "secret" not in str(caught.value)


def test_what_is_no_setting_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVENANCE_MODELS", "/tmp")
    monkeypatch.setenv("PROVENANCE_SIGNING_KEY", "PEM")
    assert Config.load(path).registry_url.endswith("a.db")
