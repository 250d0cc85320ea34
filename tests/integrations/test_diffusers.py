"""Pipes of diffusers with the pipeline attached: what comes out, and that nothing gets around."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provenance import Asset, Blocked, Picture, Pipeline
from provenance.errors import ConfigError, ModerationFailed, UnsupportedPicture
from provenance.moderate.interface import Action
from provenance.testing import FailingClassifier, FakeWatermarker, FixedClassifier

pytest.importorskip("torch")
pytest.importorskip("transformers")
diffusers = pytest.importorskip("diffusers")

import torch  # noqa: E402

from provenance.integrations.diffusers import attach, detach  # noqa: E402
from tests.integrations import tiny_diffusers as tiny  # noqa: E402
from tests.integrations.protecting import Terms, build, checking  # noqa: E402

pytestmark = [
    # torch's own arrays meet numpy 2, inside of diffusers' schedulers.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
]

SMALL = {"height": 64, "width": 64, "num_inference_steps": 2}

CALLS: dict[str, dict[str, Any]] = {
    "stable_diffusion": {"prompt": "a castle", **SMALL},
    "sdxl": {"prompt": "a castle", **SMALL},
    "sd3": {"prompt": "a castle", **SMALL},
    "flux": {"prompt": "a castle", **SMALL},
    "pixart": {
        "prompt": "a castle",
        "use_resolution_binning": False,
        "clean_caption": False,
        **SMALL,
    },
    "controlnet": {"prompt": "a castle", "image": Image.new("RGB", (64, 64), "navy"), **SMALL},
    "ddpm": {"num_inference_steps": 2},
    "animatediff": {"prompt": "a castle", "num_frames": 2, **SMALL},
}


class Refusals:
    """Remembers what was recorded."""

    def __init__(self) -> None:
        self.refusals: list[Exception] = []
        self.records: list[Any] = []

    def refused(self, error: Exception) -> None:
        self.refusals.append(error)

    def issued(self, record: Any) -> None:
        self.records.append(record)


@pytest.fixture(scope="module")
def quick(config):
    return build(config)


def pixels(asset: Asset) -> np.ndarray:
    return np.asarray(Picture.open(asset.data).pixels)


def flat(made: Any) -> list[np.ndarray]:
    """Every picture of a result as H×W×3 uint8."""
    if isinstance(made, list):
        return [each for part in made for each in flat(part)]
    if isinstance(made, Image.Image):
        return [np.asarray(made)]
    if isinstance(made, torch.Tensor):
        made = np.moveaxis(made.float().numpy(), -3, -1)
    return list(np.rint(made.reshape(-1, *made.shape[-3:]) * 255).astype(np.uint8))


def manifest(asset: Asset) -> dict[str, Any]:
    import c2pa

    with c2pa.Reader("image/png", io.BytesIO(asset.data)) as reader:
        import json

        read = json.loads(reader.json())
    return read["manifests"][read["active_manifest"]]


def relationships(asset: Asset) -> list[str]:
    return sorted(each["relationship"] for each in manifest(asset).get("ingredients", []))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["pil", "np", "pt"])
def test_every_pipeline_gives_what_was_asked_for_with_protected_pixels(quick, name, kind):
    pipe = getattr(tiny, name)()
    if name == "ddpm" and kind == "pt":
        pytest.skip("this pipeline has no such output")
    plain = pipe(output_type=kind, **CALLS[name])
    result = attach(pipe, quick)(output_type=kind, **CALLS[name])
    assert type(result) is type(plain)
    field = "frames" if name == "animatediff" else "images"
    before, after = plain[field], result[field]
    assert type(after) is type(before)
    assert result[0] is after
    assert getattr(after, "shape", None) == getattr(before, "shape", None)
    assert getattr(after, "dtype", None) == getattr(before, "dtype", None)
    assert len(result.assets) == (2 if name == "animatediff" else 1)
    for shown, asset in zip(flat(after), result.assets, strict=True):
        assert np.array_equal(shown, pixels(asset))
        assert asset.report.verdict.outcome == "verified"


# Not PixArt, whose random weights now and then give pictures too flat for the mark.
@pytest.mark.parametrize("name", ["stable_diffusion", "sdxl", "flux", "sd3"])
def test_pictures_carry_the_real_mark(config, pipeline, name):
    verifier = checking(config, config.watermarker())
    call = {**CALLS[name], "height": 256, "width": 256}
    result = attach(getattr(tiny, name)(), pipeline)(**call)
    (image,), (asset,) = result.images, result.assets
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    mark = verifier.verify(buffer.getvalue()).find("watermark")[0]
    assert mark.details["payload"] == asset.watermark_id
    assert verifier.verify(asset.data).verdict.outcome == "verified"


def test_several_pictures_keep_their_order(quick):
    pipe = attach(tiny.stable_diffusion(), quick)
    result = pipe(["a castle", "a lake"], num_images_per_prompt=2, output_type="np", **SMALL)
    assert result.images.shape[0] == len(result.assets) == 4
    assert len({asset.watermark_id for asset in result.assets}) == 4
    for shown, asset in zip(flat(result.images), result.assets, strict=True):
        assert np.array_equal(shown, pixels(asset))


def test_tuples_stay_tuples(quick):
    pipe = attach(tiny.stable_diffusion(), quick)
    result = pipe("a castle", return_dict=False, **SMALL)
    images, flags = result
    assert isinstance(result, tuple)
    assert flags is None
    assert np.array_equal(np.asarray(images[0]), pixels(result.assets[0]))


def test_half_precision_keeps_type(quick):
    pipe = attach(tiny.stable_diffusion().to(torch.bfloat16), quick)
    result = pipe("a castle", output_type="pt", **SMALL)
    assert result.images.dtype == torch.bfloat16
    assert len(result.assets) == 1


def test_encoding_of_the_assets(quick):
    pipe = attach(tiny.stable_diffusion(), build_lossless(quick), encoding=".webp")
    assert pipe("a castle", **SMALL).assets[0].media_type == "image/webp"


def build_lossless(pipeline: Pipeline) -> Pipeline:
    """The fake mark is lost in a lossy file, so this one is signed without."""
    made = copy.copy(pipeline)
    made._sign_too_small = True
    made._watermarker = type("Never", (FakeWatermarker,), {"smallest_side": 10_000})()
    return made


def test_a_pipe_looks_like_what_it_was(quick):
    pipe = tiny.sdxl()
    kind, signature = type(pipe), inspect.signature(pipe.__call__)
    assert attach(pipe, quick) is pipe
    assert isinstance(pipe, diffusers.StableDiffusionXLPipeline)
    assert type(pipe).__name__ == kind.__name__
    assert type(pipe).__module__ == kind.__module__
    assert inspect.signature(pipe.__call__) == signature
    assert not hasattr(pipe.__call__, "__wrapped__")
    pipe.to("cpu")
    pipe.vae.enable_tiling()
    pipe.enable_attention_slicing()
    pipe.enable_freeu(s1=0.6, s2=0.4, b1=1.1, b2=1.2)
    assert len(pipe("a castle", **SMALL).assets) == 1


def test_detach_gives_the_pipe_back(quick):
    pipe = tiny.stable_diffusion()
    detach(attach(pipe, quick))
    assert type(pipe) is diffusers.StableDiffusionPipeline
    assert not hasattr(pipe("a castle", **SMALL), "assets")
    again = diffusers.StableDiffusionImg2ImgPipeline.from_pipe(pipe)
    assert type(again) is diffusers.StableDiffusionImg2ImgPipeline
    detach(pipe)


def test_attach_again_exchanges_the_settings(quick):
    pipe = attach(attach(tiny.stable_diffusion(), quick), quick, allow=("latents",))
    assert pipe("a castle", output_type="latent", **SMALL).images.shape == (1, 4, 8, 8)
    assert len(pipe("a castle", **SMALL).assets) == 1
    assert type(detach(pipe)) is diffusers.StableDiffusionPipeline


def test_save_and_load(quick, tmp_path):
    pipe = attach(tiny.stable_diffusion(tiny.safety_checker(flags=False)), quick)
    pipe.save_pretrained(tmp_path)
    loaded = diffusers.DiffusionPipeline.from_pretrained(tmp_path)
    assert type(loaded) is diffusers.StableDiffusionPipeline
    assert type(loaded.safety_checker).__name__ == "StableDiffusionSafetyChecker"
    same = type(pipe).from_pretrained(tmp_path)
    same.set_progress_bar_config(disable=True)
    assert len(same("a castle", **SMALL).assets) == 1


def derived(pipe: Any) -> dict[str, Any]:
    """Pipes made from another in every way that diffusers documents."""
    parts = dict(pipe.components)
    return {
        "from_pipe": diffusers.StableDiffusionImg2ImgPipeline.from_pipe(pipe),
        "components": diffusers.StableDiffusionImg2ImgPipeline(
            **parts, requires_safety_checker=False
        ),
        "auto": diffusers.AutoPipelineForImage2Image.from_pipe(pipe),
        "inpaint": diffusers.AutoPipelineForInpainting.from_pipe(pipe),
        "same": diffusers.AutoPipelineForText2Image.from_pipe(pipe),
        "copy": copy.copy(pipe),
        "deep copy": copy.deepcopy(pipe),
    }


@pytest.mark.parametrize(
    "way", ["from_pipe", "components", "auto", "inpaint", "same", "copy", "deep copy"]
)
def test_pipes_made_from_a_protected_one_are_protected(quick, way, scene):
    pipe = derived(attach(tiny.stable_diffusion(), quick))[way]
    pipe.set_progress_bar_config(disable=True)
    call: dict[str, Any] = {"prompt": "a castle", "num_inference_steps": 2}
    image = Image.fromarray(scene[:64, :64])
    if way in ("from_pipe", "components", "auto"):
        call |= {"image": image, "strength": 1.0}
    elif way == "inpaint":
        call |= {"image": image, "mask_image": image, "strength": 1.0, **SMALL}
    else:
        call |= SMALL
    assert len(pipe(**call).assets) == 1


def img2img(pipe: Any) -> Any:
    """The pipe that diffusers makes of another for pictures as input."""
    made = diffusers.AutoPipelineForImage2Image.from_pipe(pipe)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.mark.parametrize("name", ["sdxl", "sd3", "flux", "controlnet"])
def test_other_families_made_from_a_protected_one(quick, name, scene):
    image = Image.fromarray(scene[:64, :64])
    call: dict[str, Any] = {"image": image, "strength": 1.0, "num_inference_steps": 2}
    if name == "controlnet":
        call["control_image"] = image
    elif name != "sdxl":
        call |= SMALL
    (asset,) = img2img(attach(getattr(tiny, name)(), quick))("a castle", **call).assets
    assert relationships(asset) == ["inputTo"] * (2 if name == "controlnet" else 1)


def test_pipes_that_edit_name_the_picture_as_the_parent(quick, scene):
    pipe = attach(tiny.flux(), quick)
    editor = diffusers.FluxKontextPipeline(**pipe.components)
    editor.set_progress_bar_config(disable=True)
    image = Image.fromarray(scene[:64, :64])
    call = {"prompt": "a castle", "max_area": 64 * 64, **SMALL}
    (asset,) = editor(image=image, **call).assets
    assert relationships(asset) == ["parentOf"]


def test_a_film_made_from_a_picture(quick, scene):
    pipe = attach(tiny.stable_video(), quick)
    image = Image.fromarray(scene[:64, :64])
    result = pipe(image, num_frames=2, decode_chunk_size=1, **SMALL)
    assert [len(film) for film in result.frames] == [2]
    for shown, asset in zip(flat(result.frames), result.assets, strict=True):
        assert np.array_equal(shown, pixels(asset))
        assert relationships(asset) == ["inputTo"]


def test_a_model_that_was_exchanged_is_protected_as_well(quick):
    pipe = attach(tiny.stable_diffusion(), quick)
    pipe.unet = tiny.unet()
    other = diffusers.StableDiffusionImg2ImgPipeline.from_pipe(pipe)
    assert type(other) is not diffusers.StableDiffusionImg2ImgPipeline
    assert "decode_latents" in vars(type(other))


def test_one_part_of_a_protected_pipe_is_enough(quick):
    pipe = attach(tiny.stable_diffusion(), quick)
    other = diffusers.StableDiffusionPipeline.from_pipe(pipe, unet=tiny.unet())
    other.set_progress_bar_config(disable=True)
    assert len(other("a castle", **SMALL).assets) == 1
    assert type(detach(other)) is diffusers.StableDiffusionPipeline
    assert len(pipe("a castle", **SMALL).assets) == 1
    unrelated = tiny.stable_diffusion()
    assert type(unrelated) is diffusers.StableDiffusionPipeline


def test_subclasses_of_a_protected_class_are_protected(quick):
    pipe = attach(tiny.stable_diffusion(), quick)

    class Mine(type(pipe)):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return super().__call__(*args, **kwargs)

    mine = Mine(**pipe.components, requires_safety_checker=False)
    mine.set_progress_bar_config(disable=True)
    assert len(mine("a castle", **SMALL).assets) == 1


def test_a_protected_pipe_cannot_be_pickled(quick):
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(attach(tiny.ddpm(), quick))


def test_helpers_that_decode_are_protected(quick):
    pipe = attach(tiny.stable_diffusion(), quick)
    with torch.no_grad():
        decoded = pipe.decode_latents(torch.zeros(1, 4, 8, 8))
    payload = FakeWatermarker().extract(Picture.from_array(decoded[0])).payload
    assert payload is not None


def test_latents_are_refused_before_anything_runs(quick):
    pipe = attach(tiny.stable_diffusion(), quick)
    pipe.unet = None
    with pytest.raises(UnsupportedPicture, match="latents"):
        pipe("a castle", output_type="latent", **SMALL)


def test_allowed_latents_still_have_their_prompt_checked(config):
    terms = Terms()
    pipe = attach(tiny.stable_diffusion(), build(config, prompts=(terms,)), allow=["latents"])
    result = pipe("a castle", output_type="latent", **SMALL)
    assert result.images.shape == (1, 4, 8, 8)
    with pytest.raises(Blocked):
        pipe("blood", output_type="latent", **SMALL)


def test_a_refused_prompt_never_reaches_the_model(config):
    pipe = attach(tiny.sdxl(), build(config, prompts=(Terms(),)))
    pipe.unet = None
    for call in ({"prompt": "blood"}, {"prompt": "a castle", "prompt_2": "blood"}):
        with pytest.raises(Blocked) as caught:
            pipe(**call, **SMALL)
        assert caught.value.stage == "prompt"


def test_every_prompt_is_read_with_its_negative(config):
    terms = Terms()
    pipe = attach(tiny.sd3(), build(config, prompts=(terms,)))
    pipe("one", "two", "three", negative_prompt="four", negative_prompt_3="five", **SMALL)
    assert terms.read == ["one", "negative: four", "two", "three", "negative: five"]


def test_embeddings_are_refused_unless_allowed(config):
    quick = build(config)
    pipe = tiny.stable_diffusion()
    embeds, negative = pipe.encode_prompt("a castle", "cpu", 1, True)
    call = {"prompt_embeds": embeds, "negative_prompt_embeds": negative, **SMALL}
    with pytest.raises(ModerationFailed, match="prompt_embeds"):
        attach(pipe, quick)(**call)
    (asset,) = attach(pipe, quick, allow=["embeddings"])(**call).assets
    assert "prompt_embeds, negative_prompt_embeds went unmoderated, as allowed" in asset.notes


def test_fails_closed(config):
    broken = build(config, classifiers=(FailingClassifier(RuntimeError("no memory")),))
    with pytest.raises(ModerationFailed):
        attach(tiny.stable_diffusion(), broken)("a castle", **SMALL)
    refusing = build(config, classifiers=(FixedClassifier({"nudity": 0.9}),))
    with pytest.raises(Blocked):
        attach(tiny.stable_diffusion(), refusing)("a castle", **SMALL)


def test_a_picture_may_be_made_again(config):
    class Once:
        name = "once"
        categories = ("nudity",)
        calls = 0

        def scores(self, picture):
            self.calls += 1
            return {"nudity": 0.9 if self.calls == 1 else 0.0}

    again = build(config, classifiers=(Once(),), action=Action.REGENERATE)
    result = attach(tiny.stable_diffusion(), again)("a castle", output_type="np", **SMALL)
    assert np.array_equal(flat(result.images)[0], pixels(result.assets[0]))
    assert any("discarded" in note for note in result.assets[0].decision.notes)


def test_the_picture_of_inpainting_is_the_parent(quick, scene):
    image, mask = Image.fromarray(scene[:64, :64]), Image.new("L", (64, 64), 255)
    pipe = diffusers.StableDiffusionInpaintPipeline.from_pipe(
        attach(tiny.stable_diffusion(), quick)
    )
    pipe.set_progress_bar_config(disable=True)
    (asset,) = pipe("a castle", image=image, mask_image=mask, strength=1.0, **SMALL).assets
    assert relationships(asset) == ["inputTo", "parentOf"]


@pytest.mark.parametrize("form", ["pil", "np", "pt", "pt around 0", "list"])
def test_the_picture_of_img2img_is_named_as_an_input(quick, scene, form):
    image = Image.fromarray(scene[:64, :64])
    array = scene[None, :64, :64].astype(np.float32) / 255
    tensor = torch.from_numpy(array).permute(0, 3, 1, 2)
    given = {
        "pil": image,
        "np": array,
        "pt": tensor,
        "pt around 0": tensor * 2 - 1,
        "list": [image],
    }[form]
    pipe = diffusers.StableDiffusionImg2ImgPipeline.from_pipe(
        attach(tiny.stable_diffusion(), quick)
    )
    pipe.set_progress_bar_config(disable=True)
    (asset,) = pipe("a castle", image=given, strength=1.0, num_inference_steps=2).assets
    assert relationships(asset) == ["inputTo"]


def test_the_map_of_a_controlnet_is_named_as_an_input(quick):
    (asset,) = attach(tiny.controlnet(), quick)(**CALLS["controlnet"]).assets
    assert relationships(asset) == ["inputTo"]


def test_latents_as_input_are_noted(quick):
    pipe = diffusers.StableDiffusionImg2ImgPipeline.from_pipe(
        attach(tiny.stable_diffusion(), quick)
    )
    pipe.set_progress_bar_config(disable=True)
    latents = torch.randn(1, 4, 8, 8) * 3
    (asset,) = pipe("a castle", image=latents, strength=1.0, num_inference_steps=2).assets
    assert any("no picture that could be named" in note for note in asset.notes)


def test_the_stock_checker_is_left_out_and_that_is_said(quick):
    checker = tiny.safety_checker(flags=True)
    pipe = attach(tiny.stable_diffusion(checker), quick)
    result = pipe("a castle", **SMALL)
    assert result.nsfw_content_detected is None
    assert pixels(result.assets[0]).any()
    assert any("safety checker did not run" in note for note in result.assets[0].notes)
    assert pipe.safety_checker is checker


@pytest.mark.parametrize("as_dict", [True, False])
def test_what_a_kept_checker_flags_is_refused_and_recorded(config, as_dict):
    refusals = Refusals()
    pipe = attach(
        tiny.stable_diffusion(tiny.safety_checker(flags=True)),
        build(config, recorder=refusals),
        keep_checker=True,
    )
    with pytest.raises(Blocked) as caught:
        pipe("a castle", return_dict=as_dict, **SMALL)
    assert caught.value.category == "nudity"
    assert refusals.refusals == [caught.value]
    assert refusals.records == []


def test_what_a_kept_checker_lets_through_is_protected(quick):
    pipe = attach(tiny.stable_diffusion(tiny.safety_checker(flags=False)), quick, keep_checker=True)
    result = pipe("a castle", **SMALL)
    assert result.nsfw_content_detected == [False]
    assert not any("safety checker" in note for note in result.assets[0].notes)


class StockMark:
    """In the place of diffusers' watermarker, which needs another package."""

    used = 0

    def apply_watermark(self, images):
        self.used += 1
        return images


