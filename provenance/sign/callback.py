"""A signer whose key is elsewhere: a function of yours gets bytes and returns their signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from provenance import _c2pa
from provenance.errors import KeyUnusable, SigningFailed
from provenance.sign import chain

HASHES: dict[str, hashes.HashAlgorithm] = {
    "es256": hashes.SHA256(),
    "es384": hashes.SHA384(),
    "ps256": hashes.SHA256(),
}
"""What is hashed before signing; ed25519 signs the bytes themselves."""


class CallbackSigner:
    """Signs through a function. Manifests are 10 kB larger than with a key in memory.

    c2pa-rs reserves those for signatures whose size it cannot know. The function may be called by
    several threads at once. What it raises leaves `sign` as itself. What it returns is verified
    under the certificate at once, so that a wrong key is named as such.

    Args:
        function: gets the bytes to be signed, not their hash; returns the signature. ECDSA as DER
            or as r and s in 32 (48) bytes each; RSA as PSS with a salt as long as the hash.
        certificates: the chain in PEM, leaf first.
        algorithm: es256, es384, ps256 or ed25519; by default the one of the certificate's key.
        source: what holds the key, for messages.

    Raises:
        KeyUnusable: the chain cannot sign claims, or its key is of another algorithm.
    """

    def __init__(
        self,
        function: Callable[[bytes], bytes],
        certificates: bytes,
        algorithm: str | None = None,
        source: str = "the signing callback",
    ) -> None:
        self._function = function
        self._source = source
        found = chain.load(certificates, source)
        self._leaf = found[0]
        self._public = self._leaf.public_key()
        self._algorithm = chain.algorithm(self._public, f"the certificate of {source}")
        if algorithm not in {None, self._algorithm}:
            raise KeyUnusable(
                f"the certificate of {source} has a key for {self._algorithm}, and {algorithm} was "
                "asked for; use the certificate of the key"
            )
        chain.check(found, source)
        pem = serialization.Encoding.PEM
        self._certificates = b"".join(c.public_bytes(pem) for c in found)

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

        Raises:
            KeyUnusable: the certificate has expired meanwhile.
            SigningFailed: the function returned something that is not its key's signature.
            Exception: whatever the function raises, unchanged.
        """
        chain.check_dates(self._leaf, self._source)
        c2pa = _c2pa.load()
        raised: list[BaseException] = []

        def signature(data: bytes) -> bytes:
            # c2pa swallows exceptions and prints others; both are kept and raised again below.
            try:
                return self.signature(data)
            except BaseException as error:
                raised.append(error)
                return b""

        kind = getattr(c2pa.C2paSigningAlg, self._algorithm.upper())
        text = self._certificates.decode("ascii")
        with c2pa.Signer.from_callback(signature, kind, text, timestamp) as signer:
            try:
                yield signer
            except c2pa.C2paError:
                if raised:
                    raise raised[0] from None
                raise

    def signature(self, data: bytes) -> bytes:
        """The function's signature of `data` in COSE's form, verified under the certificate.

        Raises:
            SigningFailed: it is no signature of these bytes by this certificate's key.
        """
        given = self._function(data)
        try:
            if not isinstance(given, bytes | bytearray) or not given:
                raise ValueError(type(given).__name__)  # noqa: TRY301
            plain = self._plain(bytes(given))
            check_signature(self._public, plain, data)
        except (ValueError, TypeError, InvalidSignature) as error:
            size = f"{len(given)} bytes" if isinstance(given, bytes | bytearray) else "no bytes"
            raise SigningFailed(
                f"{self._source} returned {size} that are not a {self._algorithm} signature by the "
                f"key of {self.subject}; check that the certificate belongs to the key, and that "
                "the bytes are hashed once"
            ) from error
        return plain

    def _plain(self, given: bytes) -> bytes:
        """ECDSA in the fixed form that COSE wants (RFC 9053, section 2.1); others as they are."""
        if not isinstance(self._public, ec.EllipticCurvePublicKey):
            return given
        half = (self._public.curve.key_size + 7) // 8
        if len(given) == 2 * half:
            return given
        r, s = utils.decode_dss_signature(given)
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")

    def __repr__(self) -> str:
        """The subject alone."""
        return f"{type(self).__name__}({self.subject!r}, {self._algorithm})"


def check_signature(key: Any, plain: bytes, data: bytes) -> None:
    """Pass a signature in COSE's form that the public key's owner made of these bytes.

    Raises:
        InvalidSignature: it is another's, or of other bytes.
        TypeError: the key is of no kind that signs claims.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        half = len(plain) // 2
        r, s = (int.from_bytes(part, "big") for part in (plain[:half], plain[half:]))
        method = ec.ECDSA(HASHES["es384" if key.curve.key_size == 384 else "es256"])
        key.verify(utils.encode_dss_signature(r, s), data, method)
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(plain, data, pss(), HASHES["ps256"])
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(plain, data)
    else:
        raise TypeError(type(key).__name__)


def pss() -> padding.PSS:
    """PSS as ps256 wants it: MGF1 and a salt of the hash's length (RFC 8230, section 2)."""
    return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def digest(data: bytes, algorithm: str) -> bytes:
    """The hash that es256, es384 and ps256 sign."""
    hasher = hashes.Hash(HASHES[algorithm])
    hasher.update(data)
    return hasher.finalize()
