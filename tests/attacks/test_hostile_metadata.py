"""Metadata that is made to cost memory, time or files (CWE-611, CWE-776, CWE-1333)."""

from __future__ import annotations

import time

import pytest

from provenance.claims import generators, iptc
from provenance.picture import Metadata
from provenance.sign.interface import SourceType

AI = SourceType.GENERATED.uri
LIMIT = 5.0
"""Seconds of CPU; each takes far less when all is well, also when it is traced for coverage."""

BODY = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><rdf:Description>'
    "<e:DigitalSourceType>{}</e:DigitalSourceType></rdf:Description></rdf:RDF>"
)


def billion_laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY l0 "lol">{levels}]>{BODY.format("&l9;")}'.encode()


def external_entity(path) -> bytes:
    return f'<!DOCTYPE x [<!ENTITY file SYSTEM "{path.as_uri()}">]>{BODY.format("&file;")}'.encode()


@pytest.fixture(autouse=True)
def quick():
    start = time.thread_time()
    yield
    assert time.thread_time() - start < LIMIT


def read(xmp: bytes):
    return iptc.read(Metadata(xmp=xmp))


def test_entities_that_grow_are_not_expanded():
    assert read(billion_laughs()) == ()


def test_one_long_entity_many_times():
    entity = f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>'
    assert read((entity + BODY.format("&a;" * 10_000)).encode()) == ()


def test_files_are_not_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("trainedAlgorithmicMedia")
    assert read(external_entity(secret)) == ()


def test_a_document_type_alone_is_refused():
    assert read(b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + BODY.format(AI).encode()) == ()
    assert read(BODY.format(AI).encode()) != ()


def test_elements_within_elements():
    assert read(b"<a>" * 300_000) == ()
    assert read(b"<a>" * 100_000 + b"</a>" * 100_000) == ()


def test_a_million_attributes():
    assert read(b"<a " + b"".join(b'b%d="" ' % n for n in range(80_000)) + b"/>") == ()


def test_a_packet_of_many_megabytes():
    assert read(BODY.format(AI).encode().ljust(64 << 20)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Steps: 1, " * 100_000,
        "\nSteps: 1, " * 90_000,
        "Steps: " + "1" * 1_000_000,
        "Steps: 1, " + "Sampler" * 140_000,
        "Version: " * 110_000,
        "Steps: 1, Seed: " + "Model: a" * 120_000,
    ],
)
def test_parameters_that_almost_match(text):
    generators.read(Metadata(text={"parameters": text}))


def test_json_within_json():
    for text in ("[" * 1_000_000, '{"a":' * 200_000, "9" * 1_000_000):
        assert generators.read(Metadata(text={"prompt": text})) == ()
