"""Every branch of the verdict, and the words that it never uses."""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

import provenance
from provenance.errors import ConfigError
from provenance.evidence import Evidence, Origin, Outcome, Result, Status, Weight
from provenance.verify.policy import StandardPolicy

FORBIDDEN = re.compile(
    r"authentic\b|\bnot (made |generated )?(with |by )?AI\b|\breal (photo|picture)|\bgenuine", re.I
)


def piece(code: str, status: Status, origin: Origin = Origin.UNKNOWN, advice: str = "") -> Evidence:
    details = {"signer": "Acme"} if status is Status.VERIFIED else {}
    return Evidence(code.split(".")[0], code, status, f"<{code}>.", advice, origin, details=details)


TRUSTED = piece("credentials.trusted", Status.VERIFIED, Origin.GENERATED)
CAMERA = piece("credentials.trusted", Status.VERIFIED, Origin.OTHER)
SILENT = piece("credentials.trusted", Status.VERIFIED)
ALTERED = piece("credentials.altered", Status.FAILED, Origin.GENERATED, "Ask.")
STRANGER = piece("credentials.untrusted-signer", Status.CLAIMED, Origin.GENERATED, "Add them.")
EXPIRED = piece("credentials.expired", Status.CLAIMED)
NONE = piece("credentials.none", Status.ABSENT)
REMOTE = piece("credentials.remote", Status.UNCHECKED)
MARK = piece("watermark.found", Status.VERIFIED, Origin.GENERATED)
NO_MARK = piece("watermark.none", Status.ABSENT)
CLAIM = piece("claims.iptc", Status.CLAIMED, Origin.EDITED)
CAMERA_CLAIM = piece("claims.iptc", Status.CLAIMED)


def judge(*evidence: Evidence):
    return StandardPolicy().judge(evidence)


def test_nothing_at_all_is_unknown():
    for evidence in ((), (NONE, NO_MARK), (NONE,)):
        verdict = judge(*evidence)
        assert verdict.outcome is Outcome.UNKNOWN
        assert verdict.origin is Origin.UNKNOWN
        assert verdict.because == ()
        assert "no sign in either direction" in verdict.headline


def test_trusted_credentials_verify():
    verdict = judge(TRUSTED, NO_MARK)
    assert verdict.outcome is Outcome.VERIFIED
    assert verdict.origin is Origin.GENERATED
    assert verdict.because == ("credentials.trusted",)
    assert verdict.headline == (
        "Generated with AI: signed by Acme, whom you trust, and unchanged since."
    )


def test_another_source_is_only_not_stated():
    assert judge(CAMERA).origin is Origin.OTHER
    assert judge(CAMERA).headline.startswith("Not stated as AI: signed by Acme")
    assert judge(SILENT).headline.startswith("Of unstated origin: signed by Acme")


def test_your_mark_is_not_passed_over_for_a_trusted_signer_who_says_otherwise():
    verdict = judge(CAMERA, MARK)
    assert verdict.origin is Origin.GENERATED
    assert verdict.because == ("credentials.trusted", "watermark.found")
    assert verdict.headline == (
        "Generated with AI, says your watermark; not stated as AI, signed by Acme, whom you trust, "
        "and unchanged since."
    )


DRAWN = {"action": "c2pa.created", "source_type": "algorithmicMedia"}
TAKEN = {"action": "c2pa.created", "source_type": "digitalCapture"}


def bound(action: dict[str, str], *, payload: str = "ab") -> tuple[Evidence, Evidence]:
    """Trusted credentials of another source that name a mark, and a mark with the payload `ab`."""
    said = {"signer": "Acme", "actions": [action]}
    named = [{"algorithm": "tile", "payload": payload}]
    return (
        replace(CAMERA, details={**said, "soft_bindings": named}),
        replace(MARK, details={"algorithm": "tile", "payload": "ab"}),
    )


