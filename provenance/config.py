"""Settings from `provenance.toml`: one frozen object, never global.

The file is looked for at the path given, then at $PROVENANCE_CONFIG, then in the user's
configuration folder; never in the current folder, because a downloaded folder could then bring its
own trust anchors, and `verify` would call its pictures trusted. The environment may override single
settings, see `provenance._environment`.
"""

from __future__ import annotations

import difflib
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from provenance import _c2pa
from provenance._environment import overridden
from provenance.codec.limits import Limits
from provenance.errors import ConfigError
from provenance.moderate import policy_file
from provenance.moderate.interface import Policy
from provenance.server import settings as service_settings
from provenance.server.settings import ServiceSettings
from provenance.sign import configured
from provenance.sign.interface import Generator, SourceType

if TYPE_CHECKING:
    from provenance.registry.interface import Registry
    from provenance.registry.log import Log
    from provenance.registry.recorder import Recorder
    from provenance.sign.interface import ClaimSigner
    from provenance.sign.timestamp import Timestamp
    from provenance.trust import TrustStore
    from provenance.watermark.interface import Watermarker
    from provenance.watermark.tile import Strength

T = TypeVar("T")

VARIABLE = "PROVENANCE_CONFIG"
FILE_NAME = "provenance.toml"

_KNOWN: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "generator": {"name": str, "version": str, "source_type": str},
    "moderation": {"policy": str, "review": str},
    "watermark": {
        "key": str,
        "strength": (str, int, float),
        "too_small": str,
        "existing": str,
    },
    "signing": {
        "certificates": str,
        "key": str,
        "passphrase_env": str,
        "signer": str,
        "pkcs11": dict,
        "kms": dict,
        "remote": dict,
        "timestamp": dict,
    },
    "trust": {"anchors": list, "timestamp_anchors": list},
    "registry": {"url": str, "log": str, "when_down": str, "queue": str},
    "output": {"keep_metadata": bool, "publish_prompt": bool, "no_training": bool},
    "limits": {"max_bytes": int, "max_pixels": int},
    "service": service_settings.KNOWN,
}


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `provenance.toml` can say. Paths are absolute; keys are read when needed.

    Attributes:
        path: where it was read from.
        generator: named in manifests as the software that made the picture.
        source_type: IPTC digital source type of what the generator makes.
        policy: what moderation does at which score.
        review: folder of the pictures that wait for a person.
        watermark_key: file with 32 bytes in hexadecimal.
        strength: `balanced`, `stealth`, `robust`, or a PSNR in dB.
        sign_too_small: sign pictures that are too small to mark, instead of refusing them.
        replace_mark: take out a mark of the same key before writing, instead of refusing.
        certificates: chain in PEM, leaf first.
        signing_key: private key in PEM.
        passphrase_env: environment variable that holds the key's passphrase, or empty.
        signing: [signing] as it stands, checked; see `provenance.sign.configured`.
        trust: PEM bundles of the signers that you trust.
        timestamp_trust: PEM bundles of the time-stamp authorities that you trust.
        registry_url: database that keeps what was issued, a path or URL; empty for none.
        registry_queue: folder in which records wait while the database is away; None refuses to
            issue anything then.
        log_path: tamper-evident log of what was issued and refused; None for none.
        keep_metadata: copy EXIF, XMP and text of the input to the output.
        publish_prompt: write the prompt into the public manifest.
        no_training: state that the pictures may not be used for training or mining.
        limits: on bytes and pixels.
        service_section: [service] as it stands; `service` reads it.
    """

    path: Path
    generator: Generator
    source_type: SourceType
    policy: Policy
    review: Path
    watermark_key: Path
    strength: str | float
    sign_too_small: bool
    replace_mark: bool
    certificates: Path
    signing_key: Path
    passphrase_env: str
    signing: Mapping[str, Any] = field(repr=False)
    trust: tuple[Path, ...]
    timestamp_trust: tuple[Path, ...]
    registry_url: str = field(repr=False)
    registry_queue: Path | None
    log_path: Path | None
    keep_metadata: bool
    publish_prompt: bool
    no_training: bool
    limits: Limits = field(default_factory=Limits)
    service_section: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path | None = None) -> Config:
        """Read and check a configuration file.

        Raises:
            ConfigError: missing, not TOML, or it says something that we do not understand.
        """
        where = find(path)
        try:
            text = where.read_bytes().decode("utf-8")
        except FileNotFoundError as error:
            raise ConfigError(
                f"no configuration at {where}; run provenance init, or give --config FILE"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{where} cannot be read ({error}); expected a TOML file that you may read"
            ) from error
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(
                f"{where} is not valid TOML: {error}; mend that line, or run "
                "provenance init --force"
            ) from error
        return _parse(where, overridden(data, _KNOWN, os.environ))

    def anchors(self) -> tuple[str, ...]:
        """The trust anchors in PEM: those of [trust], then the lists that were added.

        Raises:
            ConfigError: a file is missing or is not PEM, or a list was altered.
        """
        from provenance.keys import retired_anchors

        files = (*self.trust, *retired_anchors(self))
        return (*map(self._bundle, files), *self.trust_store().bundles())

    def timestamp_anchors(self) -> tuple[str, ...]:
        """The anchors of time-stamp authorities in PEM.

        Raises:
            ConfigError: a file is missing or is not PEM.
        """
        return tuple(map(self._bundle, self.timestamp_trust))

    def _bundle(self, path: Path) -> str:
        try:
            # Names in any language may stand between the certificates.
            return _c2pa.check_anchors(path.read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise ConfigError(
                f"the trust anchors {path} cannot be read ({error.strerror}); expected a PEM "
                f"file: restore it, or remove it from [trust] in {self.path}"
            ) from error
        except ConfigError as error:
            raise ConfigError(
                f"{error}: restore {path}, or remove it from [trust] in {self.path}"
            ) from error

    def trust_store(self) -> TrustStore:
        """The trust lists in the folder `trust` beside the configuration."""
        from provenance.trust import TrustStore

        return TrustStore(self.path.parent / "trust")

    def signer(self) -> ClaimSigner:
        """The signer of [signing].

        Raises:
            KeyUnusable: key or certificate is missing, damaged, locked, expired or out of reach.
        """
        return configured.signer(self.signing, self.certificates, self.signing_key)

    def timestamp(self) -> Timestamp | None:
        """The time-stamp authority of [signing], or None."""
        return configured.timestamp(self.signing)

    def watermarker(self) -> Watermarker:
        """The watermark scheme with the key of [watermark].

        Raises:
            KeyUnusable: the key is missing or damaged.
            ConfigError: the strength is not one we know.
        """
        return self._watermarker(self.watermark_key)

    def watermarkers(self) -> tuple[Watermarker, ...]:
        """The scheme with the key in use, then with each retired one, for reading.

        Raises:
            KeyUnusable: a key is missing or damaged.
            ConfigError: the strength is not one we know.
        """
        from provenance.keys import retired_watermark_keys

        return (self.watermarker(), *map(self._watermarker, retired_watermark_keys(self)))

    def _watermarker(self, path: Path) -> Watermarker:
        from provenance.keys import read_watermark_key
        from provenance.watermark.tile import TileWatermarker

        try:
            return TileWatermarker(
                read_watermark_key(path),
                strength=cast("Strength", self.strength),
                replace=self.replace_mark,
            )
        except ValueError as error:
            raise ConfigError(f"[watermark] strength in {self.path}: {error}") from error

    def registry(self) -> Registry | None:
        """What was issued, or None if it is switched off. Opened at first use."""
        from provenance.registry.store import SqlRegistry

        if not self.registry_url:
            return None
        registry = SqlRegistry(self.registry_url)
        if self.registry_queue is None:
            return registry
        from provenance.registry.queueing import QueueingRegistry

        return QueueingRegistry(registry, self.registry_queue)

    def log(self) -> Log | None:
        """The log of what was issued and refused, or None if it is switched off."""
        from provenance.registry.log import Log

        return Log(self.log_path) if self.log_path else None

    def service(self) -> ServiceSettings:
        """How the servers present themselves.

        Raises:
            ConfigError: a value cannot be used.
        """
        return service_settings.ServiceSettings.read(self.service_section, self.path.parent)

    def recorder(self) -> Recorder:
        """Tells registry and log what the pipeline does."""
        from provenance.registry.recorder import Recorder

        return Recorder(self.registry(), self.log())


def default_path() -> Path:
    """Where the configuration lives unless told otherwise, by the platform's convention."""
    variable, usual = (
        ("APPDATA", "~/AppData/Roaming")
        if sys.platform == "win32"
        else ("XDG_CONFIG_HOME", "~/.config")
    )
    base = Path(os.environ.get(variable, ""))
    if not base.is_absolute():  # it would lie in the current folder; the convention says to ignore
        base = _expanded(usual)
    return base / "provenance" / FILE_NAME


