"""Each generator in each place where it writes, in files made after its documentation."""

from __future__ import annotations

import json

import pytest

from provenance.claims import comfyui, fooocus, invokeai, novelai
from provenance.claims.vendors import named, vendor_of
from provenance.evidence import Origin
from tests.claims import files

GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 5,
            "steps": 20,
            "cfg": 7,
            "sampler_name": "euler",
            "scheduler": "normal",
            "positive": ["6", 0],
            "negative": ["7", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sub\\m.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["9", 0]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "dog"}},
    "9": {"class_type": "Text", "inputs": {"value": "a cat"}},
}
PROMPT = json.dumps(GRAPH)
WORKFLOW = json.dumps({"last_node_id": 1, "nodes": [{"id": 1, "type": "KSampler"}], "links": []})
MAKE, MODEL, DESCRIPTION, SOFTWARE, ARTIST = 0x010F, 0x0110, 0x010E, 0x0131, 0x013B


def in_exif(tags=None, **inner):
    return files.claims(files.jpeg(files.segment(0xE1, files.exif(tags or {}, **inner))))


def in_png(**chunks: str):
    return files.claims(files.png(*(files.text(k, v) for k, v in chunks.items())))


@pytest.mark.parametrize(
    "claims",
    [
        lambda: in_png(prompt=PROMPT, workflow=WORKFLOW),
        lambda: in_exif({MAKE: f"Prompt: {PROMPT}", DESCRIPTION: f"Workflow: {WORKFLOW}"}),
        lambda: in_exif({MODEL: f"prompt:{PROMPT}", MAKE: f"workflow:{WORKFLOW}"}),
        lambda: in_exif(comment=b"ASCII\0\0\0" + json.dumps({"prompt": GRAPH}).encode()),
        lambda: in_exif(comment=b"ASCII\0\0\0" + json.dumps({"prompt": PROMPT}).encode()),
        lambda: files.claims(files.mp4({"prompt": f"prompt:{PROMPT}"})),
    ],
    ids=["PNG", "Save Image Extended", "WebP of ComfyUI", "object", "text in object", "MP4"],
)
def test_comfyui(claims):
    (claim,) = claims()
    assert (claim.family, claim.origin) == ("comfyui", Origin.GENERATED)
    assert claim.generation.to_dict() == {
        "generator": "ComfyUI",
        "model": "m.safetensors",
        "prompt": "a cat",
        "negative_prompt": "dog",
        "seed": 5,
        "sampler": "euler normal",
        "steps": 20,
        "cfg": 7.0,
        "size": [512, 768],
    }


def test_each_side_is_followed_on_its_own():
    graph = {
        "1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "negative": ["2", 1]}},
        "2": {
            "class_type": "ControlNetApplyAdvanced",
            "inputs": {"positive": ["3", 0], "negative": ["4", 0]},
        },
        "3": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["5", 0]}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}},
        "5": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}},
    }
    (claim,) = in_png(prompt=json.dumps(graph))
    assert (claim.generation.prompt, claim.generation.negative_prompt) == ("a cat", "")


def test_a_workflow_without_its_prompt():
    (claim,) = in_png(workflow=WORKFLOW)
    assert (claim.family, claim.field) == ("comfyui", "PNG text 'workflow'")


def test_samplers_made_of_parts():
    graph = {
        "1": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["2", 0],
                "guider": ["3", 0],
                "sampler": ["4", 0],
                "sigmas": ["5", 0],
            },
        },
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 11}},
        "3": {"class_type": "BasicGuider", "inputs": {"conditioning": ["6", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 4}},
        "6": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["7", 0]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}},
        "8": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors"}},
    }
    (claim,) = in_png(prompt=json.dumps(graph))
    assert claim.generation.to_dict() == {
        "generator": "ComfyUI",
        "model": "flux1-dev.safetensors",
        "prompt": "a cat",
        "seed": 11,
        "sampler": "euler simple",
        "steps": 4,
    }


@pytest.mark.parametrize(
    "chunks",
    [
        {"prompt": "a cat"},
        {"prompt": "[]"},
        {"prompt": "{}"},
        {"prompt": '{"a": {"class": 1}}'},
        {"prompt": '{"a": {"class_type": "KSampler"}}'},
        {"workflow": "{}"},
        {"workflow": '{"nodes": [], "links": []}'},
        {"workflow": '{"nodes": [{"type": "build"}]}'},
        {"Comment": "prompt: {a cat}"},
    ],
)
def test_anything_else_is_no_graph(chunks):
    assert comfyui.read(files.texts(chunks)) == ()