def test_trusted_credentials_that_name_the_mark_say_what_was_marked():
    verdict = judge(*bound(DRAWN))
    assert verdict.outcome is Outcome.VERIFIED
    assert verdict.origin is Origin.OTHER
    assert verdict.result is Result.UNKNOWN
    assert verdict.headline.startswith("Not stated as AI: signed by Acme")


def test_a_mark_that_the_credentials_do_not_name_speaks_for_itself():
    assert judge(*bound(DRAWN, payload="cd")).origin is Origin.GENERATED
    credentials, mark = bound(DRAWN)
    stranger = replace(credentials, status=Status.CLAIMED, code="credentials.untrusted-signer")
    assert judge(stranger, mark).origin is Origin.GENERATED


def test_no_signer_turns_a_marked_picture_into_a_photograph():
    verdict = judge(*bound(TAKEN))
    assert verdict.origin is Origin.GENERATED
    assert verdict.result is Result.CONFLICTING


def test_a_parent_that_failed_is_named_in_the_headline():
    bad = piece("credentials.parent-not-verified", Status.CLAIMED)
    assert judge(TRUSTED, bad).headline.endswith("had already failed its checks.")


@pytest.mark.parametrize(
    ("credentials", "why"),
    [
        (NONE, "credentials are missing"),
        (REMOTE, "credentials were not checked"),
        (STRANGER, "not by a signer on your trust list"),
        (EXPIRED, "their certificate has expired"),
    ],
)
def test_a_mark_alone_verifies_where_it_comes_from(credentials, why):
    verdict = judge(credentials, MARK)
    assert verdict.outcome is Outcome.VERIFIED
    assert verdict.origin is Origin.GENERATED
    assert verdict.because == ("watermark.found",)
    assert verdict.headline.startswith("Carries your watermark. ")
    assert why in verdict.headline


def test_a_mark_without_any_look_at_credentials():
    assert "were not checked" in judge(MARK).headline


@pytest.mark.parametrize("others", [(), (TRUSTED,), (MARK,), (TRUSTED, MARK, CLAIM)])
def test_a_failed_check_fails_the_picture_whatever_else_was_found(others):
    verdict = judge(*others, ALTERED)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.origin is Origin.UNKNOWN
    assert verdict.because[0] == "credentials.altered"
    assert verdict.advice == "Ask."
    assert ("marked by you" in verdict.headline) == (MARK in others)


@pytest.mark.parametrize("code", ["altered", "damaged", "unreadable", "parent-altered"])
def test_each_failure_has_a_headline_of_its_own(code):
    failed = piece(f"credentials.{code}", Status.FAILED)
    assert judge(failed).headline != failed.explanation
    unknown = piece("other.check", Status.FAILED)
    assert judge(unknown).headline == unknown.explanation


def test_a_claim_of_ai_is_repeated_and_not_believed():
    verdict = judge(NONE, NO_MARK, CLAIM)
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.origin is Origin.UNKNOWN
    assert verdict.because == ("claims.iptc",)
    assert "says that it is edited with AI, but nothing that you trust" in verdict.headline


def test_a_claim_of_another_source_is_not_even_repeated():
    verdict = judge(NONE, CAMERA_CLAIM)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "no sign in either direction" in verdict.headline


def test_an_unknown_signer_does_not_verify():
    verdict = judge(STRANGER, NO_MARK)
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.advice == "Add them."


CAPTURED = {"action": "c2pa.created", "source_type": "digitalCapture"}
SHOT = Evidence(
    "credentials",
    "credentials.trusted",
    Status.VERIFIED,
    "Signed.",
    origin=Origin.OTHER,
    details={"signer": "Acme", "actions": [CAPTURED]},
)
EXIF = piece("claims.camera", Status.CLAIMED, Origin.OTHER)
MOVED = piece("recovery.transplanted", Status.FAILED)


def look(source: str, ratio: float, low: float, high: float) -> Evidence:
    return Evidence(
        source,
        f"{source}.seen",
        Status.SUGGESTED,
        f"<{source}>.",
        origin=Origin.GENERATED,
        weight=Weight(ratio, low, high, 800, 900),
    )


