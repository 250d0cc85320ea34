"""Metadata that is made to cost memory, time or files (CWE-400, 409, 611, 674, 776, 1333)."""

from __future__ import annotations

import gc
import io
import json
import random
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest

from provenance.claims.collector import MAX_BLOCK, MAX_BLOCKS, MAX_STEPS
from provenance.claims.fields import Fields
from provenance.claims.headers import Headers, read_headers
from provenance.claims.readers import claims_in
from provenance.claims.stealth import stealth_texts
from provenance.claims.view import View
from provenance.picture import Picture
from provenance.sign.interface import SourceType
from tests.claims import files

AI = SourceType.GENERATED.uri
LIMIT = 5.0
"""Seconds of CPU; each takes far less when all is well, also when it is traced for coverage."""

MEMORY = 500 << 20
"""Bytes, beyond the file itself."""

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


def read(packet: bytes):
    return claims_in(Fields(Headers(kind="PNG", xmp=(packet,))))


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
    assert read(b"<a>x" * 100_000 + b"</a>" * 100_000) == ()


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
        "Steps: 1, Seed: 1, " + 'a: "\\' * 200_000,
        "Steps: 1, Seed: 1, " + "a" * 900_000,
        "Steps: 1, Seed: 1, Civitai resources: " + "[" * 900_000,
        "Job ID: " * 120_000,
        " --v" * 250_000,
        "AIGC{" * 200_000,
        "AIGC" * 250_000,
        '{"AIGC":' * 120_000,
        "prompt:{" * 120_000,
        "ai generated;" * 80_000,
        "Signature: " + "A" * 1_000_000,
        "https://cv.iptc.org/newscodes/digitalsourcetype/" * 20_000,
        "(1," * 300_000,
        "\ud800" * 1000,
    ],
)
def test_texts_that_almost_match(text):
    names = ("parameters", "Description", "prompt", "Software", "Comment", "AIGC", "Dream")
    headers = Headers(kind="PNG", texts=tuple((name, text) for name in names), comments=(text,))
    claims = claims_in(Fields(headers))
    json.dumps([claim.to_dict() for claim in claims], allow_nan=False)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        '{"a":' * 200_000,
        "9" * 1_000_000,
        '{"a": ' + "9" * 10_000 + "}",
        "[" + "[]," * 600_000 + "0]",
        '{"1": {"class_type": "KSampler", "inputs": {"positive": ["1", 0]}}}',
        '{"nodes": ' + "[" * 900 + "]" * 900 + ', "links": 0}',
        '{"sui_image_params": {"seed": 1e400, "steps": NaN, "cfgscale": -Infinity}}',
        '{"image": {"prompt": [{"prompt": [[]]}], "seed": {}}}',
        '{"base_model": 1, "prompt": 2, "sampler": 3, "resolution": [1]}',
        '{"Label": ["1"], "ContentProducer": {"a": 1}, "ReservedCode1": "{\\"SecurityData\\": 1}"}',
    ],
)
def test_json_of_every_kind(text):
    names = ("prompt", "workflow", "parameters", "invokeai_metadata", "sd-metadata", "AIGC")
    texts = tuple((name, text) for name in (*names, "Comment", "extraMetadata"))
    claims = claims_in(Fields(Headers(kind="PNG", texts=(*texts, ("Software", "NovelAI")))))
    json.dumps([claim.to_dict() for claim in claims], allow_nan=False)


def test_a_graph_that_runs_in_circles():
    nodes = {
        str(n): {"class_type": "KSampler", "inputs": {"positive": [str((n + 1) % 5000), 0]}}
        for n in range(5000)
    }
    (claim,) = claims_in(Fields(Headers(kind="PNG", texts=(("prompt", json.dumps(nodes)),))))
    assert claim.generation.prompt == ""


# Containers


def peak(data: bytes) -> int:
    """Memory taken to read the headers and the claims."""
    gc.collect()
    tracemalloc.start()
    try:
        claims_in(Fields(read_headers(data)))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_text_of_a_hundred_megabytes():
    data = files.png(files.text("parameters", "a" * (100 << 20)))
    assert peak(data) < MEMORY
    assert "not read" in read_headers(data).notes[0]


@pytest.mark.parametrize("make", [files.packed, lambda k, v: files.international(k, v, pack=True)])
@pytest.mark.parametrize("keyword", ["parameters", "XML:com.adobe.xmp"])
def test_a_text_that_unpacks_to_gigabytes(make, keyword):
    bomb = zlib.compress(bytes(256 << 20), 9)
    head = keyword.encode() + (b"\0\0" if make is files.packed else b"\0\1\0\0\0")
    kind = b"zTXt" if make is files.packed else b"iTXt"
    data = files.png(*[files.chunk(kind, head + bomb)] * 20)
    assert peak(data) < 64 << 20
    assert "when unpacked" in read_headers(data).notes[0]


def test_texts_that_unpack_to_little_each_and_to_much_together():
    data = files.png(*[files.packed(f"t{n}", b"a" * (MAX_BLOCK - 1)) for n in range(20)])
    assert sum(len(text) for _, text in read_headers(data).texts) <= 16 << 20
    assert peak(data) < MEMORY


def test_ten_thousand_small_bombs():
    bomb = files.chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(8 << 20), 9))
    assert files.claims(files.png(bomb * 10_000)) == ()


