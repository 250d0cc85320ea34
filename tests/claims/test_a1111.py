"""Parameters as text, in each place where they are written, by each program that writes them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.claims import a1111, civitai, drawthings
from provenance.evidence import Origin
from tests.claims import files

LINE = (
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x768, Model: v1-5, Version: {}"
)
PARAMETERS = "masterpiece, a cat\nNegative prompt: dog\n" + LINE.format("v1.9")


def text(**chunks: str):
    return a1111.read(files.texts(chunks))


def test_parameters_in_png_text():
    (claim,) = text(parameters=PARAMETERS)
    assert claim.family == "a1111"
    assert claim.origin is Origin.GENERATED
    assert claim.field == "PNG text 'parameters'"
    assert claim.generator == "Stable Diffusion web UI v1.9"
    assert claim.generation.to_dict() == {
        "generator": "Stable Diffusion web UI",
        "version": "v1.9",
        "model": "v1-5",
        "prompt": "masterpiece, a cat",
        "negative_prompt": "dog",
        "seed": 42,
        "sampler": "Euler a",
        "steps": 20,
        "cfg": 7.0,
        "size": [512, 768],
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"UNICODE\0" + PARAMETERS.encode("utf-16-be"),
        b"UNICODE\0" + PARAMETERS.encode("utf-16-le"),
        b"UNICODE\0" + PARAMETERS.encode("utf-16"),
        b"ASCII\0\0\0" + PARAMETERS.encode("ascii"),
        bytes(8) + PARAMETERS.encode("utf-8"),
        b"JIS\0\0\0\0\0" + PARAMETERS.encode("iso2022_jp"),
        PARAMETERS.encode(),
    ],
    ids=["big-endian", "little-endian", "with a mark", "ASCII", "undefined", "JIS", "no code"],
)
@pytest.mark.parametrize("container", ["JPEG", "WEBP", "PNG", "AVIF", "TIFF"])
def test_parameters_in_a_user_comment(raw, container):
    block = files.exif({}, comment=raw)
    data = {
        "JPEG": lambda: files.jpeg(
            files.segment(0xE1, b"Exif\0\0" + block.removeprefix(b"Exif\0\0"))
        ),
        "WEBP": lambda: files.webp((b"EXIF", block)),
        "AVIF": lambda: files.pillow("AVIF", exif=block),
        "TIFF": lambda: files.tiff(block),
        "PNG": lambda: files.png(files.chunk(b"eXIf", block.removeprefix(b"Exif\0\0"))),
    }[container]()
    (claim,) = files.claims(data)
    assert claim.field == "EXIF UserComment"
    assert claim.generation.seed == 42


@pytest.mark.parametrize(
    ("version", "generator"),
    [
        ("v1.10.1", "Stable Diffusion web UI v1.10.1"),
        ("f2.0.1v1.10.1-previous", "Stable Diffusion web UI Forge f2.0.1v1.10.1-previous"),
        ("classic", "Stable Diffusion web UI Forge Classic"),
        ("neo", "Stable Diffusion web UI Forge Neo"),
        ("ComfyUI", "ComfyUI"),
        ("Fooocus v2.5.5", "Fooocus v2.5.5"),
    ],
)
def test_the_version_names_the_program(version, generator):
    (claim,) = text(parameters="a cat\n" + LINE.format(version))
    assert claim.generator == generator


def test_sd_next_names_itself():
    (claim,) = text(parameters="a cat\nSteps: 20, Seed: 1, App: SD.Next, Version: 56a8aea")
    assert claim.generator == "SD.Next 56a8aea"


def test_values_in_quotes_keep_their_commas():
    (claim,) = text(parameters='a\nSteps: 1, Sampler: "Euler, \\"a\\"", Seed: 1, Model: "m, n"')
    assert claim.generation.sampler == 'Euler, "a"'
    assert claim.generation.model == "m, n"


@pytest.mark.parametrize(
    "chunks",
    [
        {},
        {"Comment": "Steps: two, in the garden"},
        {"Description": "In 3 Steps: 1, 2, and 3"},
        {"parameters": "a cat"},
        {"parameters": PARAMETERS + " " * (1 << 20)},
    ],
)
def test_anything_else_is_no_claim(chunks):
    assert text(**chunks) == ()


@pytest.mark.parametrize("raw", [b"", b"short", b"UNICODE\0", b"UNICODE\0\0", b"JIS\0\0\0\0\0abc"])
def test_other_comments_are_no_claim(raw):
    data = files.webp((b"EXIF", files.exif({}, comment=raw)))
    assert files.claims(data) == ()


CIVITAI = (
    "a cat\nNegative prompt: dog\nSteps: 25, Sampler: Euler a, CFG scale: 5, Seed: 7, "
    'Size: 1024x1024, Civitai resources: [{"type":"checkpoint","modelName":"WAI, two",'
    '"modelVersionName":"v16"},{"type":"lora","modelName":"Detail"}], Civitai metadata: {}'
)


def test_civitai_lists_its_models():
    (claim,) = files.claims(files.png(files.text("parameters", CIVITAI)))
    assert (claim.family, claim.generator, claim.vendor) == ("civitai", "Civitai", "Civitai")
    assert claim.generation.model == "WAI, two v16"
    assert claim.details["models"] == ["WAI, two v16", "Detail"]
    assert claim.generation.seed == 7


@pytest.mark.parametrize("resources", ["", "[", "{}", "1", '["a"]', "[" * 5000])
def test_damaged_resources_still_leave_the_claim(resources):
    text = f"a\nSteps: 25, Seed: 7, Civitai resources: {resources}"
    (claim,) = civitai.read(files.texts({"parameters": text}))
    assert claim.generation.seed == 7
    assert claim.generation.model == ""


def test_civitai_keeps_the_parameters_of_what_it_enlarged():
    said = '{"prompt": "a cat", "baseModel": "SDXL", "steps": 30, "cfgScale": 4, "seed": 5}'
    (claim,) = civitai.read(files.texts({"extraMetadata": said}))
    assert claim.generation.to_dict() == {
        "generator": "Civitai",
        "model": "SDXL",
        "prompt": "a cat",
        "seed": 5,
        "steps": 30,
        "cfg": 4.0,
    }


DRAW_THINGS = (
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
DRAWN = "<rdf:Description><xmp:CreatorTool>Draw Things</xmp:CreatorTool>{}</rdf:Description>"
ALT = '<{0}><rdf:Alt><rdf:li xml:lang="x-default">{1}</rdf:li></rdf:Alt></{0}>'


def test_draw_things_with_its_settings():
    said = (
        '{"c":"a cat","uc":"dog","model":"m.ckpt","sampler":"Euler A","scale":4.5,"seed":9,'
        '"size":"64x32","steps":8}'
    )
    packet = files.xmp(DRAWN.format(ALT.format("exif:UserComment", said)), DRAW_THINGS)
    (claim,) = files.claims(files.png(files.international("XML:com.adobe.xmp", packet)))
    assert (claim.family, claim.field) == ("drawthings", "XMP UserComment")
    assert claim.generation.to_dict() == {
        "generator": "Draw Things",
        "model": "m.ckpt",
        "prompt": "a cat",
        "negative_prompt": "dog",
        "seed": 9,
        "sampler": "Euler A",
        "steps": 8,
        "cfg": 4.5,
        "size": [64, 32],
    }


def test_draw_things_with_a_description_alone():
    said = "a cat&#xA;-dog&#xA;Steps: 8, Sampler: UniPC, Guidance Scale: 1.0, Seed: 3, Model: m"
    packet = files.xmp(DRAWN.format(ALT.format("dc:description", said)), DRAW_THINGS)
    claims = files.claims(files.png(files.international("XML:com.adobe.xmp", packet)))
    assert [c.family for c in claims] == ["drawthings"]
    assert claims[0].generation.seed == 3
    assert claims[0].generation.cfg == 1.0


def test_draw_things_by_its_name_alone():
    packet = files.xmp(DRAWN.format(""), DRAW_THINGS)
    (claim,) = drawthings.read(files.fields(kind="PNG", xmp=(packet,)))
    assert (claim.field, claim.generation) == ("XMP CreatorTool", None)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["parameters", "prompt", "x"]), st.text(max_size=80)))
def test_texts_never_raise(chunks):
    text(**chunks)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.text(max_size=6), st.integers(0, 6))
def test_damaged_parameters_never_raise(at, inserted, removed):
    for whole, read in ((PARAMETERS, a1111.read), (CIVITAI, civitai.read)):
        place = at % len(whole)
        read(files.texts({"parameters": whole[:place] + inserted + whole[place + removed :]}))
