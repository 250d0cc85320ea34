"""`[service]` of `provenance.toml`: how the servers present themselves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from provenance.errors import ConfigError

KNOWN: Mapping[str, type] = {
    "clients": str,
    "cors_origins": list,
    "tls_certificate": str,
    "tls_key": str,
    "tls_client_ca": str,
    "log": str,
    "metrics": bool,
    "traces": bool,
    "workers": int,
    "waiting": int,
    "memory": int,
}
"""Names in [service], with their types."""

_LOGS = ("json", "text", "off")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the servers present themselves. Paths are absolute.

    Attributes:
        clients: file with the digests of the access keys, see `provenance.server.access`; None
            lets everybody in.
        cors_origins: web origins whose scripts may read answers; `*` for all.
        tls_certificate: chain in PEM, leaf first; None serves plain HTTP.
        tls_key: its private key.
        tls_client_ca: PEM bundle; clients must then show a certificate that leads to it (mTLS).
        log: a line for each request: `json`, `text` or `off`.
        metrics: answer Prometheus.
        traces: send OpenTelemetry spans; where to is said by its own variables (`OTEL_…`).
        workers: pictures that are worked on at a time; 0 is one for each core.
        waiting: requests with pictures that may wait for a worker.
        memory: bytes of bodies that are held at a time.
    """

    clients: Path | None = None
    cors_origins: tuple[str, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    log: str = "json"
    metrics: bool = True
    traces: bool = False
    workers: int = 0
    waiting: int = 256
    memory: int = 512 * 1024 * 1024

    @property
    def threads(self) -> int:
        """The number of workers."""
        return self.workers or os.cpu_count() or 1

    @classmethod
    def read(cls, section: Mapping[str, Any], folder: Path) -> ServiceSettings:
        """Settings of a section, checked.

        Args:
            section: [service], of known names and types.
            folder: to which paths in it are relative.

        Raises:
            ConfigError: a value cannot be used.
        """
        settings = cls(**{name: _value(name, value, folder) for name, value in section.items()})
        _check(settings)
        return settings


def _value(name: str, value: Any, folder: Path) -> Any:
    if name in ("clients", "tls_certificate", "tls_key", "tls_client_ca"):
        return (folder / Path(value).expanduser()).absolute() if value else None
    return tuple(value) if isinstance(value, list) else value


def _check(settings: ServiceSettings) -> None:
    if settings.log not in _LOGS:
        raise ConfigError(f"[service] log is '{settings.log}'; expected one of {', '.join(_LOGS)}")
    for name in ("workers", "waiting", "memory"):
        if getattr(settings, name) < (1 if name == "memory" else 0):
            raise ConfigError(f"[service] {name} is {getattr(settings, name)}; expected more")
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise ConfigError("[service] has one of tls_certificate and tls_key; give both or neither")
    if settings.tls_client_ca is not None and settings.tls_certificate is None:
        raise ConfigError("[service] tls_client_ca needs tls_certificate and tls_key as well")
    for field in fields(settings):
        path = getattr(settings, field.name)
        if isinstance(path, Path) and not path.is_file():
            raise ConfigError(f"[service] {field.name} is {path}, which is no file")
    for origin in settings.cors_origins:
        parts = urlsplit(origin) if isinstance(origin, str) else None
        named = parts and parts.scheme in ("http", "https") and parts.netloc and not parts.path
        if origin != "*" and not named:
            raise ConfigError(
                f"[service] cors_origins has {origin!r}; expected https://example.org or *"
            )
