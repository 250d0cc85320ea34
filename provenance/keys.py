"""Shows, replaces and withdraws keys: what `provenance keys` does.

A retired key makes nothing new and still verifies what it made: its marks are read, its root is
trusted. A revoked key does neither. Nothing is deleted; files are moved:

    keys/            active
    keys/retired/    STAMP.watermark.key, STAMP.signing.pem, STAMP.signing.key, STAMP.trust.pem
    keys/revoked/    the same, ignored
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from provenance.errors import ConfigError, KeyUnusable, OutputError
from provenance.files import make_private_folder, write_atomically
from provenance.sign.development import create as create_chain

if TYPE_CHECKING:
    from provenance.config import Config

WATERMARK_KEY_BYTES = 32
RETIRED, REVOKED = "retired", "revoked"
_DEVELOPMENT = "Provenance development"


class Role(StrEnum):
    """What a key is for."""

    SIGNING = "signing"
    WATERMARK = "watermark"


class State(StrEnum):
    """Whether a key makes, only verifies, or is ignored."""

    ACTIVE = "active"
    RETIRED = RETIRED
    REVOKED = REVOKED


@dataclass(frozen=True, slots=True)
class Key:
    """One key. Holds nothing secret.

    Attributes:
        id: 16 hexadecimal digits that name the key and reveal nothing of it.
        role: signing or watermark.
        state: active, retired or revoked.
        path: of the certificate chain, or of the watermark key.
        subject: of the signing certificate; empty for a watermark key.
        expires: ISO 8601 date of the signing certificate; empty for a watermark key.
    """

    id: str
    role: Role
    state: State
    path: Path
    subject: str = ""
    expires: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "path": str(self.path)}


def new_watermark_key() -> bytes:
    """The content of a fresh watermark key's file: 256 bits in hexadecimal."""
    return secrets.token_hex(WATERMARK_KEY_BYTES).encode("ascii") + b"\n"


def read_watermark_key(path: Path) -> bytes:
    """The 32 bytes in a watermark key's file.

    Raises:
        KeyUnusable: missing or damaged. The message holds nothing of the key.
    """
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise KeyUnusable(
            f"the watermark key {path} cannot be read ({error.strerror}); restore it from your "
            "backup: without it no mark can be read"
        ) from error
    except ValueError:
        key = b""  # the cause is left out: it may quote the key
    if len(key) != WATERMARK_KEY_BYTES:
        raise KeyUnusable(
            f"the watermark key {path} is damaged; expected 64 hexadecimal digits: restore it "
            "from your backup"
        )
    return key


def watermark_id(key: bytes) -> str:
    """Names a watermark key. A hash with its own prefix, so that it reveals nothing of the key."""
    return hashlib.sha256(b"provenance-kit watermark key id\0" + key).hexdigest()[:16]


def certificate_id(certificate: x509.Certificate) -> str:
    """Names a signing certificate: the beginning of its SHA-256 fingerprint."""
    return certificate.fingerprint(hashes.SHA256()).hex()[:16]


def folder(config: Config) -> Path:
    """Where retired and revoked keys are kept: beside the active watermark key."""
    return config.watermark_key.parent


def retired_watermark_keys(config: Config) -> tuple[Path, ...]:
    """Files of keys whose marks are still read, newest first."""
    return tuple(sorted((folder(config) / RETIRED).glob("*.watermark.key"), reverse=True))


def retired_anchors(config: Config) -> tuple[Path, ...]:
    """PEM files of roots under which retired certificates were issued."""
    return tuple(sorted((folder(config) / RETIRED).glob("*.trust.pem")))


def revoked_serials(config: Config) -> frozenset[str]:
    """Serial numbers, in decimal, of certificates whose key was revoked.

    Raises:
        KeyUnusable: one of them cannot be read.
    """
    chains = sorted((folder(config) / REVOKED).glob("*.signing.pem"))
    return frozenset(str(_certificate(path).serial_number) for path in chains)


def show(config: Config) -> tuple[Key, ...]:
    """All keys: active, retired and revoked.

    Raises:
        KeyUnusable: one of them cannot be read.
    """
    keys = [
        _signing(config.certificates, State.ACTIVE),
        _watermark(config.watermark_key, State.ACTIVE),
    ]
    for state in (State.RETIRED, State.REVOKED):
        place = folder(config) / state.value
        keys += [_signing(p, state) for p in sorted(place.glob("*.signing.pem"))]
        keys += [_watermark(p, state) for p in sorted(place.glob("*.watermark.key"))]
    return tuple(keys)


