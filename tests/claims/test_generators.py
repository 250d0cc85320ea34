"""Parameters of the Stable Diffusion family, in each place where they are written."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from provenance.claims import generators
from provenance.codec.decode import decode
from provenance.codec.limits import Limits
from provenance.evidence import Origin
from provenance.picture import Metadata
from provenance.verify.claims import READERS

PARAMETERS = (
    "masterpiece, a cat\nNegative prompt: dog\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x768, Model: v1-5, Version: v1.9"
)
WORKFLOW = json.dumps({"3": {"class_type": "KSampler", "inputs": {}}})


def text(**chunks: str):
    return generators.read(Metadata(text=chunks))


def comment(raw: object):
    """The claims of an EXIF block with this UserComment."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = raw
    return generators.read(Metadata(exif=exif.tobytes()))


def test_parameters_in_png_text():
    (claim,) = text(parameters=PARAMETERS)
    assert claim.family == "a1111"
    assert claim.origin is Origin.GENERATED
    assert claim.field == "PNG text 'parameters'"
    assert claim.generator == "Stable Diffusion web UI v1.9"
    assert claim.details == {
        "steps": "20",
        "sampler": "Euler a",
        "seed": "42",
        "size": "512x768",
        "model": "v1-5",
        "version": "v1.9",
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"UNICODE\0" + PARAMETERS.encode("utf-16-be"),
        b"UNICODE\0" + PARAMETERS.encode("utf-16-le"),
        b"ASCII\0\0\0" + PARAMETERS.encode("ascii"),
        bytes(8) + PARAMETERS.encode("utf-8"),
    ],
    ids=["big-endian", "little-endian", "ASCII", "undefined"],
)
def test_parameters_in_a_user_comment(raw):
    (claim,) = comment(raw)
    assert claim.field == "EXIF UserComment"
    assert claim.details["seed"] == "42"


def test_comfyui_in_png_text():
    (claim,) = text(prompt=WORKFLOW)
    assert claim.family == "comfyui"
    assert claim.generator == "ComfyUI"
    assert claim.origin is Origin.GENERATED


@pytest.mark.parametrize(
    "chunks",
    [
        {},
        {"Comment": "Steps: two, in the garden"},
        {"Description": "In 3 Steps: 1, 2, and 3"},
        {"prompt": "a cat"},
        {"prompt": "[]"},
        {"prompt": "{}"},
        {"prompt": '{"a": {"class": 1}}'},
        {"prompt": "[" * 100_000},
        {"prompt": '{"a": ' + "9" * 10_000 + "}"},
        {"workflow": WORKFLOW},
        {"parameters": PARAMETERS + " " * (1 << 20)},
    ],
)
def test_anything_else_is_no_claim(chunks):
    assert text(**chunks) == ()


@pytest.mark.parametrize("raw", [b"", b"short", b"UNICODE\0", b"UNICODE\0\0", b"JIS\0\0\0\0\0abc"])
def test_other_comments_are_no_claim(raw):
    assert comment(raw) == ()


def test_an_exif_block_without_a_comment():
    exif = Image.Exif()
    exif[0x0131] = "GIMP"
    assert generators.read(Metadata(exif=exif.tobytes())) == ()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_exif_bytes_never_raise(block):
    for start in (b"", b"Exif\0\0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        generators.read(Metadata(exif=start + block))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=5), st.integers(0, 5))
def test_a_damaged_exif_block_never_raises(at, inserted, removed):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + PARAMETERS.encode()
    block = exif.tobytes()
    at %= len(block)
    generators.read(Metadata(exif=block[:at] + inserted + block[at + removed :]))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["parameters", "prompt", "x"]), st.text(max_size=80)))
def test_texts_never_raise(chunks):
    text(**chunks)


# The shared corpus


def found(path: Path):
    picture = decode(path.read_bytes(), Limits(), first_frame=True)
    return [claim for read in READERS for claim in read(picture.metadata)]


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("sd-metadata__png_sd-webui.png", "a1111"),
        ("sd-metadata__jpg_sd-webui.jpg", "a1111"),
        ("sd-metadata__webp_sd-webui.webp", "a1111"),
        ("sd-metadata__webp_forge-classic.webp", "a1111"),
        ("sd-metadata__jpg_sd-next.jpg", "a1111"),
        ("sd-metadata__jpg_civitai.jpeg", "a1111"),
        ("sd-metadata__png_comfyui-save-image-extended.png", "comfyui"),
        ("ComfyUI_Workflows__images_word_weight.png", "comfyui"),
    ],
)
def test_files_that_the_programs_wrote(shared, name, family):
    claims = found(shared / "corpus" / "meta" / name)
    assert family in [c.family for c in claims]
    assert all(c.origin is Origin.GENERATED for c in claims if c.family == family)


@pytest.mark.parametrize("name", ["sd-metadata__jpg_gimp.jpg", "sd-metadata__jpg_empty.jpg"])
def test_files_without_parameters(shared, name):
    assert found(shared / "corpus" / "meta" / name) == []


SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}


def metadata(path: Path) -> Metadata:
    """What the file says, without decoding its pixels: there are many files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            exif = image.getexif().tobytes()
            texts = {k: v for k, v in image.info.items() if isinstance(v, str)}
            xmp = image.info.get("xmp")
    return Metadata(exif=exif, xmp=xmp.encode() if isinstance(xmp, str) else xmp, text=texts)


def test_no_photograph_of_the_corpus_claims_ai(shared):
    folder = shared / "corpus" / "real"
    files = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in SUFFIXES]
    claims = {
        p.name: [c for read in READERS for c in read(metadata(p)) if c.origin is not Origin.UNKNOWN]
        for p in files
    }
    assert {name: c for name, c in claims.items() if c} == {}
    assert len(files) > 400
