"""China's label in every serialisation that is written, and how it departs from the standard."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.claims import aigc
from provenance.evidence import Origin
from tests.claims import files
from tests.claims.test_securitydata import ONE, stepfun

DOUBAO = "001191110102MACQD9K64010000"
LABEL = {
    "Label": "1",
    "ContentProducer": DOUBAO,
    "ProduceID": "e357",
    "ReservedCode1": "",
    "ContentPropagator": "",
    "PropagateID": "",
    "ReservedCode2": "",
}
TEXT = json.dumps(LABEL)
WRAPPED = json.dumps({"AIGC": LABEL})
NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
DESCRIPTION = 0x010E


def packed_in_xmp(body: str) -> bytes:
    packet = files.xmp(body, f'xmlns:TC260="{NAMESPACE}"')
    return files.png(files.international("XML:com.adobe.xmp", packet))


def in_exif(tags=None, **inner) -> bytes:
    return files.jpeg(files.segment(0xE1, files.exif(tags or {}, **inner)))


ESCAPED = TEXT.replace('"', "&quot;")
PLACES = {
    "XMP AIGC": packed_in_xmp(
        f"<rdf:Description><TC260:AIGC>{TEXT}</TC260:AIGC></rdf:Description>"
    ),
    "XMP AIGC ": packed_in_xmp(f'<rdf:Description TC260:AIGC="{ESCAPED}"/>'),
    "PNG text 'AIGC'": files.png(files.text("AIGC", TEXT)),
    "PNG text 'AIGC' ": files.png(files.international("AIGC", WRAPPED.encode(), pack=True)),
    "EXIF UserComment": in_exif(comment=b"ASCII\0\0\0" + WRAPPED.encode()),
    "EXIF ImageDescription": in_exif({DESCRIPTION: WRAPPED}),
    "JPEG segment APP4": files.jpeg(files.segment(0xE4, b"AIGC" + TEXT.encode() + b"\0")),
    "JPEG comment ": files.jpeg(files.segment(0xFE, json.dumps({"AIGC": TEXT}).encode())),
    "JPEG comment": files.jpeg(files.segment(0xFE, WRAPPED.encode())),
    "MP4 key 'AIGC'": files.mp4({"AIGC": TEXT}),
    "MP4 key 'AIGC' ": files.mp4({"other": "x", "AIGC": TEXT}, quicktime=True),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_serialisation(place):
    (claim,) = files.claims(PLACES[place])
    assert claim.field == place.strip()
    assert (claim.family, claim.origin) == ("aigc", Origin.GENERATED)
    assert (claim.generator, claim.vendor) == ("ByteDance", "ByteDance")
    assert claim.details["label"] == LABEL
    assert claim.details["problems"] == []


def test_a_packet_that_is_no_xml():
    packet = f'<rdf:Description TC260:AIGC="{ESCAPED}"/>'.encode()
    (claim,) = files.claims(files.png(files.international("XML:com.adobe.xmp", packet)))
    assert (claim.field, claim.details["label"]) == ("XMP AIGC", LABEL)


def read(label: object):
    return aigc.read(files.texts({"AIGC": json.dumps(label)}))


def test_one_label_in_two_places_is_one_and_two_labels_are_two():
    other = {"AIGC": LABEL | {"ProduceID": "other"}}
    data = files.png(files.text("AIGC", TEXT), files.text("Comment", WRAPPED))
    assert len(files.claims(data)) == 1
    data = files.png(files.text("AIGC", TEXT), files.text("Comment", json.dumps(other)))
    assert len(files.claims(data)) == 2


@pytest.mark.parametrize(
    ("value", "origin", "says"),
    [
        ("1", Origin.GENERATED, ""),
        (1, Origin.GENERATED, ""),
        ("2", Origin.UNKNOWN, "may have been generated with AI"),
        ("3", Origin.UNKNOWN, "is suspected of being generated with AI"),
        ("4", Origin.UNKNOWN, "carries China's AI label"),
    ],
)
def test_what_the_label_says(value, origin, says):
    (claim,) = read(LABEL | {"Label": value})
    assert (claim.origin, claim.says) == (origin, says)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"Label": "4"}, "Label is '4', expected 1, 2 or 3"),
        ({"Label": None}, "Label is 'None', expected 1, 2 or 3"),
        ({"ContentProducer": ""}, "ContentProducer is empty"),
        (
            {"ContentProducer": DOUBAO.replace("K640", "K641")},
            "the check digit of the credit code in ContentProducer is wrong",
        ),
        (
            {"ContentPropagator": DOUBAO.replace("K640", "K641")},
            "the check digit of the credit code in ContentPropagator is wrong",
        ),
    ],
)
def test_departures_from_the_standard(change, problem):
    (claim,) = read(LABEL | change)
    assert claim.details["problems"] == [problem]


@pytest.mark.parametrize("name", aigc.FIELDS)
def test_a_field_that_is_missing(name):
    (claim,) = read({key: value for key, value in LABEL.items() if key != name})
    assert f"{name} is missing" in claim.details["problems"]


def test_a_producer_by_its_name():
    (claim,) = read(LABEL | {"ContentProducer": "picwish"})
    assert (claim.generator, claim.vendor) == ("picwish", "")
    assert read(LABEL | {"ContentProducer": "doubao"})[0].vendor == "ByteDance"


def test_the_label_of_a_service_provider():
    (claim,) = read({"ServiceProvider": "腾讯云", "ServiceUser": "x", "Time": "y"})
    assert (claim.origin, claim.vendor) == (Origin.GENERATED, "Tencent")
    assert "service provider" in claim.details["problems"][0]


SIGNED = {
    "SecurityData": {
        "Type": "TC260PG",
        "PubSD": [
            {"Type": "DS", "AlgID": "1.2.156.10197.1.501", "Signature": "3046"},
            {"Type": "PubKey", "AlgID": "1.2.156.10197.1.501", "KeyValue": "3059"},
        ],
    }
}


def test_a_signature_that_cannot_be_checked_is_reported_with_the_reason():
    (claim,) = read(LABEL | {"ReservedCode1": json.dumps(SIGNED)})
    assert claim.details["signature"].startswith("present, not checked: only signatures over the")
    assert claim.details["signature_state"] == "not checked"
    assert claim.details["signature_algorithms"] == ["1.2.156.10197.1.501"]
    (claim,) = read(LABEL | {"ReservedCode1": SIGNED})
    assert claim.details["signature_state"] == "not checked"


def test_a_platforms_signature_is_not_checked():
    (claim,) = read(LABEL | {"ReservedCode2": json.dumps(SIGNED)})
    assert claim.details["signature"] == (
        "present, not checked: only a producer's, in the first label, is"
    )


def test_a_signature_is_checked():
    (claim,) = read(stepfun(*ONE))
    assert claim.details["signature"].startswith("present, holds: the label is as it was signed")
    (claim,) = read(stepfun(*ONE) | {"ProduceID": "142569260085903361"})
    assert claim.details["signature_state"] == "does not hold"


@pytest.mark.parametrize(
    "code", ["SecurityData", "[]", '{"SecurityData": 1}', '{"SecurityData": {"PubSD": [1, {}]}}']
)
def test_what_is_no_signature_is_none(code):
    (claim,) = read(LABEL | {"ReservedCode1": code})
    assert "signature" not in claim.details


@pytest.mark.parametrize(
    "label", [[], {}, 1, "x", {"AIGC": {}}, {"label": "1"}, {"AIGC": {"Labels": 1}}]
)
def test_other_objects_are_no_labels(label):
    assert read(label) == ()


@pytest.mark.parametrize("text", ["AIGC", "AIGC is coming", 'AIGC {"a": 1}', "{AIGC: 1}", "AIGC{"])
def test_other_texts_are_no_labels(text):
    assert aigc.read(files.texts({"Comment": text, "Description": text})) == ()


@pytest.mark.parametrize(
    "code",
    [
        "91110102MACQD9K640",
        "9144030008867405X2",
        "91440101MA9Y9T4H7A",
        "91110108335469089C",
        "91440300708461136T",
        "91110000802100433B",
    ],
)
def test_check_digits_of_known_codes(code):
    assert aigc.credit_code_holds(code)
    other = "0" if code[-1] != "0" else "1"
    assert not aigc.credit_code_holds(code[:-1] + other)
    assert not aigc.credit_code_holds(code[:-1])
    assert not aigc.credit_code_holds(code[:-1] + "I")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(aigc.FIELDS), JSON))
def test_values_of_every_kind(label):
    for claim in read(label):
        json.dumps(claim.to_dict(), allow_nan=False)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.text(max_size=6), st.integers(0, 6))
def test_a_damaged_label_never_raises(at, inserted, removed):
    at %= len(WRAPPED)
    text = WRAPPED[:at] + inserted + WRAPPED[at + removed :]
    aigc.read(files.texts({"AIGC": text, "Comment": text}))
