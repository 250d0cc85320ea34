"""A signer whose private key is in this process: from PEM files, or from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from provenance import _c2pa
from provenance.errors import KeyUnusable
from provenance.sign import chain

CERTIFICATES_VARIABLE = "PROVENANCE_SIGNING_CERTIFICATES"
KEY_VARIABLE = "PROVENANCE_SIGNING_KEY"
PASSPHRASE_VARIABLE = "PROVENANCE_SIGNING_PASSPHRASE"  # noqa: S105 - a name


class LocalSigner:
    """Signs with a key in memory. Its `repr` and its errors never hold key material.

    Args:
        certificates: the chain in PEM, leaf first.
        key: the private key in PEM: PKCS#8, SEC 1 or PKCS#1, encrypted or not.
        passphrase: for an encrypted key.
        source: name of the key's file, for messages.

    Raises:
        KeyUnusable: damaged, locked, of an unsupported kind, expired, not the certificate's, or the
            certificate is not for signing claims.
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
        self._algorithm = chain.algorithm(self._key.public_key(), source)
        found = chain.load(certificates, source)
        self._leaf = found[0]
        if _spki(self._leaf.public_key()) != _spki(self._key.public_key()):
            raise KeyUnusable(
                f"{source} is not the key of the first certificate "
                f"({self._leaf.subject.rfc4514_string()}); put the leaf first, or use its own key"
            )
        chain.check(found, source)
        # Written anew: the file may hold remarks in any encoding, or even the key.
        pem = serialization.Encoding.PEM
        self._certificates = b"".join(c.public_bytes(pem) for c in found)

    @classmethod
    def from_files(
        cls, certificates: Path, key: Path, passphrase: bytes | None = None
    ) -> LocalSigner:
        """Read chain and key from PEM files.

        Raises:
            KeyUnusable: as above, or a file is missing or cannot be read.
        """
        return cls(read_pem(certificates), read_pem(key), passphrase, source=str(key))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> LocalSigner:
        r"""Take chain, key and passphrase from the environment, as PEM text.

        $PROVENANCE_SIGNING_CERTIFICATES, $PROVENANCE_SIGNING_KEY and, for an encrypted key,
        $PROVENANCE_SIGNING_PASSPHRASE. Where line ends cannot be kept, `\n` may stand for them.

        Raises:
            KeyUnusable: as above, or a variable is missing.
        """
        given = os.environ if environment is None else environment
        parts = []
        for name in (CERTIFICATES_VARIABLE, KEY_VARIABLE):
            text = given.get(name, "").strip()
            if not text:
                raise KeyUnusable(f"${name} is not set; expected PEM text")
            parts.append(text.replace("\\n", "\n").encode("utf-8", "surrogateescape"))
        phrase = given.get(PASSPHRASE_VARIABLE, "").encode("utf-8", "surrogateescape")
        return cls(parts[0], parts[1], phrase or None, source=f"the key in ${KEY_VARIABLE}")

    @property
    def algorithm(self) -> str:
        """One of es256, es384, ps256, ed25519."""
        return self._algorithm

    @property
    def subject(self) -> str:
        """Who signs, as RFC 4514 text."""
        return self._leaf.subject.rfc4514_string()

    @property
    def certificates(self) -> bytes:
        """The chain in PEM, leaf first."""
        return self._certificates

    @contextmanager
    def open(self, timestamp: str | None = None) -> Iterator[Any]:
        """A c2pa signer for one picture.

        The key goes to the native library itself: through a callback every manifest would grow by
        10 kB, which c2pa-rs reserves for signatures whose size it cannot know.

        Raises:
            KeyUnusable: the certificate has expired meanwhile.
        """
        chain.check_dates(self._leaf, self._source)
        c2pa = _c2pa.load()
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        info = c2pa.C2paSignerInfo(self._algorithm, self._certificates, pem, timestamp)
        with c2pa.Signer.from_info(info) as signer:
            yield signer

    def signature(self, data: bytes) -> bytes:
        """The key's signature of `data` in COSE's form, as `CallbackSigner.signature` gives it.

        Raises:
            KeyUnusable: the certificate has expired meanwhile.
        """
        from provenance.sign.callback import CallbackSigner

        return CallbackSigner(self._sign, self._certificates, source=self._source).signature(data)

    def _sign(self, data: bytes) -> bytes:
        from provenance.sign.callback import HASHES, pss

        key = self._key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(data, ec.ECDSA(HASHES[self._algorithm]))
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, pss(), HASHES[self._algorithm])
        return key.sign(data)

    def __repr__(self) -> str:
        """The subject alone."""
        return f"LocalSigner({self.subject!r}, {self._algorithm})"


def read_pem(path: Path) -> bytes:
    """The bytes of a key's or a certificate's file.

    Raises:
        KeyUnusable: missing, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyUnusable(
            f"{path} cannot be read ({error.strerror}); expected a PEM file: restore it, "
            "or run provenance init"
        ) from error


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


def _spki(key: Any) -> bytes:
    """The public key in DER, for comparison."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    encoded: bytes = key.public_bytes(serialization.Encoding.DER, form)
    return encoded