DREAM = '"a cat [dog, bird]" -s 50 -S 42 -W 512 -H 768 -C 7.5 -A k_lms'
SD_METADATA = {
    "model_weights": "stable-diffusion-1.5",
    "app_version": "v2.2.5",
    "image": {
        "prompt": [{"prompt": "a cat [dog, bird]", "weight": 1.0}],
        "seed": 42,
        "steps": 50,
        "cfg_scale": 7.5,
        "sampler": "k_lms",
        "width": 512,
        "height": 768,
    },
}
OLD_INVOKEAI = {
    "generator": "InvokeAI",
    "prompt": "a cat",
    "negative_prompt": "dog, bird",
    "seed": 42,
    "sampler": "k_lms",
    "steps": 50,
    "cfg": 7.5,
    "size": [512, 768],
}


def test_old_forms_of_invokeai():
    (claim,) = in_png(Dream=DREAM)
    assert claim.generation.to_dict() == OLD_INVOKEAI
    (claim,) = in_png(**{"Dream": DREAM, "sd-metadata": json.dumps(SD_METADATA)})
    assert claim.field == "PNG text 'sd-metadata'"
    assert claim.generator == "InvokeAI 2.2.5"
    assert claim.generation.to_dict() == OLD_INVOKEAI | {
        "version": "2.2.5",
        "model": "stable-diffusion-1.5",
    }


@pytest.mark.parametrize(
    "chunks",
    [
        {"Dream": "I have a dream"},
        {"Dream": '"'},
        {"Dream": '"a cat"'},
        {"sd-metadata": "{}"},
        {"sd-metadata": '{"image": 1}'},
        {"invokeai_metadata": "[]"},
    ],
)
def test_anything_else_is_no_invokeai(chunks):
    assert invokeai.read(files.texts(chunks)) == ()


NOVELAI = {"prompt": "a cat", "uc": "dog", "sampler": "k_euler", "steps": 28, "scale": 5, "seed": 4}


def test_novelai_with_its_name():
    comment = json.dumps(NOVELAI | {"noise_schedule": "karras", "signed_hash": "x"})
    (claim,) = in_png(Software="NovelAI", Source="NovelAI Diffusion V3", Comment=comment)
    assert (claim.family, claim.vendor) == ("novelai", "NovelAI")
    assert claim.details == {"signature": "present, not checked"}
    assert claim.generation.to_dict() == {
        "generator": "NovelAI",
        "model": "NovelAI Diffusion V3",
        "prompt": "a cat",
        "negative_prompt": "dog",
        "seed": 4,
        "sampler": "k_euler karras",
        "steps": 28,
        "cfg": 5.0,
        "size": [8, 8],
    }


def test_novelai_in_a_comment_of_exif():
    said = {"Source": "V4", "Comment": json.dumps(NOVELAI | {"noise_schedule": "native"})}
    (claim,) = in_exif(comment=b"ASCII\0\0\0" + json.dumps(said).encode())
    assert claim.family == "novelai"
    assert claim.generation.model == "V4"


def test_novelai_by_its_name_alone():
    (claim,) = in_png(Software="NovelAI")
    assert claim.family == "novelai"
    assert novelai.read(files.texts({"Comment": json.dumps(NOVELAI)})) == ()


FOOOCUS = {
    "prompt": "a cat",
    "negative_prompt": "dog",
    "base_model": "juggernaut",
    "sampler": "dpmpp_2m",
    "scheduler": "karras",
    "guidance_scale": 4,
    "steps": 30,
    "seed": "77",
    "resolution": "(1152, 896)",
    "version": "Fooocus v2.5.5",
}


@pytest.mark.parametrize(
    "claims",
    [
        lambda said: in_png(parameters=said, fooocus_scheme="fooocus"),
        lambda said: in_png(Comment=said),
        lambda said: in_exif(comment=said.encode()),
        lambda said: files.claims(files.jpeg(files.segment(0xFE, said.encode()))),
    ],
    ids=["PNG", "PNG comment", "EXIF", "JPEG comment"],
)
def test_fooocus(claims):
    (claim,) = claims(json.dumps(FOOOCUS))
    assert (claim.family, claim.generator) == ("fooocus", "Fooocus 2.5.5")
    assert claim.generation.to_dict() == {
        "generator": "Fooocus",
        "version": "2.5.5",
        "model": "juggernaut",
        "prompt": "a cat",
        "negative_prompt": "dog",
        "seed": 77,
        "sampler": "dpmpp_2m karras",
        "steps": 30,
        "cfg": 4.0,
        "size": [1152, 896],
    }


