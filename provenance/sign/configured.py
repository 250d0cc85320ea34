"""The signer and the time-stamp authority that `[signing]` of a `provenance.toml` describes."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.errors import ConfigError, KeyUnusable

if TYPE_CHECKING:
    from provenance.sign.interface import ClaimSigner
    from provenance.sign.timestamp import Timestamp

KINDS = ("files", "environment", "pkcs11", "kms", "remote")
"""Values of `signer`. A callback is for Python alone."""

_TABLES: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "pkcs11": {"module": str, "token": str, "key": str, "pin_env": str},
    "kms": {"key_id": str, "region": str, "endpoint_url": str, "timeout_s": (int, float)},
    "remote": {
        "url": str,
        "token_env": str,
        "key": str,
        "timeout_s": (int, float),
        "retries": int,
        "send_data": bool,
        "ca_file": str,
    },
    "timestamp": {"url": str, "on_failure": str, "timeout_s": (int, float)},
}
_REQUIRED = {
    "pkcs11": ("module", "token", "key", "pin_env"),
    "kms": ("key_id",),
    "remote": ("url",),
    "timestamp": ("url",),
}


def check(section: Mapping[str, Any], where: Path) -> None:
    """Pass the keys `signer`, `pkcs11`, `kms`, `remote` and `timestamp` of a `[signing]`.

    Raises:
        ConfigError: something is missing, misspelt or of another type.
    """
    kind = section.get("signer", "files")
    if kind not in KINDS:
        raise ConfigError(
            f"{where} has signer = {kind!r} in [signing]; expected one of {', '.join(KINDS)}"
        )
    if kind in _TABLES and kind not in section:
        raise ConfigError(f"{where} has signer = '{kind}'; expected [signing.{kind}] with its key")
    for name, known in _TABLES.items():
        if name in section:
            _check_table(section[name], known, _REQUIRED[name], f"[signing.{name}] of {where}")


def signer(
    section: Mapping[str, Any],
    certificates: Path,
    key: Path,
    environment: Mapping[str, str] | None = None,
) -> ClaimSigner:
    """The signer of a checked section. Secrets come from the environment alone.

    Args:
        section: `[signing]`.
        certificates: absolute path of the chain, which every signer but `environment` needs.
        key: absolute path of the private key, for `files`.
        environment: `os.environ` by default.

    Raises:
        KeyUnusable: key, chain or a secret is missing or cannot be used.
        ConfigError: a value makes no sense.
    """
    from provenance.sign.local import LocalSigner, read_pem

    given = os.environ if environment is None else environment
    kind = section.get("signer", "files")
    if kind == "files":
        phrase = given.get(section.get("passphrase_env", "") or "-", "")
        return LocalSigner.from_files(certificates, key, phrase.encode() or None)
    if kind == "environment":
        return LocalSigner.from_environment(given)
    settings = dict(section[kind])
    chain = read_pem(certificates)
    try:
        if kind == "pkcs11":
            from provenance.sign.pkcs11 import Pkcs11Signer, Token

            pin = _secret(given, settings["pin_env"], "the PIN of the token")
            module = Path(settings["module"]).expanduser()
            return Pkcs11Signer(Token(module, settings["token"], settings["key"], pin), chain)
        if kind == "kms":
            from provenance.sign.kms import KmsSigner

            return KmsSigner(settings.pop("key_id"), chain, **settings)
        from provenance.sign.remote import RemoteSigner, Service

        variable = settings.pop("token_env", "")
        token = _secret(given, variable, "the token of the signing service") if variable else ""
        authorities = settings.pop("ca_file", None)
        path = certificates.parent / Path(authorities).expanduser() if authorities else None
        return RemoteSigner(Service(token=token, ca_file=path, **settings), chain)
    except ValueError as error:
        raise ConfigError(f"[signing.{kind}]: {error}") from error


def timestamp(section: Mapping[str, Any]) -> Timestamp | None:
    """The time-stamp authority of a checked section, or None.

    Raises:
        ConfigError: a value makes no sense.
    """
    if "timestamp" not in section:
        return None
    from provenance.sign.timestamp import Timestamp

    try:
        return Timestamp(**section["timestamp"])
    except ValueError as error:
        raise ConfigError(f"[signing] timestamp: {error}") from error


def _secret(environment: Mapping[str, str], variable: str, what: str) -> str:
    value = environment.get(variable, "")
    if not value:
        raise KeyUnusable(f"{what} is expected in ${variable}, which is not set")
    return value


def _check_table(
    table: Any, known: Mapping[str, type | tuple[type, ...]], required: tuple[str, ...], where: str
) -> None:
    if not isinstance(table, dict):
        raise ConfigError(f"{where} is no table; expected {', '.join(required)} and so on")
    for name, value in table.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"expected {', '.join(known)}"
            raise ConfigError(f"{where} has '{name}'; {hint}")
        kinds = known[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise ConfigError(f"{where} has {name} = {value!r}; expected another type")
    missing = [name for name in required if not table.get(name)]
    if missing:
        raise ConfigError(f"{where} lacks {', '.join(missing)}")