def test_a_million_empty_chunks():
    headers = read_headers(files.png(files.chunk(b"tEXt", b"") * 1_000_000))
    assert len(headers.texts) <= MAX_BLOCKS
    assert "1,000 blocks" in headers.notes[0]
    headers = read_headers(files.png(files.chunk(b"IDAT", b"") * MAX_STEPS))
    assert not headers.notes  # which are passed over in one
    headers = read_headers(files.png(files.chunk(b"abCd", b"") * MAX_STEPS))
    assert "not all were read" in headers.notes[0]


def test_pixels_in_chunks_of_every_length_are_not_read_again_and_again():
    lengths = random.Random(1).choices(range(64, 512), k=10_000)
    pixels = b"".join(files.chunk(b"IDAT", bytes(length)) for length in lengths)
    data = files.png(pixels, files.text("parameters", "Steps: 1"))

    class Counted(io.BytesIO):
        read_in_all = 0

        def read(self, size: int | None = -1) -> bytes:
            got = super().read(size)
            self.read_in_all += len(got)
            return got

    file = Counted(data)
    assert dict(read_headers(View(file)).texts) == {"parameters": "Steps: 1"}
    assert file.read_in_all < 3 * len(data)


def test_a_thousand_claims_and_packets():
    line = "a\nSteps: 1, Sampler: a, Seed: {}"
    texts = [files.text("parameters", line.format(n)) for n in range(20_000)]
    packets = [files.international("XML:com.adobe.xmp", b"<a/>")] * 20_000
    assert len(files.claims(files.png(*texts))) == 50
    assert files.claims(files.png(*packets)) == ()


def test_a_length_beyond_the_end():
    for length in (0xFFFFFFFF, 0x7FFFFFFF):
        data = files.png()[:33] + struct.pack(">I", length) + b"tEXtparameters\0Steps: 1"
        assert read_headers(data).kind == "PNG"
        assert peak(data) < 1 << 20


@pytest.mark.parametrize("order", ["<", ">"])
def test_directories_that_lead_back_to_themselves(order):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = b"".join(
        struct.pack(order + "HHII", tag, 4, 1, 8) for tag in (0x8769, 0x8825, 0x0201, 0x0202)
    )
    block = mark + struct.pack(order + "IH", 8, 4) + entries + struct.pack(order + "I", 8)
    assert files.claims(block) == ()
    assert files.claims(files.png(files.chunk(b"eXIf", block))) == ()


@pytest.mark.parametrize("count", [0xFFFFFFFF, 0x7FFFFFFF, 1 << 30])
def test_values_that_are_said_to_be_huge(count):
    entries = b"".join(struct.pack("<HHII", tag, 2, count, 0) for tag in range(0x010E, 0x0150))
    block = b"II*\0" + struct.pack("<IH", 8, 66) + entries
    assert files.claims(block) == ()


def test_a_directory_of_sixty_thousand_entries():
    entries = struct.pack("<HHII", 0x0131, 2, 1 << 20, 8) * 65_535
    block = b"II*\0" + struct.pack("<IH", 8, 65_535) + entries
    assert files.claims(block.ljust(3 << 20)) == ()


def test_boxes_within_nothing():
    for body in (
        struct.pack(">I4s", 0, b"free"),
        struct.pack(">I4sQ", 1, b"free", 0),
        struct.pack(">I4sQ", 1, b"free", (1 << 64) - 1),
        struct.pack(">I4s", 7, b"free"),
        struct.pack(">I4s", 8, b"free") * 300_000,
        files.box(b"moov", files.box(b"udta", files.box(b"meta", bytes(4))) * 5_000),
    ):
        assert read_headers(files.box(b"ftyp", b"mp42", bytes(4)) + body).kind == "MP4"


def test_items_without_number():
    iloc = files.box(b"iloc", bytes([2, 0, 0, 0, 0x44, 0x40]), struct.pack(">I", 0xFFFFFFFF))
    iinf = files.box(b"iinf", bytes([1, 0, 0, 0]), struct.pack(">I", 0xFFFFFFFF))
    meta = files.box(b"meta", bytes(4), iinf, iloc)
    assert read_headers(files.box(b"ftyp", b"avif", bytes(4)) + meta).kind == "AVIF"


def test_a_million_blocks_of_a_gif():
    data = b"GIF89a" + bytes(7) + b"!\xfe" + b"\1a" * 1_000_000
    assert read_headers(data).kind == "GIF"
    assert read_headers(b"GIF89a" + bytes(7) + b"!\xfe\0" * 1_000_000).notes


def test_extended_xmp_with_a_part_missing():
    head = b"http://ns.adobe.com/xap/1.0/\0" + b'<a HasExtendedXMP="' + b"A" * 32 + b'"/>'
    extension = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32
    far = extension + struct.pack(">II", 1 << 31, 1 << 30) + b"x"
    headers = read_headers(files.jpeg(files.segment(0xE1, head), files.segment(0xE1, far)))
    assert len(headers.xmp) == 1
    assert "a part of the extended XMP is missing" in headers.notes[0]


def test_hidden_texts_of_impossible_length():
    bits = np.unpackbits(np.frombuffer(b"stealth_pngcomp\xff\xff\xff\xff" + bytes(40), np.uint8))
    alpha = np.zeros((64, 64), np.uint8)
    alpha.T.reshape(-1)[: bits.size] = bits
    picture = Picture(np.zeros((64, 64, 3), np.uint8), alpha)
    assert stealth_texts(picture) == ()
