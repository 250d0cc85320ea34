"""What each file of the shared corpus says of itself, and what no photograph says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provenance.evidence import Origin
from provenance.verify.headers import claims_of, headers_of

MIKU = "hatsune miku"
WAI = "waiIllustriousSDXL_v160"

WRITTEN = {
    "ComfyUI_Workflows__images_word_weight.png": (
        ("comfyui", "ComfyUI", "v1-5-pruned-emaonly.safetensors", 23, 20, 7.0, (512, 512)),
    ),
    "sd-metadata__jpg_civitai.jpeg": (
        ("civitai", "Civitai", "WAI-illustrious-SDXL v16.0", 1311178179, 25, 5.0, (1024, 1024)),
    ),
    "sd-metadata__jpg_comfyui-save-image-extended.jpeg": (
        ("comfyui", "ComfyUI", f"{WAI}.safetensors", 813617545434765, 20, 5.0, (1024, 1024)),
    ),
    "sd-metadata__jpg_sd-next.jpg": (
        ("a1111", "SD.Next 56a8aea", WAI, 899700607, 20, 6.0, (1024, 1024)),
    ),
    "sd-metadata__jpg_sd-webui.jpg": (
        ("a1111", "Stable Diffusion web UI v1.10.1", WAI, 3623174757, 20, 5.5, (1024, 1024)),
    ),
    "sd-metadata__jpg_swarmui.jpg": (
        ("swarmui", "SwarmUI 0.9.7.4", WAI, 697543491, 20, 7.0, (1024, 1024)),
    ),
    "sd-metadata__png_comfyui-save-image-extended.png": (
        ("comfyui", "ComfyUI", f"{WAI}.safetensors", 779742380066441, 20, 5.0, (1024, 1024)),
    ),
    "sd-metadata__png_invokeai.png": (
        ("invokeai", "InvokeAI 6.10.0", WAI, 3951921344, 24, 6.0, (1024, 1024)),
    ),
    "sd-metadata__png_novelai-full.png": (
        (
            "novelai",
            "NovelAI",
            "NovelAI Diffusion V4.5 4BDE2A90",
            2043807047,
            28,
            5.0,
            (832, 1216),
        ),
    ),
    "sd-metadata__png_ruined-fooocus.png": (
        (
            "fooocus",
            "RuinedFooocus",
            "waiNSFWIllustrious_v150.safetensors",
            2020047614,
            30,
            8.0,
            (1024, 1024),
        ),
    ),
    "sd-metadata__png_sd-webui.png": (
        ("a1111", "Stable Diffusion web UI v1.10.1", WAI, 3782896554, 20, 7.0, (1024, 1024)),
    ),
    "sd-metadata__webp_forge-classic.webp": (
        (
            "a1111",
            "Stable Diffusion web UI Forge Classic",
            WAI,
            2630661657,
            20,
            6.0,
            (1024, 1024),
        ),
    ),
    "sd-metadata__webp_sd-webui.webp": (
        ("a1111", "Stable Diffusion web UI v1.10.1", WAI, 1028435836, 20, 5.5, (1024, 1024)),
    ),
}
"""Family, generator, model, seed, steps, guidance and size, read by eye from the raw texts."""

STATED = {
    "remove-ai-watermarks__doubao_doubao_gray_1x1_1.png": [
        ("aigc", Origin.GENERATED, "ByteDance", "XMP AIGC")
    ],
    "remove-ai-watermarks__provenance_grok-1.jpg": [
        ("xai", Origin.GENERATED, "xAI", "EXIF ImageDescription")
    ],
    "remove-ai-watermarks__provenance_mj-1.png": [
        ("iptc", Origin.GENERATED, "", "XMP DigitalSourceType"),
        ("midjourney", Origin.GENERATED, "Midjourney", "PNG text 'Description'"),
    ],
    "remove-ai-watermarks__samsung_samsung_black_1.png": [
        ("samsung", Origin.EDITED, "Samsung", "Samsung record PEg_Info")
    ],
}
"""Labels without parameters."""

SIGNED = (
    "awesome-gpt4o-images__examples_vinyl-input.png",
    "remove-ai-watermarks__provenance_firefly-1.png",
    "remove-ai-watermarks__provenance_flux-1.jpg",
    "sd-metadata__png_gemini_3.1pro.png",
)
"""Their statements are in Content Credentials alone."""

SILENT = ("sd-metadata__jpg_gimp.jpg", "sd-metadata__jpg_empty.jpg")


@pytest.fixture
def meta(shared) -> Path:
    return shared / "corpus" / "meta"


@pytest.mark.parametrize("name", WRITTEN)
def test_parameters_in_one_form(meta, name):
    claims = claims_of(meta / name)
    found = [
        (c.family, c.generator, g.model, g.seed, g.steps, g.cfg, g.size)
        for c in claims
        if (g := c.generation)
    ]
    assert tuple(found) == WRITTEN[name]
    for claim in claims:
        assert claim.origin is Origin.GENERATED
        assert claim.generation.sampler
        assert MIKU in claim.generation.prompt or name.startswith("ComfyUI")
        assert "quality" in claim.generation.negative_prompt or name.startswith("ComfyUI")
        json.dumps(claim.to_dict(), allow_nan=False)


@pytest.mark.parametrize("name", STATED)
def test_labels(meta, name):
    claims = claims_of(meta / name)
    assert [(c.family, c.origin, c.vendor, c.field) for c in claims] == STATED[name]


def test_the_prompt_of_midjourney(meta):
    claim = claims_of(meta / "remove-ai-watermarks__provenance_mj-1.png")[1]
    assert claim.generation.version == "5.2"
    assert claim.generation.prompt.startswith("operating a control panel, in the style of danh võ")
    assert claim.details["job"] == "2b6e053b-9a65-4ca9-9e13-b6f4465164d4"


def test_the_label_of_doubao_holds(meta):
    (claim,) = claims_of(meta / "remove-ai-watermarks__doubao_doubao_gray_1x1_1.png")
    assert claim.details["problems"] == []
    assert claim.details["producer"]["credit_code"] == "91110102MACQD9K640"
    assert "signature" not in claim.details


@pytest.mark.parametrize("name", SIGNED)
def test_what_is_said_in_credentials_is_left_to_them(meta, name):
    assert headers_of(meta / name).credentials
    assert claims_of(meta / name) == ()


@pytest.mark.parametrize("name", SILENT)
def test_files_that_say_nothing(meta, name):
    assert claims_of(meta / name) == ()


def test_every_file_is_in_a_table(meta):
    assert {p.name for p in meta.iterdir()} == {*WRITTEN, *STATED, *SIGNED, *SILENT}


@pytest.mark.parametrize(
    ("folder", "least"),
    [("real", 460), ("hands/real", 70), ("nsfw_benign", 20), ("text", 20)],
)
def test_no_photograph_and_no_lettering_claims_ai(shared, folder, least):
    files = [p for p in sorted((shared / "corpus" / folder).rglob("*")) if p.is_file()]
    ai = (Origin.GENERATED, Origin.EDITED)
    wrong = {p.name: c for p in files if (c := [c for c in claims_of(p) if c.origin in ai])}
    assert wrong == {}
    assert len(files) >= least
