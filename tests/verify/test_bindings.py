"""Marks and fingerprints of others: named always, read where somebody offers a reader."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from provenance.codec.encode import encode
from provenance.codec.limits import Limits
from provenance.evidence import Evidence, Origin, Status
from provenance.picture import Encoding, Picture
from provenance.verify import store
from provenance.verify.bindings import Binding, BindingReader, Bindings, Match, installed
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Subject
from tests import signed

TRUSTMARK = "com.adobe.trustmark.P"
HERE = Binding(TRUSTMARK, "MioxMDAx")
AWAY = Binding(TRUSTMARK, "MioxMTEx")


class CornerReader:
    """A scheme for tests: the picture's first pixel says which of two marks it carries."""

    def compare(self, picture: Picture, binding: Binding) -> Match:
        level = int(picture.pixels[0, 0, 0])
        if level == 0:
            return Match.NONE
        carried = HERE if level == 1 else AWAY
        return Match.SAME if binding.value == carried.value else Match.OTHER


def subject(first: int | None = None) -> Subject:
    picture = signed.drawing()
    if first is not None:
        pixels = picture.pixels.copy()
        pixels[0, 0] = first
        picture = picture.with_pixels(pixels)
    return Subject(encode(picture, Encoding()).data, "image/png", Limits())


def report(
    *named: Binding, reader: Callable[[], BindingReader] | None = None, first: int | None = None
) -> tuple[Evidence, ...]:
    readers = {TRUSTMARK: reader} if reader else {}
    return tuple(Bindings(readers).report(named, subject(first)))


def check_contract(make: Callable[[], BindingReader], marked: Picture, binding: Binding) -> None:
    """What every reader must do; `marked` carries what `binding` names."""
    reader = make()
    before = marked.pixels.copy()
    assert reader.compare(marked, binding) is Match.SAME
    assert (marked.pixels == before).all(), "a reader does not alter what it is shown"
    assert reader.compare(marked, binding) is Match.SAME, "and says the same when asked again"
    for foreign in ("", "!!", "ä" * 5000, "AAAA"):
        assert reader.compare(marked, Binding(binding.algorithm, foreign)) is not Match.SAME
    plain = marked.with_pixels(before * 0)
    assert reader.compare(plain, binding) is Match.NONE


def test_a_reader_keeps_the_contract():
    picture = signed.drawing()
    pixels = picture.pixels.copy()
    pixels[0, 0] = 1
    check_contract(CornerReader, picture.with_pixels(pixels), HERE)


def test_a_known_scheme_is_named_though_nobody_reads_it():
    (found,) = report(HERE)
    assert found.code == "bindings.not-read"
    assert found.status is Status.UNCHECKED
    assert found.origin is Origin.UNKNOWN
    assert (
        "a watermark, Adobe TrustMark, variant P (com.adobe.trustmark.P), which was not read"
        in (found.explanation)
    )
    assert found.details["kind"] == "watermark"


def test_a_scheme_on_no_list_is_named_as_such():
    (found,) = report(Binding("com.example.none.1", "AAAA"))
    assert found.code == "bindings.unknown"
    assert "com.example.none.1, which was not read, and is not on our list" in found.explanation
    assert found.details == {"algorithm": "com.example.none.1"}


def test_what_other_checks_read_is_not_repeated():
    ours = Binding("org.provenance-kit.tile.1", "AAAA")
    assert report(ours) == ()
    bindings = Bindings({}, elsewhere={TRUSTMARK})
    assert tuple(bindings.report([ours, HERE], subject())) == ()


@pytest.mark.parametrize(
    ("first", "code", "status"),
    [
        (1, "bindings.same", Status.CLAIMED),
        (2, "bindings.other", Status.CLAIMED),
        (0, "bindings.none", Status.ABSENT),
    ],
)
def test_a_reader_is_asked(first, code, status):
    (found,) = report(HERE, reader=CornerReader, first=first)
    assert (found.code, found.status, found.origin) == (code, status, Origin.UNKNOWN)


def test_each_value_is_read_and_each_unread_scheme_named_once():
    assert [e.code for e in report(HERE, AWAY, HERE)] == ["bindings.not-read"]
    codes = [e.code for e in report(HERE, AWAY, HERE, reader=CornerReader, first=1)]
    assert codes == ["bindings.same", "bindings.other"]


def broken() -> BindingReader:
    raise RuntimeError("the\nweights are gone")


class Odd:
    """Answers what no reader answers."""

    def compare(self, picture: Picture, binding: Binding) -> Match:
        return "yes"


@pytest.mark.parametrize("reader", [broken, Odd])
def test_a_reader_that_breaks_is_reported(reader):
    (found,) = report(HERE, reader=reader)
    assert (found.code, found.status) == ("bindings.failed", Status.UNCHECKED)
    assert found.explanation.isprintable()


def test_without_pixels_nothing_is_read():
    bindings = Bindings({TRUSTMARK: CornerReader})
    (found,) = bindings.report([HERE], Subject(b"%PDF-", "application/pdf", Limits()))
    assert (found.code, found.status) == ("bindings.not-read", Status.UNCHECKED)


def test_hostile_names_are_cut_and_kept_on_one_line():
    named = [Binding(f"com.\n\x1b[31m{n}." + "a" * 5000, "") for n in range(5000)]
    found = report(*named)
    assert len(found) == 16
    assert all(e.explanation.isprintable() and len(e.explanation) < 300 for e in found)


@pytest.mark.parametrize("value", ["AAEC", "2*1001", [1, 2], None])
def test_values_are_kept_as_they_stand(value):
    manifest = {
        "assertions": [
            {"label": "c2pa.soft-binding", "data": {"alg": "x", "blocks": [{"value": value}]}}
        ]
    }
    (binding,) = store.bindings({"active_manifest": "m", "manifests": {"m": manifest}})
    assert binding == Binding("x", value if isinstance(value, str) else "")


def test_a_package_offers_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    info = tmp_path / "marks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: marks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[provenance.binding_readers]\n{TRUSTMARK} = marks_for_tests:Reader\n"
    )
    (tmp_path / "marks_for_tests.py").write_text(
        textwrap.dedent("""
        from provenance.verify.bindings import Match

        class Reader:
            def compare(self, picture, binding):
                return Match.SAME
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    offered = installed()
    assert "marks_for_tests" not in sys.modules, "nothing is imported before it is asked for"
    (found,) = Bindings(offered).report([HERE], subject())
    assert found.code == "bindings.same"
    (found,) = Bindings().report([HERE], subject())
    assert found.code == "bindings.same"


def test_real_credentials(shared: Path):
    path = shared / "corpus/c2pa/c2pa-rs/jpg/adobe_connected_identities.jpg"
    subject = Subject(path.read_bytes(), "image/jpeg", Limits())
    first, *rest = CredentialsCheck(bindings=Bindings({})).examine(subject)
    assert first.source == "credentials"
    assert [(e.code, e.details["algorithm"]) for e in rest] == [
        ("bindings.not-read", "com.adobe.trustmark.P"),
        ("bindings.not-read", "com.adobe.icn.dense"),
    ]
