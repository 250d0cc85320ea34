"""[service], read and checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.errors import ConfigError
from provenance.server.settings import KNOWN, ServiceSettings
from tests.tls import tls_certificate


def read(folder: Path, section: dict | None = None) -> ServiceSettings:
    return ServiceSettings.read(section or {}, folder)


def test_defaults_let_nobody_guess(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.clients is None
    assert settings.cors_origins == ()
    assert settings.log == "json"
    assert settings.threads >= 1


def test_paths_are_beside_the_configuration(tmp_path: Path) -> None:
    certificate, key = tls_certificate(tmp_path)
    settings = read(tmp_path, {"tls_certificate": "tls.pem", "tls_key": "tls.key", "workers": 3})
    assert (settings.tls_certificate, settings.tls_key) == (certificate, key)
    assert settings.threads == 3


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"log": "xml"}, "log is 'xml'; expected one of json, text, off"),
        ({"workers": -1}, "workers is -1"),
        ({"memory": 0}, "memory is 0"),
        ({"clients": "absent"}, "clients is .*absent, which is no file"),
        ({"cors_origins": ["example.org"]}, "cors_origins has 'example.org'"),
        ({"cors_origins": ["https://example.org/a"]}, "cors_origins"),
        ({"cors_origins": [3]}, "cors_origins has 3"),
        ({"tls_key": "tls.key"}, "give both or neither"),
        ({"tls_client_ca": "tls.pem"}, "tls_client_ca needs tls_certificate"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, section: dict, message: str) -> None:
    tls_certificate(tmp_path)
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, section)


def test_every_known_name_is_a_setting() -> None:
    assert set(KNOWN) == set(ServiceSettings.__dataclass_fields__)
