"""What c2pa-rs would sign and stricter readers refuse: refused before it is signed."""

from __future__ import annotations

import copy

import pytest

from provenance import _c2pa
from provenance.errors import SigningFailed
from provenance.sign import source_types
from provenance.sign.interface import Assertion, Edit, Generator, Mark, SourceType, Statement
from provenance.sign.manifest import definition
from provenance.sign.schema import check
from provenance.sign.sign import sign
from provenance.watermark.payload import Payload
from tests import signed

DC = {"dc": "http://purl.org/dc/elements/1.1/"}


def signed_with(**says) -> bytes:
    return sign(signed.encoded(), Statement(signed.GENERATOR, **says), signed.signer()).data


@pytest.mark.parametrize(
    "label",
    [
        "com/example",
        "../../etc/passwd",
        "com.Example.review",
        "review",
        "com.example.review__2",
        "com.example.",
        "com.example.ä",
        "com.example review",
        "",
    ],
)
def test_a_bad_label_is_refused(label):
    with pytest.raises(SigningFailed, match="is no label; expected reverse domain form"):
        signed_with(extra=(Assertion(label, {}),))


@pytest.mark.parametrize(
    "label", ["c2pa.hash.data", "c2pa.soft-binding", "c2pa.nonsense", "cawg.identity", "stds.exif"]
)
def test_a_label_of_c2pa_is_not_for_own_assertions(label):
    with pytest.raises(SigningFailed, match=r"C2PA's and not|two assertions"):
        signed_with(extra=(Assertion(label, {}),), mark=Mark("com.example.mark.1", Payload(1)))


def test_the_same_label_twice_is_refused():
    with pytest.raises(SigningFailed, match=r"two assertions com\.example\.a"):
        signed_with(extra=(Assertion("com.example.a", {}),) * 2)


def test_own_assertions_are_signed():
    data = signed_with(extra=(Assertion("com.example.review-1.v2", {"by": "Ada"}),))
    assert signed.codes(data, *signed.anchors()) == ["trusted"]


@pytest.mark.parametrize(
    ("action", "match"),
    [
        ("c2pa.beautified", "there is no action c2pa.beautified"),
        ("beautified", "is no action; expected reverse domain form"),
        ("c2pa.created", "c2pa.created is action 2; expected created or opened first"),
        ("c2pa.opened", "c2pa.opened is action 2"),
        ("c2pa.watermarked", "needs a soft binding"),
    ],
)
def test_a_bad_action_is_refused(action, match):
    with pytest.raises(SigningFailed, match=match):
        signed_with(edits=(Edit(action),))


@pytest.mark.parametrize(
    "action", ["c2pa.cropped", "com.example.relit", "c2pa.resized.proportional"]
)
def test_known_and_own_actions_are_signed(action):
    data = signed_with(edits=(Edit(action, SourceType.HUMAN_EDITS, "by hand"),))
    assert signed.codes(data, *signed.anchors()) == ["trusted"]


def test_software_needs_a_name():
    with pytest.raises(SigningFailed, match=r"software of c2pa\.created has no name"):
        sign(signed.encoded(), Statement(Generator(" ")), signed.signer())


def altered(**changes) -> dict:
    """A definition whose first action is changed."""
    made = copy.deepcopy(definition(Statement(signed.GENERATOR), "urn:c2pa:x"))
    made["assertions"][0]["data"]["actions"][0].update(changes)
    return made


@pytest.mark.parametrize(
    "when",
    [
        "yesterday", "2026-11-21", "2026-11-21T12:00:00", "2026-13-21T12:00:00Z",
        "2026-02-30T12:00:00Z", "2026-11-21T25:00:00Z", "2026-11-21 12:00:00Z", None, 7,
    ],
)  # fmt: skip
def test_a_bad_date_is_refused(when):
    with pytest.raises(SigningFailed, match="has the date"):
        check(altered(when=when))


@pytest.mark.parametrize("when", ["2026-11-21T12:00:00Z", "2026-11-21T12:00:00.5+01:00"])
def test_a_good_date_passes(when):
    check(altered(when=when))


@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ("trainedAlgorithmicMedia", "it is not written as IPTC writes it"),
        (
            "https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
            "use http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        ),
        ("http://cv.iptc.org/newscodes/digitalsourcetype/madeUp", "not among the IPTC codes"),
        ("http://cv.iptc.org/newscodes/digitalsourcetype/", "not among the IPTC codes"),
        ("http://cv.iptc.org/newscodes/digitalsourcetype/digitalArt", "has retired digitalArt"),
    ],
)
def test_a_bad_source_type_is_refused(uri, match):
    with pytest.raises(SigningFailed, match=match):
        check(altered(digitalSourceType=uri))


def test_a_creation_needs_a_source_type():
    with pytest.raises(SigningFailed, match=r"c2pa\.created has no source type"):
        check(altered(digitalSourceType=None))


@pytest.mark.parametrize("code", SourceType)
def test_every_code_of_iptc_passes(code):
    assert source_types.problem(code.uri) is None
    check(altered(digitalSourceType=code.uri))


def test_the_codes_that_c2pa_knows_are_ours_and_the_retired():
    library = _c2pa.load()
    known = {t.name.replace("_", "").lower() for t in library.C2paDigitalSourceType}
    ours = {str(code).lower() for code in (*SourceType, *source_types.RETIRED)}
    assert known - {"empty", "trainedalgorithmicdata"} <= ours


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ({"dc:date": "2026"}, "no @context"),
        ({"@context": {}, "dc:date": "2026"}, "no @context"),
        ({"@context": DC, "tiff:Make": "x"}, "whose prefix @context does not name"),
        ({"@context": DC, "dc:title": "x"}, "must not hold dc:title"),
        ({"@context": {"foo": "http://foo/"}, "foo:bar": 1}, "must not hold foo:bar"),
    ],
)
def test_bad_metadata_is_refused(data, match):
    with pytest.raises(SigningFailed, match=match):
        signed_with(extra=(Assertion("c2pa.metadata", data),))


def test_good_metadata_is_signed_and_free_metadata_has_its_place():
    data = signed_with(
        extra=(
            Assertion("c2pa.metadata", {"@context": DC, "dc:date": "2026"}),
            Assertion("cawg.metadata", {"@context": DC, "dc:title": "A"}),
        )
    )
    assert signed.codes(data, *signed.anchors()) == ["trusted"]


def test_every_fault_is_named_at_once():
    with pytest.raises(SigningFailed, match=r"there is no action.*is no label") as info:
        signed_with(prompt="secret", edits=(Edit("c2pa.x"),), extra=(Assertion("NO", {}),))
    assert "secret" not in str(info.value)