STRONG = look("pixels", 80, 40, 160)
WEAK = look("hands", 9, 4, 19)
UNMEASURED = Evidence("text", "text.odd", Status.SUGGESTED, "<text>.")


@pytest.mark.parametrize(
    ("evidence", "result"),
    [
        ((), Result.UNKNOWN),
        ((NONE, NO_MARK), Result.UNKNOWN),
        ((TRUSTED,), Result.GENERATED),
        ((MARK,), Result.GENERATED),
        ((piece("credentials.trusted", Status.VERIFIED, Origin.EDITED),), Result.EDITED),
        ((SHOT,), Result.CAMERA),
        ((CAMERA,), Result.UNKNOWN),  # another source, and no word of a camera
        ((SILENT,), Result.UNKNOWN),
        ((CLAIM,), Result.UNKNOWN),
        ((STRANGER,), Result.UNKNOWN),
        ((EXIF,), Result.UNKNOWN),
        ((ALTERED,), Result.UNKNOWN),
        ((ALTERED, MARK), Result.UNKNOWN),
        ((STRONG,), Result.GENERATED),
        ((WEAK,), Result.UNKNOWN),
        ((UNMEASURED,), Result.UNKNOWN),
        ((STRONG, ALTERED), Result.GENERATED),
        ((STRONG, EXIF), Result.GENERATED),
        ((SHOT, MARK), Result.CONFLICTING),
        ((SHOT, STRONG), Result.CONFLICTING),
        ((SHOT, WEAK), Result.CAMERA),
        ((MARK, MOVED), Result.CONFLICTING),
        ((EXIF, piece("claims.iptc", Status.CLAIMED, Origin.GENERATED)), Result.CONFLICTING),
        ((EXIF, MARK), Result.GENERATED),
    ],
)
def test_the_result_in_one_of_five_words(evidence, result):
    assert judge(*evidence).result is result


def test_looks_never_verify_and_never_state_an_origin():
    verdict = judge(NONE, STRONG)
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.origin is Origin.UNKNOWN
    assert verdict.because == ("pixels.seen",)
    assert verdict.headline.startswith("Probably generated with AI: its pixels look so (pixels)")
    assert verdict.probability == pytest.approx(80 / 81)
    assert verdict.interval == pytest.approx((40 / 41, 160 / 161))
    assert verdict.prior == 0.5


def test_weak_looks_are_named_and_decide_nothing():
    verdict = judge(WEAK)
    assert "too weak for an answer" in verdict.headline
    assert verdict.because == ()
    assert verdict.probability == pytest.approx(0.9)
    assert judge(WEAK, CLAIM).headline == judge(CLAIM).headline


def test_looks_that_were_measured_to_say_nothing_are_no_hint():
    idle = look("text", 0.73, 0.15, 3.68)
    assert judge(idle).headline == judge().headline
    assert judge(idle).probability is None
    (reason,) = judge(idle).reasons
    assert reason.sentence.endswith("its measured weight does not speak for generation.")
    assert judge(UNMEASURED).headline == judge().headline


def test_a_known_prior_moves_the_probability():
    rare = StandardPolicy(prior=0.01).judge([STRONG])
    assert rare.prior == 0.01
    assert rare.probability == pytest.approx(80 / 99 / (1 + 80 / 99))
    assert rare.result is Result.UNKNOWN
    with pytest.raises(ConfigError, match="the prior is 1"):
        StandardPolicy(prior=1)


def test_the_bar_is_on_the_lower_end():
    assert judge(look("pixels", 1000, 18.9, 2000)).result is Result.UNKNOWN
    assert judge(look("pixels", 20, 19.1, 21)).result is Result.GENERATED
    assert StandardPolicy(bar=0.8).judge([look("pixels", 9, 4.1, 19)]).result is Result.GENERATED


