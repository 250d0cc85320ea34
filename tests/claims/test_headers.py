"""Every place in every container, found without decoding; and the files that other tools wrote."""

from __future__ import annotations

import io
import json
import random
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from provenance.claims import iim, xmp
from provenance.claims.fields import Fields
from provenance.claims.headers import read_headers
from provenance.claims.icc import profile_name
from provenance.claims.in_jpeg import iptc_resource
from provenance.claims.readers import claims_in
from provenance.claims.view import View
from provenance.codec.encode import encode
from provenance.picture import Encoding
from tests import signed
from tests.claims import files

PACKET = files.xmp('<rdf:Description rdf:about=""/>')
GIMP = 0x0131
BLOCK = files.exif({GIMP: "GIMP"}).removeprefix(b"Exif\0\0")
LINE = "a cat\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 512x512"


# Places


@pytest.mark.parametrize("late", [False, True], ids=["before the pixels", "behind the pixels"])
def test_places_in_a_png(late):
    data = files.png(
        files.text("Title", "café"),
        files.chunk(b"tEXt", b"Author\0caf\xe9"),
        files.packed("parameters", LINE.encode()),
        files.international("Comment", "日本".encode(), pack=True),
        files.international("XML:com.adobe.xmp", PACKET),
        files.chunk(b"eXIf", BLOCK),
        files.chunk(b"iCCP", b"sRGB\0\0x"),
        late=late,
    )
    headers = read_headers(data)
    assert (headers.kind, headers.width, headers.height) == ("PNG", 8, 8)
    assert dict(headers.texts) == {
        "Title": "café",
        "Author": "café",
        "parameters": LINE,
        "Comment": "日本",
    }
    assert headers.xmp == (PACKET,)
    assert headers.exif == BLOCK
    assert headers.tags.texts == {"Software": "GIMP"}
    assert headers.icc == "sRGB"
    assert not headers.credentials


def test_raw_profiles_of_imagemagick():
    def profile(name: str, data: bytes) -> bytes:
        text = f"\n{name}\n{len(data):8}\n{data.hex()}\n"
        return files.packed(f"Raw profile type {name}", text.encode())

    data = files.png(
        profile("exif", b"Exif\0\0" + BLOCK),
        profile("xmp", PACKET),
        profile("iptc", files.iim({110: "Reuters"})),
        files.packed("Raw profile type icc", b"\nicc\n4\nzz"),
    )
    headers = read_headers(data)
    assert headers.tags.texts == {"Software": "GIMP"}
    assert headers.xmp == (PACKET,)
    assert [f.place for f in Fields(headers).of("iim")] == ["IPTC credit"]


def test_places_in_a_jpeg():
    part = b"http://ns.adobe.com/xmp/extension/\0" + b"AB" * 16 + struct.pack(">I", 6)
    main = b'<x HasExtendedXMP="' + b"AB" * 16 + b'"/>'
    data = files.jpeg(
        files.segment(0xE1, b"Exif\0\0" + BLOCK),
        files.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main),
        files.segment(0xE1, part + struct.pack(">I", 3) + b"def"),
        files.segment(0xE1, part + struct.pack(">I", 0) + b"abc"),
        files.photoshop(files.iim({120: "a cat"})),
        files.segment(0xFE, b"made by hand"),
        files.segment(0xE3, b"something else"),
        b"\xff\xff",
    )
    headers = read_headers(data)
    assert (headers.kind, headers.width, headers.height) == ("JPEG", 8, 8)
    assert headers.tags.texts == {"Software": "GIMP"}
    assert headers.xmp == (main, b"abcdef")
    assert headers.comments == ("made by hand",)
    assert headers.segments == (("APP3", b"something else"),)
    assert headers.encoder["process"] == "sequential"
    assert [f.text for f in Fields(headers).of("iim")] == ["a cat"]