def find(path: str | Path | None = None) -> Path:
    """The path given, or $PROVENANCE_CONFIG, or the default."""
    chosen = path or os.environ.get(VARIABLE)
    return _expanded(chosen).absolute() if chosen else default_path()


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{path} cannot be found: {error}; set HOME, or name a path without ~"
        ) from error


def _parse(where: Path, data: dict[str, Any]) -> Config:
    _check_names(where, data)
    configured.check(data.get("signing", {}), where)
    get = {name: data.get(name, {}) for name in _KNOWN}

    def file(section: str, key: str, default: str) -> Path:
        return (where.parent / _expanded(get[section].get(key, default))).absolute()

    return Config(
        path=where,
        generator=_generator(where, get["generator"]),
        source_type=_choice(
            where,
            "[generator] source_type",
            get["generator"].get("source_type", SourceType.GENERATED.value),
            {t.value: t for t in SourceType},
        ),
        policy=_policy(where, get["moderation"]),
        review=file("moderation", "review", "review"),
        watermark_key=file("watermark", "key", "keys/watermark.key"),
        strength=get["watermark"].get("strength", "balanced"),
        sign_too_small=_choice(
            where,
            "[watermark] too_small",
            get["watermark"].get("too_small", "refuse"),
            {"refuse": False, "sign-only": True},
        ),
        replace_mark=_choice(
            where,
            "[watermark] existing",
            get["watermark"].get("existing", "refuse"),
            {"refuse": False, "replace": True},
        ),
        certificates=file("signing", "certificates", "keys/signing.pem"),
        signing_key=file("signing", "key", "keys/signing.key"),
        passphrase_env=get["signing"].get("passphrase_env", ""),
        signing=get["signing"],
        trust=tuple(
            (where.parent / _expanded(p)).absolute()
            for p in _anchors(where, get["trust"], "anchors")
        ),
        timestamp_trust=tuple(
            (where.parent / _expanded(p)).absolute()
            for p in _anchors(where, get["trust"], "timestamp_anchors")
        ),
        registry_url=_database(where, get["registry"].get("url", "registry.db")),
        registry_queue=file("registry", "queue", "registry-queue")
        if _choice(
            where,
            "[registry] when_down",
            get["registry"].get("when_down", "refuse"),
            {"refuse": False, "queue": True},
        )
        else None,
        log_path=file("registry", "log", "issued.jsonl")
        if get["registry"].get("log", "issued.jsonl")
        else None,
        keep_metadata=get["output"].get("keep_metadata", False),
        publish_prompt=get["output"].get("publish_prompt", False),
        no_training=get["output"].get("no_training", False),
        limits=_limits(where, get["limits"]),
        service_section=get["service"],
    )


