"""The second stage: one decode, of which everything that looks at pixels has its share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from provenance.audit.headers import plain
from provenance.audit.interface import Found, Row, State
from provenance.audit.plan import Asked
from provenance.claims.headers import Headers
from provenance.codec.limits import Limits
from provenance.errors import (
    Blocked,
    ConfigError,
    InputError,
    ProvenanceError,
    TooLarge,
    UnsupportedPicture,
)
from provenance.evidence import Evidence, Origin, Status
from provenance.moderate.interface import Action
from provenance.picture import Picture
from provenance.registry.fingerprint import fingerprint
from provenance.verify.claims import ClaimsCheck
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Check, Subject
from provenance.verify.mark import MarkCheck
from provenance.verify.media import media_type
from provenance.verify.policy import StandardPolicy
from provenance.verify.stamps import StampCheck
from provenance.verify.verifier import examined

if TYPE_CHECKING:
    from provenance.config import Config
    from provenance.moderate.moderator import Moderator

_SPEAKING = (Status.VERIFIED, Status.FAILED, Status.CLAIMED, Status.SUGGESTED)


class PixelStage:
    """Examines whole files. Loads its models at the first of them, once in a process.

    Args:
        asked: what to look for.
        config: your keys and anchors; without one, no mark of yours is looked for and no signer
            is trusted.
    """

    def __init__(self, asked: Asked, config: Config | None = None) -> None:
        self._asked = asked
        self._limits = Limits(max_bytes=asked.max_bytes, max_pixels=asked.max_pixels)
        anchors = config.anchors() if config else ()
        stamps = config.timestamp_anchors() if config else ()
        self._credentials = CredentialsCheck(anchors, stamps)
        self._looks = self._checks(config)
        self._moderator = self._judge(config)
        self._policy = StandardPolicy()

    def whole(self, row: Row, data: bytes, headers: Headers, *, pixels: bool) -> Row:
        """The row with what credentials say and, if asked for, pixels.

        Args:
            row: as the headers left it.
            data: the whole file.
            headers: of the file.
            pixels: decode it; credentials alone otherwise.
        """
        row = replace(row, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        if len(data) > self._asked.max_bytes:
            problem = f"the file has {len(data):,} bytes, the limit is {self._asked.max_bytes:,}"
            return replace(row, state=State.REFUSED, problem=problem)
        try:
            subject = Subject(data, media_type(data), self._limits)
            if not pixels:
                return self._judged(row, self._signed(subject, headers))
            picture = subject.picture
        except TooLarge as error:
            return replace(row, state=State.REFUSED, problem=plain(str(error)))
        except InputError as error:
            return replace(row, state=State.CORRUPT, problem=plain(str(error)))
        if isinstance(picture, UnsupportedPicture):
            return replace(row, state=State.REFUSED, problem=plain(str(picture)))
        looks = (each for check in self._looks for each in examined(check, subject))
        evidence = [*self._signed(subject, headers), *looks]
        row = replace(
            row,
            examined="pixels",
            media_type=subject.media_type,
            width=picture.width,
            height=picture.height,
        )
        if self._asked.duplicates:
            taken = fingerprint(picture)
            row = replace(row, fingerprint=taken.to_bytes() if taken else None)
        return self._moderated(self._judged(row, evidence), picture)

    def _checks(self, config: Config | None) -> tuple[Check, ...]:
        checks: list[Check] = [ClaimsCheck()]
        if self._asked.watermark:
            marks = config.watermarkers() if config else ()
            checks += [MarkCheck(*marks), StampCheck()]
        if self._asked.detector:
            from provenance.detect.pixels import PixelsCheck

            checks.append(PixelsCheck())
        if self._asked.tells:
            from provenance.detect.hands.check import HandsCheck
            from provenance.detect.text.check import TextCheck

            checks += [HandsCheck(), TextCheck()]
        return tuple(checks)

    def _judge(self, config: Config | None) -> Moderator | None:
        if not self._asked.moderation:
            return None
        from provenance.moderate import build, policy_file

        policy = config.policy if config else policy_file.preset("standard")
        return build.moderator(replace(policy, on_missing="report"))

    def _signed(self, subject: Subject, headers: Headers) -> Sequence[Evidence]:
        if not self._asked.credentials or not headers.credentials:
            return ()
        return self._credentials.examine(subject)

    def _judged(self, row: Row, evidence: Sequence[Evidence]) -> Row:
        """The row with evidence, its verdict, and what single columns repeat of it."""
        found = tuple(_found(e) for e in evidence if e.status in _SPEAKING)
        verdict = self._policy.judge(evidence)
        looked = next((e for e in evidence if e.source == "pixels"), None)
        judged = looked is not None and looked.status is not Status.UNCHECKED
        claims = [e for e in evidence if e.source == "claims" and e.status is Status.CLAIMED]
        if row.examined == "headers":  # claims were read before, and are not read again
            found = (*row.evidence, *found)
        else:
            origins = {e.origin for e in claims}
            claimed = next((o.value for o in (Origin.GENERATED, Origin.EDITED) if o in origins), "")
            row = replace(row, claimed=claimed, camera=_has(claims, "claims.camera"))
        signed = next((e for e in evidence if e.source == "credentials"), None)
        says = next((f.says for f in found if f.says and f.code != "claims.camera"), "")
        return replace(
            row,
            result=verdict.result.value,
            evidence=found,
            generator=row.generator or says,
            watermark=_mark(evidence),
            opt_out=tuple(sorted({*row.opt_out, *_refused(signed)})),
            pixel_score=looked.score if looked is not None and judged else None,
            pixel_call=looked.status is Status.SUGGESTED if looked is not None and judged else None,
        )

    def _moderated(self, row: Row, picture: Picture) -> Row:
        if self._moderator is None:
            return row
        try:
            decision = self._moderator.check_picture(picture)
        except ConfigError:
            raise
        except Blocked as error:
            score = 1.0 if error.score is None else error.score
            return replace(
                row, action="block", causes=(error.category,), unsafe={error.category: score}
            )
        except ProvenanceError as error:
            return replace(row, action="not judged", problem=plain(str(error)))
        scores = {f.category: f.score for f in decision.findings if f.score is not None}
        allowed = decision.action is Action.ALLOW
        causes = () if allowed else tuple(sorted({f.category for f in decision.causes()}))
        return replace(row, action=decision.action.value, causes=causes, unsafe=scores)


def _found(evidence: Evidence) -> Found:
    facts = evidence.details
    says = facts.get("generator") or facts.get("signer") or facts.get("payload") or ""
    return Found(
        evidence.code,
        evidence.status.value,
        plain(str(says)),
        evidence.score,
        evidence.false_positive_rate,
    )


def _has(evidence: Sequence[Evidence], code: str) -> bool:
    return any(e.code == code for e in evidence)


def _mark(evidence: Sequence[Evidence]) -> str:
    """Ours, or a stamp, or the scheme that credentials name; empty for none."""
    for each in evidence:
        if each.source == "watermark" and each.status is Status.VERIFIED:
            return "ours"
        if each.code == "stamps.found":
            return plain(str(each.details.get("generator") or "stamp"))
    for each in evidence:
        bindings = each.details.get("soft_bindings") if each.source == "credentials" else None
        if bindings:
            return plain(str(bindings[0].get("algorithm")))
    return ""


def _refused(signed: Evidence | None) -> tuple[str, ...]:
    uses = signed.details.get("opt_out") if signed is not None else None
    return tuple(str(use) for use in uses or ())
