"""Runs towers that are torch modules; open_clip and transformers share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray

from provenance.embed.preprocess import Pixels
from provenance.embed.tokens import Tokens
from provenance.errors import ConfigError

State = dict[str, Any]
"""Tensors by name."""


class Encoder(torch.nn.Module):  # type: ignore[misc]  # torch is an extra, so Any to mypy
    """A part of a model as a module of its own, which can be exported.

    Args:
        model: holds the weights.
        encode: what is asked of it; returns vectors.
    """

    def __init__(self, model: Any, encode: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.model = model
        self.encode = encode

    def forward(self, given: Any) -> Any:
        """Vectors for pixels or for tokens."""
        return self.encode(self.model, given)

    def numpy(self, given: NDArray[Any]) -> NDArray[Any]:
        """The same from array to array."""
        with torch.inference_mode():
            return np.asarray(self(torch.from_numpy(np.ascontiguousarray(given))).numpy())


class TorchEngine:
    """Runs on the CPU, in single precision.

    Args:
        image: pixels to vectors.
        text: tokens to vectors.
    """

    def __init__(self, image: Encoder, text: Encoder) -> None:
        self.image = image.float().eval().requires_grad_(False)
        self.text = text.float().eval().requires_grad_(False)

    def pictures(self, pixels: Pixels) -> NDArray[Any]:
        """A row of `width` numbers for each."""
        return np.asarray(self.image.numpy(pixels))

    def texts(self, tokens: Tokens) -> NDArray[Any]:
        """A row of `width` numbers for each."""
        return np.asarray(self.text.numpy(tokens))


def built(make: Callable[[], Any], *, random: bool = False) -> Any:
    """A model made by `make`, which leaves the caller's generator of random numbers as it was.

    Args:
        make: calls the constructor.
        random: give the weights their random start. Without it they hold anything, and `fill`
            overwrites all of them; for a large model that saves most of the time.
    """
    with torch.random.fork_rng(devices=[]):
        if random:
            return make()
        with _Unset():
            return make()


class _Unset(torch.overrides.TorchFunctionMode):  # type: ignore[misc]  # likewise
    """Leaves tensors as they are where a constructor would fill them with random numbers."""

    _filling = frozenset({"normal_", "uniform_", "trunc_normal_", "erfinv_"})

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if getattr(function, "__name__", "") in self._filling:
            return args[0] if args else kwargs["tensor"]
        return function(*args, **(kwargs or {}))


def read_state(path: Path) -> State:
    """The tensors of a file of safetensors, which holds numbers and no code.

    Raises:
        ConfigError: another format, or damaged.
    """
    check_safetensors(path)
    try:
        return dict(safetensors.torch.load_file(path))
    except (OSError, safetensors.SafetensorError) as error:
        raise ConfigError(f"{path.name} cannot be read ({error}); pull the model again") from error


def read_logits(path: Path) -> tuple[float, float]:
    """Scale and bias of the logits, without reading the other tensors."""
    check_safetensors(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            names = set(file.keys())
            if "logit_scale" not in names:
                raise ConfigError(f"{path.name} has no logit_scale: it is no CLIP or SigLIP model")
            scale = float(file.get_tensor("logit_scale").double().exp())
            bias = float(file.get_tensor("logit_bias").double()) if "logit_bias" in names else 0.0
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise ConfigError(f"{path.name} cannot be read ({error}); pull the model again") from error
    return scale, bias


def check_safetensors(path: Path) -> None:
    """Refuse what could hold code.

    Raises:
        ConfigError: the file is of another format.
    """
    if path.suffix != ".safetensors":
        raise ConfigError(
            f"{path.name} is refused: a pickle runs code when it is loaded; "
            "use the model's .safetensors file"
        )


def fill(model: Any, state: Mapping[str, Any], name: str) -> None:
    """Put the weights into the model; each must have its place, and each place its weight.

    Raises:
        ConfigError: they are those of another architecture.
    """
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise ConfigError(f"{name} does not fit the architecture: {first}") from error
    if missing or unexpected:
        raise ConfigError(
            f"{name} does not fit the architecture: {len(missing)} tensors are missing and "
            f"{len(unexpected)} have no place, such as {[*missing, *unexpected][0]}; "
            "check which model the file is"
        )
