"""The XMP label: written as one packet, read in each form that writers use."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.claims import iptc, xmp
from provenance.evidence import Origin
from provenance.sign.interface import SourceType
from tests.claims import files

EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
AI = SourceType.GENERATED.uri


def wrapped(body: str) -> bytes:
    return files.xmp(body, f'xmlns:e="{EXT}"')


def read(packet: bytes | None):
    return iptc.read(files.fields(kind="PNG", xmp=(packet,) if packet is not None else ()))


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        (SourceType.GENERATED, Origin.GENERATED),
        (SourceType.EDITED, Origin.EDITED),
        (SourceType.ALGORITHMIC, Origin.UNKNOWN),
        (SourceType.CAPTURE, Origin.OTHER),
        (SourceType.SCREEN_CAPTURE, Origin.UNKNOWN),
    ],
)
def test_what_we_write_is_read_back(source, origin):
    (claim,) = read(iptc.packet(source))
    assert claim.family == "iptc"
    assert claim.origin is origin
    assert claim.details == {"source_type": source.value}


@pytest.mark.parametrize(
    "body",
    [
        f'<rdf:Description e:DigitalSourceType="{AI}"/>',
        f"<rdf:Description><e:DigitalSourceType>\n {AI} </e:DigitalSourceType></rdf:Description>",
        f'<rdf:Description><e:DigitalSourceType rdf:resource="{AI}"/></rdf:Description>',
        f'<rdf:Description e:DigitalSourceType="{AI}/"/>',
        f'<rdf:Description e:DigitalSourceType="{AI.replace("http:", "https:")}"/>',
        '<rdf:Description e:DigitalSourceType="trainedAlgorithmicMedia"/>',
    ],
    ids=["attribute", "element", "resource", "slash", "https", "code alone"],
)
def test_every_form_is_read(body):
    (claim,) = read(wrapped(body))
    assert claim.origin is Origin.GENERATED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_encoding_of_xmp_is_read(encoding):
    text = wrapped(f'<rdf:Description e:DigitalSourceType="{AI}"/>').decode()
    (claim,) = read(text.encode(encoding))
    assert claim.origin is Origin.GENERATED


def test_padding_around_the_packet_is_no_matter():
    (claim,) = read(b"\0\n " + iptc.packet(SourceType.GENERATED) + b" \r\n\0\0")
    assert claim.origin is Origin.GENERATED


def test_the_same_claim_twice_is_one_and_two_are_two():
    one = f'<rdf:Description e:DigitalSourceType="{AI}"/>'
    other = one.replace("trainedAlgorithmicMedia", "digitalCapture")
    assert len(read(wrapped(one + one))) == 1
    claims = read(wrapped(one + other))
    assert [c.details["source_type"] for c in claims] == [
        "digitalCapture",
        "trainedAlgorithmicMedia",
    ]


@pytest.mark.parametrize(
    "packet",
    [
        None,
        b"",
        b"no xml",
        b"<unclosed",
        wrapped("<rdf:Description/>"),
        wrapped('<rdf:Description e:DigitalSourceType=""/>'),
        wrapped("<rdf:Description><e:DigitalSourceType/></rdf:Description>"),
        wrapped(f'<rdf:Description DigitalSourceType="{AI}"/>'),
        wrapped("").replace(b"rdf", b"r\xff\xfef"),
        b'<?xml version="1.0" encoding="no-such-encoding"?><a/>',
        b'<?xml version="1.0" encoding="hex"?><a/>',
        b"<a>\x00</a>",
    ],
)
def test_anything_else_is_no_claim(packet):
    assert read(packet) == ()


def test_a_packet_over_the_limit_is_not_parsed():
    packet = wrapped(f'<rdf:Description e:DigitalSourceType="{AI}"/>')
    assert read(packet.ljust(xmp.MAX_PACKET)) != ()
    assert read(packet.ljust(xmp.MAX_PACKET + 1)) == ()


def test_the_system_and_its_prompt():
    body = (
        '<rdf:Description e:AISystemUsed="ChatGPT DALL-E" e:AISystemVersionUsed="3">'
        "<e:AIPromptInformation>a cat</e:AIPromptInformation></rdf:Description>"
    )
    (claim,) = read(wrapped(body))
    assert claim.origin is Origin.GENERATED
    assert (claim.generator, claim.vendor) == ("ChatGPT DALL-E 3", "OpenAI")
    assert claim.generation.to_dict() == {
        "generator": "ChatGPT DALL-E",
        "version": "3",
        "prompt": "a cat",
    }


def test_the_source_type_within_older_records():
    data = files.jpeg(files.photoshop(files.iim({40: f"Source: {AI}.", 120: "a cat"})))
    (claim,) = files.claims(data)
    assert (claim.family, claim.field) == ("iptc", "IPTC special instructions")
    assert claim.origin is Origin.GENERATED


def test_a_code_that_is_no_word_is_not_repeated():
    (claim,) = read(wrapped('<rdf:Description e:DigitalSourceType="was taken by me. Trust it"/>'))
    assert claim.details == {"source_type": "unknown"}


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_never_raise(packet):
    read(packet)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=6), st.integers(0, 6))
def test_a_damaged_packet_never_raises(at, inserted, removed):
    packet = iptc.packet(SourceType.GENERATED)
    at %= len(packet)
    for claim in read(packet[:at] + inserted + packet[at + removed :]):
        assert claim.family == "iptc"