def test_traces_of_the_encoder_follow_quality_and_sampling():
    def encoder(**options: object) -> dict[str, str]:
        out = io.BytesIO()
        Image.new("RGB", (32, 32)).save(out, "JPEG", **options)
        return dict(read_headers(out.getvalue()).encoder)

    assert encoder(quality=90) == encoder(quality=90)
    assert encoder(quality=90)["quantisation"] != encoder(quality=91)["quantisation"]
    assert encoder(subsampling=0)["sampling"] == "1x1,1x1,1x1"
    assert encoder(subsampling=2)["sampling"] == "2x2,1x1,1x1"
    assert encoder(progressive=True)["process"] == "progressive"


def test_places_in_a_webp():
    data = files.webp((b"EXIF", b"Exif\0\0" + BLOCK), (b"odd ", b"x"), (b"XMP ", PACKET))
    headers = read_headers(data)
    assert (headers.kind, headers.width, headers.height) == ("WEBP", 8, 8)
    assert headers.tags.texts == {"Software": "GIMP"}
    assert headers.xmp == (PACKET,)
    assert read_headers(files.webp((b"C2PA", b""))).credentials


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("extended", [False, True])
def test_the_size_of_a_webp(lossless, extended):
    out = io.BytesIO()
    more = {"exif": BLOCK} if extended else {}
    Image.new("RGB", (300, 77)).save(out, "WEBP", lossless=lossless, **more)
    headers = read_headers(out.getvalue())
    assert (headers.width, headers.height) == (300, 77)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_what_pillow_writes(kind):
    out = io.BytesIO()
    exif = Image.Exif()
    exif[GIMP] = "GIMP"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0hello"
    options = {"exif": exif} if kind == "TIFF" else {"exif": exif, "xmp": PACKET}
    if kind == "PNG":
        options = {"exif": exif}
    Image.new("RGB", (300, 77)).save(out, kind, **options)
    headers = read_headers(out.getvalue())
    assert (headers.kind, headers.width, headers.height) == (kind, 300, 77)
    assert headers.tags.texts["Software"] == "GIMP"
    if kind != "TIFF":  # Pillow writes no EXIF directory into a TIFF
        assert headers.tags.texts["UserComment"] == "hello"
    assert headers.xmp == ((PACKET,) if "xmp" in options else ())


@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_of_both_kinds(big):
    out = io.BytesIO()
    Image.new("RGB", (300, 77)).save(
        out, "TIFF", big_tiff=big, tiffinfo={GIMP: "GIMP", 700: PACKET, 33723: files.iim({5: "x"})}
    )
    headers = read_headers(out.getvalue())
    assert (headers.width, headers.height) == (300, 77)
    assert headers.tags.texts["Software"] == "GIMP"
    assert headers.xmp == (PACKET,)
    assert headers.exif is None
    assert [f.name for f in Fields(headers).of("iim")] == ["object name"]


def test_places_in_a_gif():
    out = io.BytesIO()
    frames = [Image.new("P", (20, 10), n) for n in range(3)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], comment=b"made by hand")
    data = out.getvalue()
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    packet = b"!\xff\x0bXMP DataXMP" + PACKET + trailer
    headers = read_headers(data[:-1] + packet + b"!\xff\x0bC2PA_GIF\1\0\0\1x\0" + data[-1:])
    assert (headers.kind, headers.width, headers.height) == ("GIF", 20, 10)
    assert headers.comments == ("made by hand",)
    assert headers.xmp == (PACKET,)
    assert headers.credentials


@pytest.mark.parametrize("quicktime", [False, True])
def test_keys_of_a_film(quicktime):
    data = files.mp4(
        {"com.apple.quicktime.software": "Final Cut", "AIGC": "{}"}, quicktime=quicktime
    )
    headers = read_headers(data)
    assert headers.kind == "MP4"
    assert dict(headers.keys) == {"com.apple.quicktime.software": "Final Cut", "AIGC": "{}"}


