"""Protects the pictures that models of transformers draw. Needs transformers and torch.

    model = attach(JanusForConditionalGeneration.from_pretrained(...), processor, pipeline)
    tokens = model.generate(**processor(text="a castle", generation_mode="image"), ...)
    pictures = model.decode_image_tokens(tokens)
    pictures.assets[0]    # the finished file: save this one

These models write pictures as tokens: `generate` gives tokens, and `decode_image_tokens` makes
pixels of them. The prompt is moderated before the first, the pictures are protected after the
second. Of transformers 5, Janus and Emu3 work so.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from provenance.errors import ConfigError, ModerationFailed
from provenance.integrations import containers
from provenance.integrations._arrays import ValueRange
from provenance.integrations._attached import (
    Run,
    original_class,
    protected_class,
    protection_of,
    running,
)
from provenance.integrations._carrying import carrying
from provenance.picture import Encoding
from provenance.pipeline import Pipeline

Model = TypeVar("Model")

_DECODES = "decode_image_tokens"

_BETWEEN = 0.25
"""Of a step between two of 256 values, added to what is handed back: the processors cut off what
is behind the comma where others round, and both come to the same value from there."""


@dataclass(frozen=True)
class Protection:
    """How the pictures of a model are protected.

    Attributes:
        pipeline: moderates, marks and signs.
        tokenizer: reads prompts.
        mean, deviation: by which the processor says that colours are normalised, by channel.
        encoding: of the assets, as for a `Pipeline`.
        embeddings: prompts may be given in numbers, which are not moderated.
    """

    pipeline: Pipeline
    tokenizer: Any
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    encoding: Encoding | str | None = None
    embeddings: bool = False


def attach(
    model: Model,
    processor: Any,
    pipeline: Pipeline | None = None,
    *,
    encoding: Encoding | str | None = None,
    allow: Collection[Literal["embeddings"]] = (),
) -> Model:
    """Protect every picture that a model draws from now on.

    Args:
        model: one with `decode_image_tokens`. One that is attached already gets the new settings.
        processor: of this model: its tokenizer reads the prompts, its image processor tells what
            black and white are.
        pipeline: moderates, marks and signs; by default, that of the configuration.
        encoding: of the assets, as for a `Pipeline`.
        allow: `embeddings` are refused as prompts unless they are named here.

    Returns:
        The same model.

    Raises:
        ConfigError: the model draws no pictures, or the processor is not one of such a model.
    """
    if not hasattr(model, _DECODES) or not hasattr(model, "generate"):
        raise ConfigError(
            f"attach was given a {type(model).__name__}; expected a model of transformers with "
            f"generate and {_DECODES}, such as Janus or Emu3"
        )
    images = getattr(processor, "image_processor", None)
    mean, deviation = getattr(images, "image_mean", None), getattr(images, "image_std", None)
    if not hasattr(processor, "tokenizer") or mean is None or deviation is None:
        raise ConfigError(
            f"attach was given a {type(processor).__name__} as the processor; expected the one of "
            "the model, with a tokenizer and an image processor"
        )
    allowed: set[str] = {allow} if isinstance(allow, str) else set(allow)
    if allowed - {"embeddings"}:
        raise ConfigError(f"allow holds {', '.join(sorted(allowed))}; expected 'embeddings'")
    protection = Protection(
        pipeline or Pipeline.from_config(),
        processor.tokenizer,
        tuple(np.broadcast_to(mean, 3)),
        tuple(np.broadcast_to(deviation, 3)),
        encoding,
        "embeddings" in allowed,
    )
    for each in _decoders(model):
        methods = {_DECODES: functools.partial(_decoded, protection)}
        if each is model:
            methods["generate"] = functools.partial(_generated, protection)
        each.__class__ = protected_class(type(each), protection, methods)
    return model


def detach(model: Model) -> Model:
    """Make a model what it was before.

    Returns:
        The same model.
    """
    for each in _decoders(model):
        if protection_of(each) is not None:
            each.__class__ = original_class(type(each))
    return model


def _decoders(model: Any) -> list[Any]:
    """The model and the ones inside it that have the method as well."""
    return [each for each in model.modules() if hasattr(each, _DECODES)]


def _generated(protection: Protection, _: Any, run: Run, bound: inspect.BoundArguments) -> Any:
    """One call of `generate`: what the model is going to read is moderated first."""
    given = {**bound.arguments, **bound.arguments.get("kwargs", {})}
    # Models that are asked for text in so many words draw nothing.
    if given.get("generation_mode") != "text":
        _moderate(protection, given)
    return run(*bound.args, **bound.kwargs)


def _moderate(protection: Protection, given: dict[str, Any]) -> None:
    if given.get("inputs_embeds") is not None and not protection.embeddings:
        raise ModerationFailed(
            "inputs_embeds cannot be moderated; give the prompt as input_ids, or attach with "
            "allow=('embeddings',)"
        )
    tokens = given.get("input_ids")
    tokens = given.get("inputs") if tokens is None else tokens
    if tokens is not None:
        read = protection.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        protection.pipeline.check_prompts([text for text in read if text.strip()])


def _decoded(protection: Protection, model: Any, run: Run, bound: inspect.BoundArguments) -> Any:
    """One call of `decode_image_tokens`: colours as pictures have them, protected, and back."""
    with running(*_decoders(model)):
        drawn = run(*bound.args, **bound.kwargs)
    shape = (3,) if drawn.shape[-1] == 3 else (3, 1, 1)
    mean, deviation = (
        drawn.new_tensor(each).float().reshape(shape)
        for each in (protection.mean, protection.deviation)
    )
    found = containers.find(
        drawn.detach().float() * deviation + mean, texts=False, values=ValueRange(0, 1)
    )
    assets = protection.pipeline.protect(found.pictures, encoding=protection.encoding)
    colours = found.replaced(assets) + _BETWEEN / 255
    return carrying(((colours - mean) / deviation).to(drawn.dtype), assets)