def test_the_stock_watermark_is_replaced(quick):
    pipe = tiny.sdxl()
    pipe.watermark = stock = StockMark()
    attach(pipe, quick)
    assert pipe.watermark is None
    (asset,) = pipe("a castle", **SMALL).assets
    assert stock.used == 0
    assert any("own watermark was left out" in note for note in asset.notes)
    assert detach(pipe).watermark is stock
    pipe("a castle", **SMALL)
    assert stock.used == 1


def test_callbacks_run_without_latents(quick):
    pipe = attach(tiny.stable_diffusion(), quick)
    seen: list[tuple[int, list[str]]] = []

    def watch(pipe, step, timestep, tensors):
        seen.append((step, sorted(tensors)))
        return tensors

    pipe(
        "a castle",
        callback_on_step_end=watch,
        callback_on_step_end_tensor_inputs=["latents", "prompt_embeds"],
        **SMALL,
    )
    assert seen == [(0, ["prompt_embeds"]), (1, ["prompt_embeds"])]

    def peek(pipe, step, timestep, tensors):
        return pipe.vae.decode(tensors["latents"])

    with pytest.raises(UnsupportedPicture, match="kept from callbacks"):
        pipe("a castle", callback_on_step_end=peek, **SMALL)
    with pytest.raises(UnsupportedPicture, match="callback_on_step_end"):
        pipe("a castle", callback=lambda step, timestep, latents: None, callback_steps=1, **SMALL)


