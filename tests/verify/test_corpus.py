"""Every file of the shared corpus has the state that was found for it by reading, file by file.

`corpus_states.csv` holds one line for each: the class of its credentials without any trust list,
what else is to be said, why, and what was read to find out. That was, for each: the JSON of
c2pa-python 0.38.1, the report of encypher-c2pa 1.7.1, the result of c2pa-ts 0.9.4 where it reads
the format, and for identity assertions the tests of c2pa-rs that the files come from.
"""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from provenance.codec.limits import Limits
from provenance.errors import UnreadablePicture
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Subject
from provenance.verify.media import media_type
from provenance.verify.verifier import Verifier

with Path(__file__).with_name("corpus_states.csv").open(newline="") as _file:
    TABLE = {row["file"]: row for row in csv.DictReader(_file)}

OUTCOMES = {
    "altered": "failed",
    "damaged": "failed",
    "unreadable": "failed",
    "parent-altered": "failed",
    "expired": "unknown",
    "untrusted-signer": "unknown",
    "none": "unknown",
    "remote": "unknown",
}


def expected(row: dict[str, str]) -> list[str]:
    """The classes; the certificates of some signers will have expired one day."""
    today = datetime.now(UTC).date()
    expired = row["until"] and date.fromisoformat(row["until"]) < today
    return ["expired" if expired else row["state"], *filter(None, [row["also"]])]


@pytest.mark.parametrize("name", TABLE)
def test_it_has_the_state_that_was_found_for_it(shared: Path, name: str):
    row, data = TABLE[name], (shared / "corpus" / name).read_bytes()
    if row["state"] == "refused":
        with pytest.raises(UnreadablePicture):
            media_type(data)
        return
    evidence = CredentialsCheck().examine(Subject(data, media_type(data), Limits()))
    found = [e.code.removeprefix("credentials.") for e in evidence if e.source == "credentials"]
    assert found == expected(row), row["why"]


@pytest.mark.parametrize("name", [n for n, row in TABLE.items() if row["state"] != "refused"])
def test_the_whole_verifier_takes_it(shared: Path, name: str):
    report = Verifier.standard().verify(shared / "corpus" / name)
    assert not any(e.code.endswith(".failed") for e in report.evidence)
    assert report.verdict.outcome.value == OUTCOMES[expected(TABLE[name])[0]]


def test_the_table_is_whole(shared: Path):
    files = {
        path.relative_to(shared / "corpus").as_posix()
        for folder in ("c2pa", "meta")
        for path in (shared / "corpus" / folder).rglob("*")
        if path.is_file()
    }
    assert files == set(TABLE)
    assert all(row["why"] and row["read"] for row in TABLE.values())
    assert all(bool(row["until"]) == (row["state"] == "untrusted-signer") for row in TABLE.values())