def _check_names(where: Path, data: Mapping[str, Any]) -> None:
    """Refuse what we do not know: a misspelt safety setting must not be ignored."""
    for section, values in data.items():
        if section not in _KNOWN or not isinstance(values, dict):
            raise ConfigError(f"{where} has [{section}]; {_nearest(section, _KNOWN)}")
        for key, value in values.items():
            if key not in _KNOWN[section]:
                raise ConfigError(
                    f"{where} has '{key}' in [{section}]; {_nearest(key, _KNOWN[section])}"
                )
            kinds = _KNOWN[section][key]
            if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
                # A database's address may hold a password.
                shown = "something else" if section == "registry" else repr(value)
                wanted = kinds if isinstance(kinds, tuple) else (kinds,)
                raise ConfigError(
                    f"{where} has {key} = {shown} in [{section}]; "
                    f"expected {' or '.join(k.__name__ for k in wanted)}"
                )


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"expected one of {', '.join(known)}"


def _database(where: Path, url: str) -> str:
    """A URL as it is; a path beside the configuration; empty for none."""
    return url if not url or "://" in url else str((where.parent / _expanded(url)).absolute())


def _choice(where: Path, name: str, value: str, choices: Mapping[str, T]) -> T:
    if value not in choices:
        raise ConfigError(f"{where} has {name} = '{value}'; expected one of {', '.join(choices)}")
    return choices[value]


def _generator(where: Path, section: Mapping[str, str]) -> Generator:
    name = section.get("name", "unnamed-generator")
    if not name.strip():
        raise ConfigError(f"{where} has an empty name in [generator]; expected your system's name")
    return Generator(name, section.get("version", ""))


def _anchors(where: Path, section: Mapping[str, Any], name: str) -> list[str]:
    paths: list[str] = section.get(name, [])
    for path in paths:
        if not isinstance(path, str) or not path:
            raise ConfigError(f"{where} has {path!r} in [trust] {name}; expected file names")
    return paths


def _policy(where: Path, section: Mapping[str, str]) -> Policy:
    """A preset by its name, or a file beside the configuration."""
    name = section.get("policy", "standard")
    if name in policy_file.PRESETS:
        return policy_file.preset(name)
    try:
        return policy_file.load(where.parent / _expanded(name))
    except ConfigError as error:
        raise ConfigError(f"[moderation] policy in {where}: {error}") from error


def _limits(where: Path, section: Mapping[str, int]) -> Limits:
    for key, value in section.items():
        if value < 1:
            raise ConfigError(f"{where} has {key} = {value} in [limits]; expected at least 1")
    return Limits(**section)
