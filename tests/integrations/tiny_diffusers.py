"""Real pipelines of diffusers with tiny random weights, built here: nothing comes from a hub.

Each function gives a new pipe. Pictures come out at 8 times the side of the latents, so that 256
pixels, which carry the real mark, are made in well under a second.
"""

from __future__ import annotations

import string
from typing import Any

import torch
import transformers
from diffusers import (
    AnimateDiffPipeline,
    AutoencoderKL,
    AutoencoderKLTemporalDecoder,
    ControlNetModel,
    DDIMScheduler,
    DDPMPipeline,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    MotionAdapter,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    StableVideoDiffusionPipeline,
    UNet2DConditionModel,
    UNet2DModel,
    UNetSpatioTemporalConditionModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

transformers.logging.set_verbosity_error()

SIDE = 256
_LETTERS = list(string.ascii_lowercase + string.digits + ",.!?'-")


def clip_tokenizer() -> CLIPTokenizer:
    """Letter by letter."""
    words = [*_LETTERS, *(f"{letter}</w>" for letter in _LETTERS)]
    vocabulary = {word: place for place, word in enumerate(words)}
    vocabulary["<|startoftext|>"] = len(vocabulary)
    vocabulary["<|endoftext|>"] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def t5_tokenizer() -> T5Tokenizer:
    """Letter by letter."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(letter, -3.0) for letter in _LETTERS]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=77)


def clip_text(kind: type = CLIPTextModel, width: int = 16) -> Any:
    tokenizer = clip_tokenizer()
    torch.manual_seed(0)
    return kind(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            hidden_size=width,
            intermediate_size=16,
            projection_dim=width,
            num_attention_heads=2,
            num_hidden_layers=2,
        )
    ).eval()


def t5_text() -> T5EncoderModel:
    torch.manual_seed(0)
    return T5EncoderModel(
        T5Config(
            vocab_size=len(t5_tokenizer()), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2
        )
    ).eval()


def vae(channels: int = 4, **options: Any) -> AutoencoderKL:
    torch.manual_seed(0)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        block_out_channels=(4, 4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=2,
        sample_size=SIDE,
        **options,
    ).eval()


def unet(**options: Any) -> UNet2DConditionModel:
    torch.manual_seed(0)
    known: dict[str, Any] = {
        "block_out_channels": (4, 8),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 16,
        "attention_head_dim": 2,
        "layers_per_block": 1,
        "norm_num_groups": 2,
        "sample_size": SIDE // 8,
    }
    return UNet2DConditionModel(**{**known, **options}).eval()


def safety_checker(*, flags: bool) -> StableDiffusionSafetyChecker:
    """The real checker, which flags every picture, or none."""
    config = transformers.CLIPConfig(
        text_config={"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1},
        vision_config={
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "image_size": 32,
            "patch_size": 16,
        },
        projection_dim=8,
    )
    checker = StableDiffusionSafetyChecker(config).eval()
    checker.concept_embeds_weights.data.fill_(-2.0 if flags else 2.0)
    checker.special_care_embeds_weights.data.fill_(2.0)
    return checker


def _parts(checker: StableDiffusionSafetyChecker | None = None) -> dict[str, Any]:
    small = {"shortest_edge": 32}
    return {
        "vae": vae(),
        "text_encoder": clip_text(),
        "tokenizer": clip_tokenizer(),
        "unet": unet(),
        "scheduler": DDIMScheduler(clip_sample=False, steps_offset=1, set_alpha_to_one=False),
        "safety_checker": checker,
        "feature_extractor": CLIPImageProcessor(crop_size=32, size=small) if checker else None,
    }


def _quiet(pipe: Any) -> Any:
    pipe.set_progress_bar_config(disable=True)
    return pipe


def stable_diffusion(checker: StableDiffusionSafetyChecker | None = None) -> Any:
    return _quiet(
        StableDiffusionPipeline(**_parts(checker), requires_safety_checker=checker is not None)
    )


def controlnet() -> Any:
    torch.manual_seed(1)
    control = ControlNetModel(
        block_out_channels=(4, 8),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=2,
        layers_per_block=1,
        norm_num_groups=2,
        conditioning_embedding_out_channels=(2, 2, 4, 4),
    ).eval()
    return _quiet(
        StableDiffusionControlNetPipeline(
            **_parts(), controlnet=control, requires_safety_checker=False
        )
    )


def sdxl() -> Any:
    return _quiet(
        StableDiffusionXLPipeline(
            vae=vae(),
            text_encoder=clip_text(),
            text_encoder_2=clip_text(CLIPTextModelWithProjection),
            tokenizer=clip_tokenizer(),
            tokenizer_2=clip_tokenizer(),
            unet=unet(
                cross_attention_dim=32,
                attention_head_dim=(2, 4),
                use_linear_projection=True,
                addition_embed_type="text_time",
                addition_time_embed_dim=8,
                transformer_layers_per_block=(1, 2),
                projection_class_embeddings_input_dim=64,
            ),
            scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear"),
            add_watermarker=False,
        )
    )


def sd3() -> Any:
    torch.manual_seed(0)
    transformer = SD3Transformer2DModel(
        sample_size=SIDE // 8,
        patch_size=2,
        in_channels=4,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        caption_projection_dim=16,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        out_channels=4,
    ).eval()
    return _quiet(
        StableDiffusion3Pipeline(
            transformer=transformer,
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=vae(use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06),
            text_encoder=clip_text(CLIPTextModelWithProjection),
            tokenizer=clip_tokenizer(),
            text_encoder_2=clip_text(CLIPTextModelWithProjection),
            tokenizer_2=clip_tokenizer(),
            text_encoder_3=None,
            tokenizer_3=None,
        )
    )


def flux() -> Any:
    torch.manual_seed(0)
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        pooled_projection_dim=16,
        axes_dims_rope=(4, 4, 8),
    ).eval()
    return _quiet(
        FluxPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=vae(use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06),
            text_encoder=clip_text(),
            tokenizer=clip_tokenizer(),
            text_encoder_2=t5_text(),
            tokenizer_2=t5_tokenizer(),
            transformer=transformer,
        )
    )


def pixart() -> Any:
    torch.manual_seed(0)
    transformer = PixArtTransformer2DModel(
        sample_size=SIDE // 8,
        num_layers=1,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=2,
        caption_channels=16,
        in_channels=4,
        cross_attention_dim=16,
        out_channels=8,
        attention_bias=True,
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        norm_eps=1e-6,
    ).eval()
    return _quiet(
        PixArtSigmaPipeline(
            tokenizer=t5_tokenizer(),
            text_encoder=t5_text(),
            vae=vae(),
            transformer=transformer,
            scheduler=DPMSolverMultistepScheduler(),
        )
    )


def ddpm(side: int = 32) -> Any:
    torch.manual_seed(0)
    model = UNet2DModel(
        sample_size=side,
        block_out_channels=(4, 8),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=2,
    ).eval()
    return _quiet(DDPMPipeline(model, DDPMScheduler()))


def animatediff() -> Any:
    torch.manual_seed(1)
    adapter = MotionAdapter(
        block_out_channels=(4, 8),
        motion_layers_per_block=1,
        motion_norm_num_groups=2,
        motion_num_attention_heads=2,
    )
    parts = _parts()
    del parts["safety_checker"]
    return _quiet(AnimateDiffPipeline(**parts, motion_adapter=adapter))


def stable_video() -> Any:
    """A film from a picture, without a prompt."""
    torch.manual_seed(0)
    return _quiet(
        StableVideoDiffusionPipeline(
            vae=AutoencoderKLTemporalDecoder(
                block_out_channels=(32,) * 4,
                down_block_types=("DownEncoderBlock2D",) * 4,
                layers_per_block=1,
            ).eval(),
            image_encoder=CLIPVisionModelWithProjection(
                CLIPVisionConfig(
                    hidden_size=16,
                    projection_dim=16,
                    num_hidden_layers=1,
                    num_attention_heads=2,
                    image_size=224,
                    intermediate_size=16,
                    patch_size=56,
                )
            ).eval(),
            unet=UNetSpatioTemporalConditionModel(
                block_out_channels=(32, 64),
                down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
                up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
                cross_attention_dim=16,
                num_attention_heads=8,
                layers_per_block=1,
                projection_class_embeddings_input_dim=96,
                addition_time_embed_dim=32,
                sample_size=8,
            ).eval(),
            scheduler=EulerDiscreteScheduler(
                beta_schedule="scaled_linear",
                prediction_type="v_prediction",
                timestep_type="continuous",
                use_karras_sigmas=True,
                sigma_min=0.002,
                sigma_max=700.0,
            ),
            feature_extractor=CLIPImageProcessor(),
        )
    )
