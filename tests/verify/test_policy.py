"""Every branch of the verdict, and the words that it never uses."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import pytest

import provenance
from provenance.evidence import Evidence, Origin, Outcome, Status
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


def test_no_headline_calls_a_picture_authentic():
    pieces = (TRUSTED, CAMERA, SILENT, ALTERED, STRANGER, EXPIRED, NONE, REMOTE, MARK, CLAIM)
    for size in range(4):
        for evidence in itertools.permutations(pieces, size):
            verdict = judge(*evidence)
            assert verdict.headline
            assert not FORBIDDEN.search(verdict.headline + verdict.advice)


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