@pytest.mark.parametrize("method", [0, 1])
def test_an_item_in_the_file_or_in_a_box_of_its_own(method):
    """Construction methods 0 and 1 of ISO/IEC 14496-12, section 8.11.3."""
    exif = bytes(4) + BLOCK
    head = files.box(b"ftyp", b"heic", bytes(4))
    entry = files.box(b"infe", b"\2\0\0\0", struct.pack(">HH", 1, 0), b"Exif", b"\0")
    iinf = files.box(b"iinf", bytes(4), struct.pack(">H", 1), entry)

    def meta(at: int) -> bytes:
        item = struct.pack(">HHHHII", 1, method, 0, 1, at, len(exif))
        iloc = files.box(b"iloc", b"\1\0\0\0\x44\0", struct.pack(">H", 1), item)
        idat = files.box(b"idat", exif) if method else b""
        return files.box(b"meta", bytes(4), iinf, iloc, idat)

    place = 0 if method else len(head) + len(meta(0)) + 8
    data = head + meta(place) + (b"" if method else files.box(b"mdat", exif))
    headers = read_headers(data)
    assert headers.kind == "HEIC"
    assert headers.tags.texts == {"Software": "GIMP"}


def test_xmp_in_a_box_of_its_own():
    name = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    data = files.box(b"ftyp", b"mp42") + files.box(b"uuid", name, PACKET)
    assert read_headers(data).xmp == (PACKET,)
    udta = files.box(b"moov", files.box(b"udta", files.box(b"XMP_", PACKET)))
    assert read_headers(files.box(b"ftyp", b"qt  ") + udta).xmp == (PACKET,)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_credentials_are_seen(kind):
    assert read_headers(signed.signed(kind).data).credentials
    assert not read_headers(encode(signed.drawing(), Encoding(format=kind)).data).credentials


def test_fixtures_of_c2pa(shared):
    folder = shared / "corpus" / "c2pa"
    sizes = {
        "c2pa-rs/heif/sample1.heif": ("HEIC", 1440, 960),
        "c2pa-rs/avif/sample1.avif": ("AVIF", 1204, 800),
        "c2pa-python/mp4/video1.mp4": ("MP4", 720, 1280),
        "c2pa-python/dng/C.dng": ("TIFF", 256, 171),
        "c2pa-python/gif/sample1.gif": ("GIF", 135, 135),
    }
    for name, expected in sizes.items():
        headers = read_headers((folder / name).read_bytes())
        assert (headers.kind, headers.width, headers.height) == expected
        assert headers.notes == ()


def test_the_size_is_that_of_every_photograph(shared):
    """Compared with Pillow, on all files of the corpus that it opens."""
    seen = 0
    for path in sorted((shared / "corpus" / "real").iterdir()):
        if path.suffix == ".heif":
            continue
        with Image.open(path) as image:
            expected = image.size
        headers = read_headers(path.read_bytes())
        assert (headers.width, headers.height) == expected, path.name
        seen += 1
    assert seen > 400


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"no picture", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE", b"BM" + bytes(60)]
)
def test_other_files_have_no_kind(data):
    assert read_headers(data).kind == ""


# A view of a file reads what its bytes hold


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 300_000), st.integers(-5, 200_000)), max_size=20))
def test_a_view_of_a_file_is_a_view_of_its_bytes(asked):
    data = random.Random(1).randbytes(250_000)
    view = View(io.BytesIO(data))
    assert view.size == len(data)
    for at, length in asked:
        expected = data[at : at + length] if at >= 0 and length > 0 else b""
        assert view.read(at, length) == expected
        assert View(data).read(at, length) == expected


def test_little_of_a_large_file_is_read(tmp_path):
    class Counting(io.FileIO):
        read_bytes = 0

        def read(self, size: int = -1, /) -> bytes:
            data = super().read(size)
            self.read_bytes += len(data)
            return data

    path = tmp_path / "large.mp4"
    path.write_bytes(files.box(b"ftyp", b"mp42") + files.box(b"mdat", bytes(50 << 20)))
    with Counting(path) as file:
        assert read_headers(View(file)).kind == "MP4"
        assert file.read_bytes < 300_000


# Hostile bytes

