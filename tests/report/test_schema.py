"""The published form of the JSON is the form that is written, no wider and no narrower."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provenance.evidence import SCHEMA, Origin, Outcome, Report, Result, Status
from provenance.verify.verifier import Verifier
from tests import signed
from tests.report.made import FAILED, HANDS, MARK, SHOT, report

jsonschema = pytest.importorskip("jsonschema_rs")

PUBLISHED = json.loads(
    (Path(__file__).parents[2] / "docs" / "report-schema.json").read_text(encoding="utf-8")
)
CASES = {
    "nothing": (),
    "mark": (MARK,),
    "camera": (SHOT,),
    "looks": (HANDS,),
    "conflict": (SHOT, MARK, HANDS),
    "failed": (FAILED, HANDS),
}


def validate(made: Report) -> dict[str, Any]:
    record = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    jsonschema.validate(PUBLISHED, record)
    return record


@pytest.mark.parametrize("name", CASES)
def test_reports_of_every_kind_have_the_form(name):
    validate(report(*CASES[name]))


def test_real_reports_have_the_form(pipeline, verifier, scene):
    validate(verifier.verify(pipeline(scene).data))
    validate(Verifier.standard(looks=False).verify(signed.signed().data))
    validate(Verifier.standard(looks=False).verify(b"%PDF-1.7"))


def test_shared_files_have_the_form(shared):
    seen = set()
    for path in sorted((shared / "corpus" / "meta").iterdir())[:40]:
        record = validate(Verifier.standard(looks=False).verify(path))
        seen |= {each["source"] for each in record["evidence"]}
    assert "claims" in seen


def test_the_schema_names_every_word_and_no_other():
    parts = PUBLISHED["$defs"]
    assert PUBLISHED["title"] == SCHEMA
    assert PUBLISHED["properties"]["schema"]["const"] == SCHEMA
    verdict, evidence = parts["verdict"]["properties"], parts["evidence"]["properties"]
    for words, listed in (
        (Outcome, verdict["outcome"]["enum"]),
        (Result, verdict["result"]["enum"]),
        (Origin, parts["origin"]["enum"]),
        (Status, evidence["status"]["enum"]),
    ):
        assert listed == [word.value for word in words]


def test_every_field_is_required_so_that_none_can_vanish():
    record = report(SHOT, MARK, HANDS).to_dict()
    parts = PUBLISHED["$defs"]
    verdict = record["verdict"]
    for fields, part in (
        (record, PUBLISHED),
        (verdict, parts["verdict"]),
        (record["evidence"][2], parts["evidence"]),
        (record["evidence"][2]["boxes"][0], parts["box"]),
        (record["evidence"][2]["weight"], parts["weight"]),
        (verdict["contradictions"][0], parts["contradiction"]),
        (verdict["reasons"][0], parts["reason"]),
    ):
        assert set(fields) == set(part["required"]) == set(part["properties"])


@pytest.mark.parametrize("field", ["verdict", "evidence", "sha256"])
def test_a_field_that_is_missing_is_noticed(field):
    record = report().to_dict()
    del record[field]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(PUBLISHED, record)