def rotate(config: Config, role: Role) -> Key:
    """Make a new key and retire the one in use; both stay able to verify.

    Raises:
        KeyUnusable: the key in use cannot be read.
        ConfigError: the certificate is not a development one, so no successor can be made here.
        OutputError: a file cannot be written; then everything is as it was.
    """
    place = folder(config) / RETIRED
    stamp = _stamp()
    if role is Role.WATERMARK:
        read_watermark_key(config.watermark_key)
        _swap([(config.watermark_key, new_watermark_key())], [f"{stamp}.watermark.key"], place)
        return _watermark(config.watermark_key, State.ACTIVE)
    current = _certificate(config.certificates)
    name = _attribute(current, x509.NameOID.COMMON_NAME)
    root = folder(config) / "trust.pem"
    if not name.startswith(_DEVELOPMENT) or not root.is_file():
        raise ConfigError(
            f"the certificate in use ({current.subject.rfc4514_string()}) was not made by "
            "provenance init; get its successor from the same authority, and put chain and key "
            f"in place of {config.certificates} and {config.signing_key}"
        )
    config.signer()  # the key in use opens, with its passphrase if it has one
    phrase = os.environ.get(config.passphrase_env, "") if config.passphrase_env else ""
    if config.passphrase_env and not phrase:
        raise KeyUnusable(
            f"the environment variable {config.passphrase_env} is not set; the new key would be "
            "written without a passphrase: set it, or clear passphrase_env in the configuration"
        )
    chain = create_chain(
        _attribute(current, x509.NameOID.ORGANIZATION_NAME), passphrase=phrase.encode() or None
    )
    _swap(
        [
            (config.certificates, chain.certificates),
            (config.signing_key, chain.key),
            (root, chain.anchors),
        ],
        [f"{stamp}.signing.pem", f"{stamp}.signing.key", f"{stamp}.trust.pem"],
        place,
    )
    return _signing(config.certificates, State.ACTIVE)


def revoke(config: Config, key_id: str) -> Key:
    """Withdraw a retired key: its marks are no longer read, its root is no longer trusted.

    Raises:
        ConfigError: there is no such key, or it is in use.
    """
    found = next((k for k in show(config) if k.id == key_id), None)
    if found is None:
        raise ConfigError(f"there is no key {key_id}; provenance keys show lists them")
    if found.state is State.ACTIVE:
        raise ConfigError(
            f"the key {key_id} is in use; run provenance keys rotate {found.role.value} first"
        )
    if found.state is State.REVOKED:
        return found
    target = make_private_folder(folder(config) / REVOKED)
    stamp = found.path.name.split(".", 1)[0]
    kinds = (
        ["watermark.key"]
        if found.role is Role.WATERMARK
        else ["trust.pem", "signing.key", "signing.pem"]
    )
    for kind in kinds:
        path = found.path.with_name(f"{stamp}.{kind}")
        if path.exists():
            path.rename(target / path.name)
    return next(k for k in show(config) if k.id == key_id)


def _swap(new: Sequence[tuple[Path, bytes]], names: Sequence[str], place: Path) -> None:
    """Copy the old files aside first, then replace them: at no moment is a key only in memory."""
    make_private_folder(place)
    copies: list[Path] = []
    old = [(path, path.read_bytes()) for path, _ in new]
    try:
        for (_, content), name in zip(old, names, strict=True):
            copies.append(write_atomically(place / name, content, mode=0o600))
        for path, content in new:
            write_atomically(path, content, overwrite=True, mode=0o600)
    except OutputError:
        for path, content in old:
            if path.read_bytes() != content:
                write_atomically(path, content, overwrite=True, mode=0o600)
        for path in copies:
            path.unlink()
        raise


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")


def _watermark(path: Path, state: State) -> Key:
    return Key(watermark_id(read_watermark_key(path)), Role.WATERMARK, state, path)


def _signing(path: Path, state: State) -> Key:
    leaf = _certificate(path)
    expires = leaf.not_valid_after_utc.date().isoformat()
    subject = leaf.subject.rfc4514_string()
    return Key(certificate_id(leaf), Role.SIGNING, state, path, subject, expires)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError) as error:
        raise KeyUnusable(
            f"the certificate chain {path} cannot be read; expected PEM certificates, leaf first: "
            "restore it from your backup"
        ) from error


def _attribute(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""
