"""Gathers evidence about one file. Concludes nothing itself: that is the policy's work."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provenance._stopwatch import Stopwatch
from provenance.codec.decode import read_bytes
from provenance.codec.limits import Limits
from provenance.errors import ProvenanceError, TooLarge
from provenance.evidence import Evidence, Report, Status
from provenance.picture import Picture
from provenance.verify.bindings import Bindings
from provenance.verify.claims import ClaimsCheck
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Check, Subject, VerdictPolicy
from provenance.verify.mark import MarkCheck
from provenance.verify.media import media_type
from provenance.verify.policy import StandardPolicy
from provenance.verify.remote import ManifestFetcher
from provenance.verify.stamps import StampCheck

if TYPE_CHECKING:
    from provenance.config import Config
    from provenance.watermark.interface import Watermarker


class Verifier:
    """Says what is known of a picture.

    Args:
        checks: in the order of their weight.
        policy: turns their evidence into a verdict.
        limits: on bytes and pixels, held before anything is decoded.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        policy: VerdictPolicy | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._checks = tuple(checks)
        self._policy = policy or StandardPolicy()
        self._limits = limits or Limits()

    @classmethod
    def standard(
        cls,
        *,
        anchors: Sequence[str] = (),
        watermarkers: Sequence[Watermarker] = (),
        limits: Limits | None = None,
        online: bool = False,
        looks: bool = True,
    ) -> Verifier:
        """Credentials, watermark, stamps, claims and looks; what cannot be checked, it says.

        Args:
            anchors: PEM bundles of the signers that you trust.
            watermarkers: the scheme with each of your keys, the one in use first.
            limits: on bytes and pixels.
            online: fetch a manifest from the address that a file names, if it is a public one.
            looks: judge the pixels as well, which takes most of the time.
        """
        checks: tuple[Check, ...] = (
            CredentialsCheck(
                anchors,
                fetch=ManifestFetcher() if online else None,
                bindings=Bindings(elsewhere={w.algorithm for w in watermarkers}),
            ),
            MarkCheck(*watermarkers),
            StampCheck(),
            ClaimsCheck(),
            *(_looks() if looks else ()),
        )
        return cls(checks, limits=limits)

    @classmethod
    def from_config(cls, config: Config, *, online: bool = False, looks: bool = True) -> Verifier:
        """With the trust anchors, watermark keys and registry of a `provenance.toml`.

        Args:
            config: the settings.
            online: fetch a manifest from the address that a file names, if it is a public one.
            looks: judge the pixels as well, which takes most of the time.
        """
        from provenance.keys import revoked_serials
        from provenance.registry.recovery import RecoveryCheck
        from provenance.registry.remember import Remembering

        anchors = config.anchors()
        fetch = ManifestFetcher() if online else None
        marks = [Remembering(w) for w in config.watermarkers()]
        credentials = CredentialsCheck(
            anchors,
            config.timestamp_anchors(),
            fetch,
            revoked_serials(config),
            Bindings(elsewhere={w.algorithm for w in marks}),
        )
        registry = config.registry()
        checks: list[Check] = [credentials, MarkCheck(*marks)]
        if registry is not None:
            checks.append(RecoveryCheck(registry, marks, anchors))
        checks += [StampCheck(), ClaimsCheck(), *(_looks() if looks else ())]
        return cls(checks, limits=config.limits)

    def verify(self, source: str | Path | bytes, *, name: str | None = None) -> Report:
        """Examine a file, or its bytes.

        Raises:
            UnreadablePicture: empty, damaged, or no kind of file that we know.
            TooLarge: over the limits.
        """
        data = source if isinstance(source, bytes) else read_bytes(source, self._limits)
        if len(data) > self._limits.max_bytes:
            raise TooLarge(
                f"the file has {len(data):,} bytes, the limit is {self._limits.max_bytes:,}; "
                "raise [limits] max_bytes in provenance.toml if you trust it"
            )
        label = name or ("-" if isinstance(source, bytes) else str(source))
        kind = media_type(data)
        subject = Subject(data, kind, self._limits)
        watch = Stopwatch()
        with watch("decode"):
            picture = subject.picture
        evidence: list[Evidence] = []
        for check in self._checks:
            with watch(check.name):
                evidence += examined(check, subject)
        size = (picture.width, picture.height) if isinstance(picture, Picture) else (None, None)
        return Report(
            name=label,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            media_type=kind,
            width=size[0],
            height=size[1],
            verdict=self._policy.judge(evidence),
            evidence=tuple(evidence),
            timings=watch.seconds,
        )


def _looks() -> tuple[Check, ...]:
    """What the pixels suggest."""
    from provenance.detect.hands.check import HandsCheck
    from provenance.detect.limbs import LimbsCheck
    from provenance.detect.pixels import PixelsCheck
    from provenance.detect.published.check import installed
    from provenance.detect.text.check import TextCheck

    return (PixelsCheck(), HandsCheck(), TextCheck(), LimbsCheck(), *installed())


def examined(check: Check, subject: Subject) -> Sequence[Evidence]:
    """Run one check; a check that breaks is reported as not checked and the others go on."""
    try:
        return check.examine(subject)
    except ProvenanceError:
        raise
    except Exception as error:  # hostile input finds ways to fail that nobody listed
        return (
            Evidence(
                check.name,
                f"{check.name}.failed",
                Status.UNCHECKED,
                f"The check could not be completed ({type(error).__name__}).",
                "Please report this file as a bug.",
            ),
        )