def test_callbacks_get_latents_where_they_are_allowed(quick):
    pipe = attach(tiny.stable_diffusion(), quick, allow=["latents"])
    seen: list[Any] = []

    def watch(pipe, step, timestep, tensors):
        seen.append(tensors["latents"].shape)
        return {}

    assert len(pipe("a castle", callback_on_step_end=watch, **SMALL).assets) == 1
    assert len(seen) == 2


def test_a_callback_cannot_call_the_pipe_unprotected(quick):
    pipe = attach(tiny.stable_diffusion(), quick)
    made: list[Any] = []

    def sneak(inner, step, timestep, tensors):
        if not made:
            made.append(None)
            made[0] = inner("a lake", **SMALL)
        return {}

    pipe("a castle", callback_on_step_end=sneak, **SMALL)
    assert len(made[0].assets) == 1


def test_callbacks_of_diffusers_work(quick):
    from diffusers.callbacks import SDCFGCutoffCallback

    pipe = attach(tiny.stable_diffusion(), quick)
    callback = SDCFGCutoffCallback(cutoff_step_ratio=0.5)
    result = pipe("a castle", callback_on_step_end=callback, **SMALL)
    assert len(result.assets) == 1

    class Peeks(SDCFGCutoffCallback):
        tensor_inputs = ("latents",)

    with pytest.raises(UnsupportedPicture, match="Peeks works on latents"):
        pipe("a castle", callback_on_step_end=Peeks(cutoff_step_ratio=0.5), **SMALL)


