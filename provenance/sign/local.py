"""A signer whose private key is a PEM file on this machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from provenance import _c2pa
from provenance.errors import KeyUnusable


class LocalSigner:
    """Signs with a key in memory. Its `repr` and its errors never hold key material.

    Args:
        certificates: the chain in PEM, leaf first.
        key: the private key in PEM: PKCS#8, SEC 1 or PKCS#1, encrypted or not.
        passphrase: for an encrypted key.
        source: name of the key's file, for messages.

    Raises:
        KeyUnusable: damaged, locked, of an unsupported kind, expired, or not the certificate's.
    """

    def __init__(
        self,
        certificates: bytes,
        key: bytes,
        passphrase: bytes | None = None,
        source: str = "the signing key",
    ) -> None:
        self._source = source
        self._key = _private_key(key, passphrase, source)
        self._algorithm = _algorithm(self._key, source)
        try:
            chain = x509.load_pem_x509_certificates(certificates)
            public = _spki(chain[0].public_key())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyUnusable(
                f"the certificate chain beside {source} cannot be read; expected PEM "
                "certificates, leaf first: restore the file or run provenance init --force"
            ) from error
        self._leaf = chain[0]
        if public != _spki(self._key.public_key()):
            raise KeyUnusable(
                f"{source} is not the key of the first certificate "
                f"({self._leaf.subject.rfc4514_string()}); put the leaf first, or use its own key"
            )
        # Written anew: the file may hold remarks in any encoding, or even the key.
        pem = serialization.Encoding.PEM
        self._certificates = b"".join(c.public_bytes(pem) for c in chain)
        self._check_dates()

    @classmethod
    def from_files(
        cls, certificates: Path, key: Path, passphrase: bytes | None = None
    ) -> LocalSigner:
        """Read chain and key from PEM files.

        Raises:
            KeyUnusable: as above, or a file is missing or cannot be read.
        """
        parts = []
        for path in (certificates, key):
            try:
                parts.append(path.read_bytes())
            except OSError as error:
                raise KeyUnusable(
                    f"{path} cannot be read ({error.strerror}); expected a PEM file: restore it, "
                    "or run provenance init"
                ) from error
        return cls(parts[0], parts[1], passphrase, source=str(key))

    @property
    def algorithm(self) -> str:
        """One of es256, es384, ps256, ed25519."""
        return self._algorithm

    @property
    def subject(self) -> str:
        """Who signs, as RFC 4514 text."""
        return self._leaf.subject.rfc4514_string()

    def open(self) -> Any:
        """A c2pa signer for one picture, to be closed by the caller.

        The key goes to the native library itself: through a callback every manifest would grow by
        10 kB, which c2pa-rs reserves for signatures whose size it cannot know.

        Raises:
            KeyUnusable: the certificate has expired meanwhile.
        """
        self._check_dates()
        c2pa = _c2pa.load()
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return c2pa.Signer.from_info(
            c2pa.C2paSignerInfo(self._algorithm, self._certificates, pem, None)
        )

    def _check_dates(self) -> None:
        now = datetime.now(UTC)
        start, end = self._leaf.not_valid_before_utc, self._leaf.not_valid_after_utc
        if not start <= now <= end:
            raise KeyUnusable(
                f"the certificate of {self._source} is valid from {start:%Y-%m-%d} to "
                f"{end:%Y-%m-%d}, today is {now:%Y-%m-%d}; install a current certificate, "
                "or run provenance init --force for a new development one"
            )

    def __repr__(self) -> str:
        """The subject alone."""
        return f"LocalSigner({self.subject!r}, {self._algorithm})"


PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def _private_key(pem: bytes, passphrase: bytes | None, source: str) -> PrivateKey:
    locked = b"ENCRYPTED" in pem
    if locked and not passphrase:
        raise KeyUnusable(
            f"{source} is encrypted and no passphrase was given; set the environment variable "
            "that provenance.toml names under [signing] passphrase_env"
        )
    try:
        key = serialization.load_pem_private_key(pem, passphrase if locked else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is left out: it may quote what it could not parse.
        reason = "the passphrase is wrong, or it is damaged" if locked else "it is damaged"
        raise KeyUnusable(
            f"{source} cannot be opened: {reason}; expected a PEM private key: "
            "check the passphrase, or restore the file"
        ) from None
    if not isinstance(key, PrivateKey):
        raise KeyUnusable(
            f"{source} is a {type(key).__name__}; expected EC P-256, EC P-384, RSA or Ed25519"
        )
    return key


def _algorithm(key: PrivateKey, source: str) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < 2048:
            raise KeyUnusable(f"{source} is RSA with {key.key_size} bits; C2PA asks for 2048")
        return "ps256"
    names = {"secp256r1": "es256", "secp384r1": "es384"}
    if key.curve.name not in names:
        raise KeyUnusable(f"{source} is on the curve {key.curve.name}; expected P-256 or P-384")
    return names[key.curve.name]


def _spki(key: Any) -> bytes:
    """The public key in DER, for comparison."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    encoded: bytes = key.public_bytes(serialization.Encoding.DER, form)
    return encoded