def test_an_object_with_a_base_model_alone_is_no_fooocus():
    assert fooocus.read(files.texts({"Comment": '{"base_model": "Ford T"}'})) == ()


SWARM = {"prompt": "a cat", "model": "m", "seed": 3, "steps": 4, "cfgscale": 1, "width": 8}


@pytest.mark.parametrize(
    "claims",
    [
        lambda said: in_png(parameters=said),
        lambda said: in_exif(comment=b"UNICODE\0" + said.encode("utf-16-le")),
        lambda said: in_exif({MODEL: said}),
    ],
    ids=["PNG", "EXIF", "old"],
)
def test_swarmui(claims):
    (claim,) = claims(json.dumps({"sui_image_params": SWARM | {"height": 9}}))
    assert claim.family == "swarmui"
    assert claim.generation.to_dict() == {
        "generator": "SwarmUI",
        "model": "m",
        "prompt": "a cat",
        "seed": 3,
        "steps": 4,
        "cfg": 1.0,
        "size": [8, 9],
    }


EASY = {
    "prompt": "a cat",
    "negative_prompt": "dog",
    "seed": 3,
    "use_stable_diffusion_model": "C:\\models\\sd-v1-5.safetensors",
    "sampler_name": "euler_a",
    "width": 512,
    "height": 512,
    "num_inference_steps": 25,
    "guidance_scale": 7.5,
}
EASY_FOR_PEOPLE = {
    "Prompt": "a cat",
    "Negative Prompt": "dog",
    "Seed": "3",
    "Stable Diffusion model": "sd-v1-5.safetensors",
    "Sampler": "euler_a",
    "Width": "512",
    "Height": "512",
    "Steps": "25",
    "Guidance Scale": "7.5",
}


@pytest.mark.parametrize(
    "claims",
    [
        lambda: in_png(**{name: str(value) for name, value in EASY.items()}),
        lambda: in_png(**EASY_FOR_PEOPLE),
        lambda: in_exif(comment=b"ASCII\0\0\0" + json.dumps(EASY).encode()),
        lambda: in_exif(comment=b"ASCII\0\0\0" + json.dumps(EASY_FOR_PEOPLE).encode()),
    ],
    ids=["PNG", "PNG for people", "EXIF", "EXIF for people"],
)
def test_easy_diffusion(claims):
    (claim,) = claims()
    assert claim.family == "easydiffusion"
    assert claim.generation.to_dict() == {
        "generator": "Easy Diffusion",
        "model": "sd-v1-5.safetensors",
        "prompt": "a cat",
        "negative_prompt": "dog",
        "seed": 3,
        "sampler": "euler_a",
        "steps": 25,
        "cfg": 7.5,
        "size": [512, 512],
    }


JOB = "2b6e053b-9a65-4ca9-9e13-b6f4465164d4"


def test_midjourney_in_exif():
    (claim,) = in_exif({DESCRIPTION: f"a cat --niji 6 --seed 5 --ar 3:2 Job ID: {JOB}"})
    assert claim.family == "midjourney"
    assert claim.generation.to_dict() == {
        "generator": "Midjourney",
        "model": "niji 6",
        "prompt": "a cat --niji 6 --seed 5 --ar 3:2",
        "seed": 5,
    }
    assert in_exif({DESCRIPTION: f"our Job ID: {JOB[:-1]}"}) == ()


def test_grok_needs_both_fields():
    signature = "Signature: " + "A" * 100 + "=="
    (claim,) = in_exif({DESCRIPTION: signature, ARTIST: JOB})
    assert (claim.family, claim.details["signature"]) == ("xai", "present, not checked")
    assert in_exif({DESCRIPTION: signature}) == ()
    assert in_exif({DESCRIPTION: signature, ARTIST: "Jane Doe"}) == ()
    assert in_exif({DESCRIPTION: "Signature: Jane", ARTIST: JOB}) == ()


def trailer(name: bytes, data: bytes) -> bytes:
    record = b"\0\0\x91\r" + len(name).to_bytes(4, "little") + name + data
    size = len(record).to_bytes(4, "little")
    entries = b"SEFH" + b"k\0\0\0\1\0\0\0" + b"\0\0\x91\r" + size + size
    return record + entries + len(entries).to_bytes(4, "little") + b"SEFT"