class Odd(diffusers.DDPMPipeline):
    """A pipeline of somebody's own, whose result is what it is given."""

    gives: Any = None

    def __call__(self, return_dict: bool = True) -> Any:
        return self.gives


@pytest.mark.parametrize(
    "gives",
    [
        (np.zeros((1, 4, 8, 8), np.float32) - 0.5,),
        (torch.randn(1, 16, 8, 8),),
        {"images": [object()]},
        (np.full((1, 16, 16, 3), np.nan, np.float32),),
        (Image.new("RGB", (16, 16)), torch.randn(1, 77, 768)),
        "https://example.org/a.png",
    ],
    ids=["below 0", "latents", "an object", "no numbers", "embeddings beside", "an address"],
)
def test_what_is_not_known_is_refused(quick, gives):
    base = tiny.ddpm()
    pipe = Odd(base.unet, base.scheduler)
    pipe.gives = gives
    with pytest.raises(UnsupportedPicture):
        attach(pipe, quick)()


def test_a_pipe_inside_a_pipe_is_marked_once(config):
    class Marks(FakeWatermarker):
        count = 0

        def embed(self, picture, payload):
            type(self).count += 1
            return super().embed(picture, payload)

    class Combined(diffusers.DDPMPipeline):
        def __init__(self, unet: Any, scheduler: Any) -> None:
            super().__init__(unet, scheduler)
            self.inner = diffusers.DDPMPipeline(unet, scheduler)
            self.inner.set_progress_bar_config(disable=True)

        def __call__(self) -> Any:
            return self.inner(num_inference_steps=2, output_type="np")

    base = tiny.ddpm()
    pipe = attach(Combined(base.unet, base.scheduler), build(config, Marks()))
    assert len(pipe().assets) == 1
    assert Marks.count == 1
    assert len(pipe.inner(num_inference_steps=2).assets) == 1
    detach(pipe)
    assert type(pipe.inner) is diffusers.DDPMPipeline


