"""Callbacks of diffusers that are kept from latents: a decoder makes unmarked pictures of those."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from provenance.errors import UnsupportedPicture
from provenance.integrations._attached import running

Callback: TypeAlias = Callable[..., Any]


def without_latents(name: str, callback: Callback) -> Callback:
    """The callback, which is shown everything but latents.

    Args:
        name: of the argument that it was passed as.
        callback: of the caller, or one of diffusers' own, which stay as they are.

    Raises:
        UnsupportedPicture: it cannot be called without latents.
    """
    from diffusers.callbacks import MultiPipelineCallbacks, PipelineCallback

    if not name.endswith("callback_on_step_end"):
        raise UnsupportedPicture(
            f"{name} is given latents, which cannot be marked; use callback_on_step_end, or attach "
            "with allow=('latents',)"
        )
    if isinstance(callback, MultiPipelineCallbacks | PipelineCallback):
        if any("latent" in each for each in callback.tensor_inputs):
            raise UnsupportedPicture(
                f"{type(callback).__name__} works on latents, which cannot be marked; attach with "
                "allow=('latents',) if it is to be used"
            )
        official: Callback = callback  # diffusers asks for its class
        return official

    @functools.wraps(callback)
    def guarded(pipe: Any, step: int, timestep: Any, tensors: Mapping[str, Any]) -> Any:
        shown = _Shown({n: each for n, each in tensors.items() if "latent" not in n})
        with running():
            return callback(pipe, step, timestep, shown)

    return guarded


class _Shown(dict[str, Any]):
    """What a callback may see."""

    def __missing__(self, name: str) -> Any:
        if "latent" not in name:
            raise KeyError(name)
        raise UnsupportedPicture(
            f"{name} are kept from callbacks; attach with allow=('latents',) if they are needed"
        )
