"""Our copy of C2PA's list holds what the list says, in its form."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from provenance.registry.fingerprint import ALGORITHM
from provenance.verify import schemes

TABLE = Path(schemes.__file__).with_name("softbindings.toml")


def test_every_entry_is_whole():
    found = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    assert re.fullmatch(r"[0-9a-f]{40}", found["commit"])
    entries = found["algorithms"]
    assert [entry["number"] for entry in entries.values()] == list(range(1, 54))
    assert max(entry["entered"] for entry in entries.values()) == found["newest"]
    for algorithm, entry in entries.items():
        # The form that the list's schema asks for.
        assert re.fullmatch(r"[A-Za-z]{2,63}(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+", algorithm)
        assert entry["kind"] in {"watermark", "fingerprint"}
        assert set(entry["media"]) <= {"image", "video", "audio", "text", "application"}
        assert entry["media"] and entry["name"] and date(2024, 5, 1) < entry["entered"]


@pytest.mark.parametrize(
    ("algorithm", "kind", "maker"),
    [
        ("com.adobe.trustmark.P", "watermark", "Adobe TrustMark"),
        ("com.digimarc.validate.1", "watermark", "Digimarc"),
        ("com.microsoft.invismark.1", "watermark", "Microsoft"),
        ("com.adobe.icn.dense", "fingerprint", "Adobe"),
        ("io.iscc.v0", "fingerprint", "ISO 24138"),
    ],
)
def test_known_makers(algorithm, kind, maker):
    found = schemes.scheme(algorithm)
    assert found is not None
    assert found.kind == kind
    assert maker in found.name
    assert "image" in found.media


@pytest.mark.parametrize("algorithm", ["", "None", "com.adobe.trustmark.p", "com.example.none.1"])
def test_others_are_not_on_the_list(algorithm):
    assert schemes.scheme(algorithm) is None


def test_ours_are_told_apart_by_their_beginning():
    assert ALGORITHM.startswith(schemes.OURS)
    assert not any(algorithm.startswith(schemes.OURS) for algorithm in schemes.schemes())
