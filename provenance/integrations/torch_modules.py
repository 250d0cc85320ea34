"""Puts a pipeline around a `torch.nn.Module` that makes pictures: a GAN's generator, a decoder.

    generator = attach(generator, Pipeline.from_config(), value_range=(-1, 1))
    pictures = generator(noise)    # a tensor like before, with the mark in its pixels
    pictures.assets                # the finished files: save these

The module keeps its parameters, its `state_dict`, its hooks and the name of its class. What it
gives is marked; gradients do not pass through that, so attach it after training.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from provenance.errors import ConfigError
from provenance.integrations._arguments import Reader
from provenance.integrations._arrays import ValueRange
from provenance.integrations._attached import Run, original_class, protected_class, running
from provenance.integrations.callables import Protection

if TYPE_CHECKING:
    from provenance.picture import Encoding
    from provenance.pipeline import Pipeline

__all__ = ["attach", "detach"]

Module = TypeVar("Module")


def attach(
    module: Module,
    pipeline: Pipeline,
    *,
    value_range: tuple[float, float],
    methods: Collection[str] = (),
    encoding: Encoding | str | None = None,
    prompt: str | None = None,
    edits: str | None = None,
) -> Module:
    """Protect every picture that the module gives from now on.

    Args:
        module: gives tensors of N×C×H×W or C×H×W, frames of these, or the channels last; alone or
            in tuples, dicts and the like. One that is attached already gets the new settings.
        pipeline: protects what it gives.
        value_range: of black and white in these tensors: (-1, 1) after a `tanh`, (0, 1) after a
            `sigmoid`. Values outside are cut off. It has to be said, since no tensor can tell.
        methods: that give pictures as well, such as `decode`; calling the module always counts.
        encoding: how to write the files.
        prompt: the argument that holds the prompt, where none is called `prompt`.
        edits: the argument that holds the picture of which the result is an altered version.

    Returns:
        The same module.

    Raises:
        ConfigError: it is no module or a scripted one, it has no such method, the range is
            none, or torch is missing.
    """
    try:
        import torch
    except ImportError as error:
        raise ConfigError(
            f"attach needs torch, which could not be imported ({error}); install it with: "
            "pip install torch"
        ) from error
    if not isinstance(module, torch.nn.Module) or isinstance(module, torch.jit.ScriptModule):
        raise ConfigError(
            f"attach was given a {type(module).__name__}; expected a torch.nn.Module that is not "
            "scripted"
        )
    missing = [name for name in methods if not callable(getattr(module, name, None))]
    if missing:
        raise ConfigError(f"{type(module).__name__} has no method '{missing[0]}'")
    detach(module)
    values = ValueRange(*value_range)

    def protect(self: Any, run: Run, bound: inspect.BoundArguments, reader: Reader) -> Any:
        def generate(*args: Any, **kwargs: Any) -> Any:
            with running(self):
                return run(self, *args, **kwargs)

        protection = Protection(pipeline, generate, reader, encoding, values)
        return protection.function()(*bound.args[1:], **bound.kwargs)

    # `forward` is one of them for those who call it themselves; hooks may alter what it gives, so
    # that it is not enough to protect it alone.
    around = {
        name: partial(protect, reader=Reader(getattr(module, asked), prompt, edits, values))
        for name, asked in {"__call__": "forward", **{n: n for n in ("forward", *methods)}}.items()
    }
    module.__class__ = protected_class(type(module), pipeline, around)
    return module


def detach(module: Module) -> Module:
    """Make a module what it was before.

    Returns:
        The same module.
    """
    if original_class(type(module)) is not type(module):
        module.__class__ = original_class(type(module))
    return module
