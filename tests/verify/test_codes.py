"""Every C2PA status code that can be met is explained, in plain words."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from provenance.verify.codes import CODES, Kind, explain, nearest


def test_codes_are_well_formed_and_explained():
    for code, known in CODES.items():
        assert known.code == code
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)+", code), code
        assert known.meaning.endswith("."), code
        assert known.kind is not Kind.SUCCESS or not known.advice


def test_every_code_met_in_real_files_is_explained(shared: Path):
    with (shared / "corpus" / "c2pa_readout.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    met = {
        code for row in rows if row["has_c2pa"] == "yes" for code in row["failure_codes"].split(";")
    } - {""}
    assert len(met) > 10
    assert {code for code in met if explain(code) is None} == set()


@pytest.mark.parametrize(
    "code",
    [
        "assertion.dataHash.mismatch",
        "claimSignature.mismatch",
        "signingCredential.untrusted",
        "signingCredential.expired",
        "assertion.action.softBindingMissing",
    ],
)
def test_failures_say_what_to_do(code):
    known = explain(code)
    assert known is not None
    assert known.kind is Kind.FAILURE
    assert known.advice


def test_unknown_codes_have_a_nearest_one_or_none():
    assert explain("no.such.code") is None
    assert nearest("assertion.dataHash.mismach") == "assertion.dataHash.mismatch"
    assert nearest("zzzzzzzz") is None
