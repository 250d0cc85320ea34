"""Every signed file of the shared corpus gets a class, and the one that c2pa's readout implies.

`c2pa_readout.csv` holds what c2pa-python 0.38.1 said of each file offline, with no trust list and
with c2pa's default key usages. From it the class follows by rule; where it does not, `EXCEPTIONS`
says why.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from provenance.codec.limits import Limits
from provenance.errors import UnreadablePicture
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Subject
from provenance.verify.media import media_type
from provenance.verify.verifier import Verifier

UNTRUSTED, EXPIRED = "signingCredential.untrusted", "signingCredential.expired"

EXCEPTIONS = {
    # Key usages: we accept documentSigning, which c2pa's default does not, so that the certificate
    # is merely unknown.
    "meta/remove-ai-watermarks__samsung_samsung_black_1.png": "untrusted-signer",
    # The readout lists the failures of the newest manifest; here its ancestor's signature broke
    # after it had been added, which only the deltas tell.
    "c2pa/c2pa-python/jpg/CIE-sig-CA.jpg": "parent-altered",
    # The store is there, and c2pa raises rather than reports: "unknown algorithm".
    "c2pa/c2pa-rs/jpg/no_alg.jpg": "unreadable",
}

BAD_PARENTS = {
    "c2pa/c2pa-rs/jpg/CIE-sig-CA.jpg",
    "c2pa/c2pa-python/jpg/CIE-sig-CA.jpg",
    "c2pa/c2pa-python/jpg/CACAE-uri-CA.jpg",
}
"""Their ingredients were bad when they were added (fixtures named E: with an error)."""

REFUSED = {"c2pa/c2pa-rs/c2pa/cloud_manifest.c2pa"}
"""A manifest store without a picture: no kind of file that we know."""


def implied(row: dict[str, str]) -> str:
    """The class by rule."""
    codes = row["failure_codes"]
    if row["has_c2pa"] != "yes":
        return (
            "remote"
            if codes.startswith("Remote:") or "Remote" in row["validation_state"]
            else ("none")
        )
    failures = {c for c in codes.split(";") if c and not c.startswith("cawg.")}
    if any(c.endswith(("Hash.mismatch",)) and c.startswith("assertion.") for c in failures):
        return "altered"
    if failures - {UNTRUSTED, EXPIRED}:
        return "damaged"
    return "expired" if EXPIRED in failures else "untrusted-signer"


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, str]]:
    with (shared / "corpus" / "c2pa_readout.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_has_the_class_that_the_readout_implies(shared, rows):
    check = CredentialsCheck()
    wrong = {}
    for row in rows:
        name = row["path"]
        data = (shared / "corpus" / name).read_bytes()
        if name in REFUSED:
            with pytest.raises(UnreadablePicture):
                media_type(data)
            continue
        first, *others = check.examine(Subject(data, media_type(data), Limits()))
        expected = f"credentials.{EXCEPTIONS.get(name) or implied(row)}"
        if first.code != expected:
            wrong[name] = (first.code, expected)
        hidden = [e.code for e in others]
        assert hidden == (["credentials.parent-not-verified"] if name in BAD_PARENTS else []), name
    assert wrong == {}
    assert len(rows) > 70


def test_the_exceptions_are_exceptions(rows):
    by_name = {row["path"]: row for row in rows}
    assert all(implied(by_name[name]) != kind for name, kind in EXCEPTIONS.items())


def test_the_whole_verifier_takes_every_file_of_the_folder(shared):
    verifier = Verifier.standard()
    files = [p for p in sorted((shared / "corpus" / "c2pa").rglob("*")) if p.is_file()]
    for path in files:
        if str(path.relative_to(shared / "corpus")) in REFUSED:
            continue
        report = verifier.verify(path)
        assert not any(e.code.endswith(".failed") for e in report.evidence), path
        assert report.verdict.outcome.value in {"failed", "unknown"}, path
    assert len(files) > 40