@pytest.mark.parametrize("name", [b"PEg_Info", b"PhotoEditor_Re_Edit_Data"])
@pytest.mark.parametrize("make", [files.jpeg, files.png])
def test_samsung(name, make):
    (claim,) = files.claims(make() + trailer(name, b'{"genAIType": 4}'))
    assert (claim.family, claim.origin, claim.vendor) == ("samsung", Origin.EDITED, "Samsung")
    assert claim.details == {"genAIType": 4}
    assert files.claims(make() + trailer(name, b'{"genAIType": 0}')) == ()
    assert files.claims(make() + trailer(name, b"genAIType")) == ()
    assert files.claims(make() + trailer(b"Other", b'{"genAIType": 4}')) == ()


# Services that name themselves

XMP = "http://ns.adobe.com/xap/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"


def in_xmp(namespace: str, **attributes: str):
    body = " ".join(f'n:{name}="{value}"' for name, value in attributes.items())
    packet = files.xmp(f"<rdf:Description {body}/>", f'xmlns:n="{namespace}"')
    return files.claims(files.png(files.international("XML:com.adobe.xmp", packet)))


@pytest.mark.parametrize(
    ("claims", "family", "vendor", "origin"),
    [
        (lambda: in_xmp(PHOTOSHOP, Credit="Made with Google AI"), "google", "Google", "GENERATED"),
        (lambda: in_xmp(PHOTOSHOP, Credit="Edited with Google AI"), "google", "Google", "EDITED"),
        (
            lambda: files.claims(
                files.jpeg(files.photoshop(files.iim({110: "Made with Google AI"})))
            ),
            "google",
            "Google",
            "GENERATED",
        ),
        (lambda: in_xmp(XMP, CreatorTool="Adobe Firefly 1.0"), "adobe", "Adobe", "GENERATED"),
        (lambda: in_xmp(XMP, CreatorTool="ChatGPT"), "openai", "OpenAI", "GENERATED"),
        (lambda: in_xmp(XMP, CreatorTool="DALL·E 3"), "openai", "OpenAI", "GENERATED"),
        (lambda: in_exif({SOFTWARE: "gpt-image-1"}), "openai", "OpenAI", "GENERATED"),
        (lambda: in_exif({MAKE: "Ideogram AI"}), "ideogram", "Ideogram", "GENERATED"),
        (lambda: in_png(Source="Luma AI"), "luma", "Luma", "GENERATED"),
        (lambda: in_xmp(XMP, CreatorTool="Canva (Renderer) doc=x"), "canva", "Canva", "UNKNOWN"),
    ],
)
def test_services(claims, family, vendor, origin):
    (claim,) = claims()
    assert (claim.family, claim.vendor, claim.origin) == (family, vendor, Origin[origin])


def test_flux_with_model_and_prompt():
    (claim,) = in_exif(
        {
            SOFTWARE: "AI generated;txt2img;flux",
            MAKE: "Black Forest Labs",
            MODEL: "flux-dev",
            DESCRIPTION: "a cat",
        }
    )
    assert (claim.family, claim.vendor) == ("flux", "Black Forest Labs")
    assert claim.generation.to_dict() == {
        "generator": "FLUX",
        "model": "flux-dev",
        "prompt": "a cat",
    }


@pytest.mark.parametrize(
    "text",
    [
        "Adobe Photoshop 26.0",
        "Gemini 2: The Duplicate Finder",
        "Leonardo",
        "f.lux",
        "imagen.jpg",
        "Luma Pictures",
        "Grokking Photography",
        "Ver.1.00",
        "Dalle",
        "reveal",
    ],
)
def test_other_names_are_no_generators(text):
    assert named(text) is None


@pytest.mark.parametrize(
    ("tool", "vendor"),
    [
        ("Google C2PA Core Generator Library 925321024:925321024", "Google"),
        ("Adobe_Firefly", "Adobe"),
        ("Adobe Photoshop 26.9.0", "Adobe"),
        ("Black Forest Labs API", "Black Forest Labs"),
        ("Flux.2", "Black Forest Labs"),
        ("ChatGPT", "OpenAI"),
        ("Galaxy S25 c2pa-rs/0.62.0", "Samsung"),
        ("Microsoft Responsible AI Image Provenance 1.0", "Microsoft"),
        ("make_test_images/0.26.0 c2pa-rs/0.26.0", ""),
        ("", ""),
    ],
)
def test_tools_of_credentials_have_one_spelling(tool, vendor):
    assert vendor_of(tool) == vendor


def test_other_software_is_named_and_says_nothing_of_ai():
    (claim,) = in_exif({SOFTWARE: "GIMP 2.10.36"})
    assert (claim.family, claim.origin, claim.generator) == (
        "software",
        Origin.UNKNOWN,
        "GIMP 2.10.36",
    )
    assert claim.says == "was written by GIMP 2.10.36"
    assert in_exif({SOFTWARE: JOB}) == ()
