"""Models of transformers that draw, with the pipeline attached."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provenance import Blocked, Picture
from provenance.errors import ConfigError, ModerationFailed
from provenance.testing import FakeWatermarker

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
if not hasattr(transformers, "JanusForConditionalGeneration"):
    pytest.skip("needs a transformers with Janus", allow_module_level=True)

from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

from provenance.integrations.transformers import attach, detach  # noqa: E402
from tests.integrations.protecting import Terms, build  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WORDS = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "<boi>", "<eoi>", "a", "castle", "blood"]


def tokenizer() -> Any:
    core = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens={
            "image_token": "<image>",
            "boi_token": "<boi>",
            "eoi_token": "<eoi>",
        },
    )


def janus() -> tuple[Any, Any]:
    """A tiny Janus with random weights, whose pictures are 64×64, and its processor."""
    torch.manual_seed(0)
    side = {"image_size": 64, "patch_size": 8}
    config = transformers.JanusConfig(
        text_config={
            "model_type": "llama",
            "vocab_size": len(WORDS),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        vision_config={
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "projection_dim": 16,
            "num_image_tokens": 64,
            **side,
        },
        vq_config={
            "embed_dim": 4,
            "num_embeddings": 16,
            "latent_channels": 8,
            "base_channels": 32,
            "channel_multiplier": [1, 1, 1, 1],
            "num_res_blocks": 1,
            "projection_dim": 16,
            "image_token_embed_dim": 16,
            "num_patches": 8,
        },
        image_token_id=4,
    )
    model = transformers.JanusForConditionalGeneration(config).eval()
    model.generation_config.generation_kwargs = {"boi_token_id": 5}
    half = [0.5, 0.5, 0.5]
    from transformers.models.janus.image_processing_pil_janus import JanusImageProcessorPil

    images = JanusImageProcessorPil(size=64, image_mean=half, image_std=half)
    return model, transformers.JanusProcessor(images, tokenizer(), num_image_tokens=64)


def ask(processor: Any, text: str = "a castle") -> dict[str, Any]:
    given = processor(text=text, generation_mode="image", return_tensors="pt")
    return {**given, "generation_mode": "image", "do_sample": True, "guidance_scale": 2.0}


@pytest.fixture(scope="module")
def quick(config):
    return build(config)


def drawn(tokens: int = 2) -> Any:
    return torch.randint(0, 16, (tokens, 64), generator=torch.Generator().manual_seed(1))


def test_pictures_come_out_marked_after_the_processor(quick):
    model, processor = janus()
    attach(model, processor, quick)
    tokens = model.generate(**ask(processor))
    decoded = model.decode_image_tokens(tokens)
    (asset,) = decoded.assets
    assert asset.report.verdict.outcome == "verified"
    first = [each.permute(2, 0, 1) for each in decoded]  # all that this image processor takes
    images = processor.postprocess(first, return_tensors="PIL.Image.Image")
    shown = np.asarray(images["pixel_values"][0])
    assert np.array_equal(shown, Picture.open(asset.data).pixels)
    assert FakeWatermarker().extract(Picture.from_array(shown)).payload is not None


def emu3() -> Any:
    """A tiny Emu3 with random weights, whose pictures are 64×64."""
    torch.manual_seed(0)
    visual = {f"<|visual token {n:06d}|>": 10 + n for n in range(16)}
    config = transformers.Emu3Config(
        vq_config={
            "codebook_size": 16,
            "embed_dim": 4,
            "latent_channels": 4,
            "base_channels": 32,
            "channel_multiplier": [1, 1, 1, 1],
            "num_res_blocks": 1,
            "hidden_size": 32,
            "temporal_downsample_factor": 1,
        },
        text_config={
            "vocab_size": 40,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
        },
        vocabulary_map={"<image>": 4, "<|extra_200|>": 5, **visual},
    )
    return transformers.Emu3ForConditionalGeneration(config).eval()


def test_a_model_that_lets_another_one_inside_decode(config):
    model, (_, processor) = emu3(), janus()
    attach(model, processor, build(config))
    rows = torch.randint(10, 26, (1, 8, 9))
    tokens = torch.cat([rows.flatten(1), torch.zeros(1, 3, dtype=torch.long)], 1)
    for each in (model, model.model):
        decoded = each.decode_image_tokens(image_tokens=tokens, height=8, width=8)
        assert decoded.shape == (1, 3, 64, 64)
        (asset,) = decoded.assets
        shown = ((decoded[0] * 0.5 + 0.5) * 255).clip(0, 255).to(torch.uint8)
        assert np.array_equal(shown.permute(1, 2, 0), Picture.open(asset.data).pixels)


def test_shape_type_and_order_are_kept(quick):
    model, processor = janus()
    plain = model.decode_image_tokens(drawn())
    decoded = attach(model, processor, quick).decode_image_tokens(drawn())
    assert decoded.shape == plain.shape == (2, 64, 64, 3)
    assert decoded.dtype == plain.dtype
    assert len(decoded.assets) == 2
    assert torch.allclose(decoded, plain.clamp(-1, 1), atol=0.03)


def test_the_prompt_is_moderated_before_anything_is_drawn(config):
    terms = Terms()
    model, processor = janus()
    attach(model, processor, build(config, prompts=(terms,)))
    with pytest.raises(Blocked) as caught:
        model.generate(**ask(processor, "a blood castle"))
    assert caught.value.stage == "prompt"
    assert terms.read == ["a blood castle"]


def test_embeddings_are_refused_unless_allowed(quick):
    model, processor = janus()
    given = {"inputs_embeds": torch.zeros(1, 2, 16), "generation_mode": "image"}
    with pytest.raises(ModerationFailed, match="inputs_embeds"):
        attach(model, processor, quick).generate(**given)
    with pytest.raises(Exception, match=r"input ids|inputs_embeds"):  # Janus itself takes none
        attach(model, processor, quick, allow=["embeddings"]).generate(**given)


def test_models_inside_are_protected_and_nothing_is_marked_twice(config):
    class Marks(FakeWatermarker):
        count = 0

        def embed(self, picture, payload):
            type(self).count += 1
            return super().embed(picture, payload)

    class Inner(torch.nn.Module):
        def decode_image_tokens(self, image_tokens):
            return torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)

    class Outer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = Inner()

        def generate(self, inputs=None, **kwargs):
            return inputs

        def decode_image_tokens(self, **kwargs):
            return self.model.decode_image_tokens(**kwargs)

    _, processor = janus()
    model = attach(Outer(), processor, build(config, Marks()))
    assert len(model.decode_image_tokens(image_tokens=None).assets) == 1
    assert Marks.count == 1
    assert len(model.model.decode_image_tokens(None).assets) == 1
    detach(model)
    assert (type(model), type(model.model)) == (Outer, Inner)


def test_a_model_looks_like_what_it_was(quick, tmp_path):
    model, processor = janus()
    kind = type(model)
    assert attach(model, processor, quick) is model
    assert isinstance(model, kind)
    assert type(model).__name__ == "JanusForConditionalGeneration"
    model.save_pretrained(tmp_path)
    assert type(kind.from_pretrained(tmp_path)) is kind
    assert model.config.architectures == ["JanusForConditionalGeneration"]
    assert type(detach(model)) is kind
    assert not hasattr(model.decode_image_tokens(drawn()), "assets")


def test_only_models_that_draw_can_be_attached_to(quick):
    model, processor = janus()
    with pytest.raises(ConfigError, match="decode_image_tokens"):
        attach(torch.nn.Linear(1, 1), processor, quick)
    with pytest.raises(ConfigError, match="processor"):
        attach(model, tokenizer(), quick)
    with pytest.raises(ConfigError, match="latents"):
        attach(model, processor, quick, allow=["latents"])  # type: ignore[list-item]
