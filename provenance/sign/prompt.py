"""Says something about a prompt without saying the prompt.

A plain hash is no secret. Prompts are short and alike, manifests are public for ever, and whoever
hashes a few billion likely prompts, which takes minutes, reads most of them; a salt beside the hash
only means that this is done once for each picture. So the default is a commitment: HMAC-SHA256
under a key of 256 bits that stays *out* of the file. Nobody can test a guess without the key, and
with it the owner can prove later what the prompt was (`Commitment.holds`), which is what people
want a hash for. Keep `Commitment.key` beside your record of the picture; the proof is lost with it.

`plain_hash` is there for those who want anybody to be able to test a guess, and know it.

Source: HMAC as a commitment, hiding and binding under a random key, RFC 2104 and Bellare 2006.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

KEY_BYTES = 32

COMMITMENT = "hmac-sha256"
PLAIN_HASH = "sha256"


@dataclass(frozen=True, slots=True)
class Commitment:
    """What the manifest holds in place of a prompt.

    Attributes:
        algorithm: `hmac-sha256`, or `sha256` for a plain hash.
        digest: 32 bytes; public.
        key: opens the commitment; secret, and never written into a file by us. Empty for a plain
            hash.
    """

    algorithm: str
    digest: bytes
    key: bytes = field(default=b"", repr=False)

    def holds(self, prompt: str) -> bool:
        """True if this is the prompt that was committed to."""
        found = _digest(self.algorithm, prompt, self.key)
        return hmac.compare_digest(found, self.digest)


def commit(prompt: str, key: bytes | None = None) -> Commitment:
    """Commit to a prompt under a fresh key, or under yours.

    Args:
        prompt: is not kept.
        key: at least 32 bytes, another for each picture; to store none, derive it from a secret of
            yours and the picture's request id.

    Raises:
        ValueError: the key is too short to keep guesses out.
    """
    if key is None:
        key = secrets.token_bytes(KEY_BYTES)
    if len(key) < KEY_BYTES:
        raise ValueError(f"the key has {len(key)} bytes; expected at least {KEY_BYTES}")
    return Commitment(COMMITMENT, _digest(COMMITMENT, prompt, key), key)


def plain_hash(prompt: str) -> Commitment:
    """SHA-256 of the prompt: anybody can test guesses against it, for ever."""
    return Commitment(PLAIN_HASH, _digest(PLAIN_HASH, prompt, b""))


def _digest(algorithm: str, prompt: str, key: bytes) -> bytes:
    data = prompt.encode("utf-8", "surrogatepass")
    if algorithm == PLAIN_HASH:
        return hashlib.sha256(data).digest()
    return hmac.digest(key, data, "sha256")