def test_files_in_bytes_and_our_own_pictures_are_taken(quick, scene):
    base = tiny.ddpm()
    pipe = attach(Odd(base.unet, base.scheduler), quick)
    buffer = io.BytesIO()
    Image.fromarray(scene[:64, :64]).save(buffer, "PNG")
    pipe.gives = [buffer.getvalue(), Picture.from_array(scene[:64, :64])]
    result = pipe()
    assert result[0] == result.assets[0].data
    assert np.array_equal(result[1].pixels, pixels(result.assets[1]))


def test_a_prior_gives_embeddings_only_where_latents_are_allowed(quick):
    class TinyPriorPipeline(Odd):
        """As the priors of Kandinsky and Redux."""

    base = tiny.ddpm()
    pipe = TinyPriorPipeline(base.unet, base.scheduler)
    pipe.gives = (torch.randn(1, 77, 16),)
    with pytest.raises(UnsupportedPicture, match="latents"):
        attach(pipe, quick)()
    assert attach(pipe, quick, allow="latents")() is pipe.gives


def test_sound_beside_a_film_is_handed_on_and_that_is_said(quick):
    from diffusers.pipelines.ltx2.pipeline_output import LTX2PipelineOutput

    frames, sound = np.zeros((1, 2, 16, 16, 3), np.float32), torch.randn(1, 2, 1000)
    base = tiny.ddpm()
    pipe = Odd(base.unet, base.scheduler)
    pipe.gives = LTX2PipelineOutput(frames=frames, audio=sound)
    result = attach(pipe, quick)()
    assert result.audio is sound
    assert result.frames.any()
    assert pipe.gives.audio is sound
    assert not frames.any()
    assert "the sound was not marked" in result.assets[1].notes


def test_only_pipes_can_be_attached_to(quick):
    with pytest.raises(ConfigError, match="expected a DiffusionPipeline"):
        attach(object(), quick)
    with pytest.raises(ConfigError, match="'latent'"):
        attach(tiny.ddpm(), quick, allow=["latent"])  # type: ignore[list-item]


def test_without_a_pipeline_the_configured_one_is_used(config, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(config.path))
    call = {**CALLS["stable_diffusion"], "height": 256, "width": 256}
    (asset,) = attach(tiny.stable_diffusion())(**call).assets
    assert asset.report.verdict.outcome == "verified"


def test_the_example_runs(config, tmp_path, monkeypatch):
    import runpy

    monkeypatch.setenv("PROVENANCE_CONFIG", str(config.path))
    monkeypatch.chdir(tmp_path)
    tiny.sdxl().save_pretrained(tmp_path / "model")
    example = Path(__file__).parents[2] / "examples" / "diffusers_pipe.py"
    main = runpy.run_path(str(example))["main"]
    (asset,) = main("model", "a castle", height=256, width=256, num_inference_steps=2)
    assert (tmp_path / "picture-0.png").read_bytes() == asset.data
