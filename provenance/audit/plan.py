"""What an audit was asked to do (`Asked`), fixed before it starts, so that it can go on later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from provenance.errors import ConfigError


class Pixels(StrEnum):
    """Whose pixels are decoded."""

    NONE = "none"
    """Nobody's: headers alone."""
    DOUBT = "doubt"
    """Those of whose origin the headers say nothing."""
    SAMPLE = "sample"
    """A random part."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for. Two audits with the same `digest` of the same data give the same rows.

    Attributes:
        pixels: whose pixels are decoded.
        share: the part of all files for `Pixels.SAMPLE`, above 0 and at most 1.
        seed: of the sample.
        credentials: read C2PA manifests, which takes the whole file where there is one.
        moderation: score what is unsafe.
        detector: ask whether the pixels look generated.
        tells: look for malformed hands and gibberish text as well, which is slow.
        watermark: look for your own mark and for known stamps.
        duplicates: take fingerprints for near-duplicates.
        max_bytes: larger files are refused.
        max_pixels: larger pictures are refused.
        versions: of models and thresholds, by name; filled in by the auditor.
    """

    pixels: Pixels = Pixels.DOUBT
    share: float = 1.0
    seed: int = 0
    credentials: bool = True
    moderation: bool = True
    detector: bool = True
    tells: bool = False
    watermark: bool = True
    duplicates: bool = True
    max_bytes: int = 256 * 1024 * 1024
    max_pixels: int = 100_000_000
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the promise on the share.

        Raises:
            ConfigError: it is none.
        """
        if not 0 < self.share <= 1:
            raise ConfigError(f"the sample is {self.share:g} of all; expected above 0, at most 1")

    @property
    def digest(self) -> str:
        """SHA-256 of everything above, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def chosen(self, path: str) -> bool:
        """Whether a file is in the random sample: it depends on its path and the seed alone.

        Each file is in it with the probability `share`, whatever else there is, so that shards can
        be worked on anywhere and in any order (Bernoulli sampling).
        """
        key = f"{self.seed}\0{path}".encode()
        drawn = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")
        return drawn < self.share * 2.0**64

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "pixels": self.pixels.value, "versions": dict(self.versions)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Asked:
        """What `to_dict` gave."""
        return cls(**{**values, "pixels": Pixels(values["pixels"])})