STARTS = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe1",
    b"\xff\xd8\xff\xed\0\x40Photoshop 3.0\0" + b"8BIM\x04\x04",
    b"RIFF\xff\0\0\0WEBPVP8X",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
    b"GIF89a\1\0\1\0\x80\0\0",
    b"\0\0\0\x14ftypavif\0\0\0\0mif1",
    b"\0\0\0\x14ftypmp42\0\0\0\0mp42",
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STARTS), st.binary(max_size=400))
def test_bytes_never_raise(start, rest):
    files.claims(start + rest)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_blocks_never_raise(data):
    iim.records(b"\x1c\x02\x78" + data)
    iptc_resource(b"8BIM\x04\x04" + data)
    profile_name(bytes(128) + b"\0\0\0\3desc" + data)
    profile_name(bytes(128) + b"\0\0\0\1desc\0\0\0\x90\0\0\1\0mluc" + data)
    xmp.properties(data)
    xmp.properties(b"<a>" + data + b"</a>")


def bases() -> list[bytes]:
    """One file with claims for each container."""
    block = files.exif({GIMP: "GIMP"}, comment=b"UNICODE\0" + LINE.encode("utf-16-be"))
    label = '{"AIGC": {"Label": "1", "ContentProducer": "001191110102MACQD9K64010000"}}'
    tiff = io.BytesIO()
    Image.new("RGB", (8, 8)).save(tiff, "TIFF", tiffinfo={GIMP: "GIMP", 270: label, 700: PACKET})
    avif = io.BytesIO()
    Image.new("RGB", (8, 8)).save(avif, "AVIF", exif=block, xmp=PACKET)
    return [
        files.png(
            files.packed("parameters", LINE.encode()),
            files.international("XML:com.adobe.xmp", PACKET, pack=True),
            files.chunk(b"eXIf", block.removeprefix(b"Exif\0\0")),
        ),
        files.jpeg(
            files.segment(0xE1, block),
            files.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET),
            files.photoshop(files.iim({120: label})),
        ),
        files.webp((b"EXIF", block), (b"XMP ", PACKET)),
        tiff.getvalue(),
        avif.getvalue(),
        files.mp4({"AIGC": label}, film=100),
    ]


def mutant(data: bytes, rng: random.Random) -> bytes:
    """Damage of six kinds, most of it in the metadata: the pixels of these files are small."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if len(changed) < 16:
            break
        at = rng.randrange(len(changed))
        kind = rng.randrange(6)
        if kind == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[at : at + 4] = rng.choice(
                (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff")
            )
        elif kind == 2:
            del changed[at : at + rng.randrange(1, 60)]
        elif kind == 3:
            changed[at:at] = rng.randbytes(rng.randrange(1, 60))
        elif kind == 4:
            other = rng.randrange(len(changed))
            changed[at : at + 50] = changed[other : other + rng.randrange(1, 100)]
        else:
            del changed[max(at, 16) :]
    return bytes(changed)


def test_names_of_profiles():
    for name, profile in (
        ("sRGB built-in", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    ):
        assert profile_name(profile) == name
        out = files.pillow("JPEG", icc_profile=profile)
        assert read_headers(out).icc == name
        assert read_headers(files.pillow("WEBP", icc_profile=profile)).icc == name
        assert read_headers(files.pillow("TIFF", icc_profile=profile)).icc == name


def check_mutants(count: int, seed: str) -> None:
    rng = random.Random(seed)
    originals = bases()
    assert all(files.claims(data) for data in originals)
    for number in range(count):
        data = mutant(originals[number % len(originals)], rng)
        start = time.thread_time()
        claims = claims_in(Fields(read_headers(data)))
        assert time.thread_time() - start < 1, number
        json.dumps([claim.to_dict() for claim in claims], allow_nan=False)


def test_mutated_files_never_raise():
    check_mutants(300, "mutants")


@pytest.mark.slow
def test_many_mutated_files_never_raise():
    check_mutants(3000, "more mutants")