def test_a_signature_or_mark_answers_without_odds():
    for evidence in ((TRUSTED, STRONG), (MARK, STRONG), (SHOT, WEAK)):
        verdict = judge(*evidence)
        assert verdict.probability is None
        assert verdict.interval is None
    assert judge(SHOT, STRONG).probability is not None  # the looks stop the answer, so they show


def test_a_camera_original_is_as_good_as_its_signer():
    assert judge(SHOT).headline.startswith("Taken with a camera: signed by Acme, whom you trust")
    assert judge(SHOT).outcome is Outcome.VERIFIED
    assert judge(SHOT).origin is Origin.OTHER


def test_an_unsigned_camera_is_not_repeated_in_the_headline():
    assert judge(EXIF).headline == judge().headline


def test_a_conflict_among_claims_is_the_headline():
    verdict = judge(EXIF, piece("claims.iptc", Status.CLAIMED, Origin.GENERATED))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "Neither is verified, so no answer is given." in verdict.headline
    assert verdict.because == ("claims.camera", "claims.iptc")


def test_reasons_come_by_weight_and_say_whether_they_count():
    verdict = judge(CLAIM, UNMEASURED, WEAK, STRONG, NONE, REMOTE)
    assert [(r.code, r.counted) for r in verdict.reasons] == [
        ("pixels.seen", True),
        ("hands.seen", False),
        ("text.odd", False),
        ("claims.iptc", False),
    ]
    strong, weak, unmeasured, claim = (r.sentence for r in verdict.reasons)
    assert "80 times as often in generated pictures" in strong
    assert "measured on 800 and 900" in strong
    assert "Of 3 checks that look at the same pixels the strongest counts alone" in strong
    assert weak.endswith("Not counted: a stronger one looks at the same pixels.")
    assert unmeasured.endswith("Not counted: what it is worth has not been measured.")
    assert claim.endswith("Counts for nothing by itself: it is not authenticated.")
    assert verdict.reasons[0].weight is STRONG.weight


def test_a_failed_check_comes_first_and_the_rest_does_not_outweigh_it():
    reasons = judge(TRUSTED, MARK, ALTERED).reasons
    assert [(r.code, r.counted) for r in reasons] == [
        ("credentials.altered", True),
        ("credentials.trusted", False),
        ("watermark.found", False),
    ]


def test_coverage_says_what_was_not_looked_for_and_how_often_looks_answer():
    rate = {"rate": 0.62, "low": 0.58, "high": 0.66, "pictures": 812}
    pixels = Evidence(
        "pixels", "pixels.none", Status.ABSENT, "No.", details={"detection_rate": rate}
    )
    assert judge(NONE, REMOTE, NO_MARK).coverage == "2 of 2 checks were completed."
    skipped = piece("hands.no-pixels", Status.UNCHECKED)
    said = judge(NONE, pixels, skipped).coverage
    assert said.startswith("2 of 3 checks were completed (not: hands).")
    assert "62 % of generated pictures (58 to 66 %; measured on 812)" in said


def test_no_headline_calls_a_picture_authentic():
    pieces = (TRUSTED, CAMERA, SILENT, ALTERED, STRANGER, EXPIRED, NONE, REMOTE, MARK, CLAIM)
    pieces += (SHOT, EXIF, STRONG, WEAK)
    for size in range(4):
        for evidence in itertools.permutations(pieces, size):
            verdict = judge(*evidence)
            assert verdict.headline
            said = [c.sentence for c in verdict.contradictions]
            said += [r.sentence for r in verdict.reasons]
            said += [verdict.headline, verdict.advice, verdict.coverage, verdict.result]
            assert not FORBIDDEN.search(" ".join(said))


def strings(path: Path) -> list[str]:
    """Every text in a module but its docstrings, with the gaps of f-strings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documents
    ]


def test_no_text_of_the_library_does():
    modules = sorted(Path(provenance.__file__).parent.rglob("*.py"))
    assert len(modules) > 40
    said = [(p.name, text) for p in modules for text in strings(p) if FORBIDDEN.search(text)]
    assert said == []
