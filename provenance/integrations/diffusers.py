"""Protects every picture that a pipeline of diffusers makes. Needs `provenance-kit[diffusers]`.

    pipe = attach(StableDiffusionXLPipeline.from_pretrained(...), Pipeline.from_config())
    result = pipe("a castle")
    result.images[0]    # marked pixels, of the type that was asked for
    result.assets[0]    # the finished file: save this one

Prompts are moderated before the pipe runs. What cannot be moderated or marked (embeddings,
latents) is refused unless it is allowed. See docs/diffusers.md.
"""

from __future__ import annotations

import copy
import functools
import inspect
import re
import threading
from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from provenance.errors import Blocked, ConfigError, ModerationFailed, UnsupportedPicture
from provenance.integrations import containers
from provenance.integrations._asked import Asked
from provenance.integrations._attached import (
    Around,
    Run,
    original_class,
    protected_class,
    protection_of,
    running,
)
from provenance.integrations._carrying import carrying
from provenance.integrations._steps import without_latents
from provenance.picture import Encoding, Picture
from provenance.pipeline import Pipeline

Pipe = TypeVar("Pipe")

Allowance: TypeAlias = Literal["embeddings", "latents"]

_ENTRIES = ("__call__", "decode_latents", "generate")
"""Methods of pipes that give pictures. `invert` is none: what it gives was not generated."""

_EDITS = re.compile(r"Inpaint|Edit|Pix2Pix|Kontext|Fill|Upscale|SuperResolution|RePaint")
"""Classes that alter the picture they are given, and do not only take it as a guide."""

_PRIOR = re.compile(r"Prior(Emb2Emb|Redux)?Pipeline$")
"""Classes that give embeddings, of which another pipe makes pictures."""

_FLAGS = re.compile(r"nsfw|watermark_detected")

_SOUND = ("audio", "audios", "sound")


@dataclass(frozen=True)
class Protection:
    """How the pictures of a pipe are protected.

    Attributes:
        pipeline: moderates, marks and signs.
        encoding: of the assets, as for a `Pipeline`.
        allow: `latents` (as output and in callbacks) and `embeddings` (instead of prompts), which
            leave what they carry unmarked and unmoderated.
        keep_checker: run the stock safety checker as well.
    """

    pipeline: Pipeline
    encoding: Encoding | str | None = None
    allow: frozenset[Allowance] = frozenset()
    keep_checker: bool = False


_claimed: WeakKeyDictionary[Any, Protection] = WeakKeyDictionary()
"""What protected pipes consist of: a pipe that has a part of one is protected as well."""
_lock = threading.Lock()


def attach(
    pipe: Pipe,
    pipeline: Pipeline | None = None,
    *,
    encoding: Encoding | str | None = None,
    allow: Collection[Allowance] = (),
    keep_checker: bool = False,
) -> Pipe:
    """Protect every picture that a pipe makes from now on, and that pipes made from it will.

    Args:
        pipe: a `DiffusionPipeline`. One that is attached already gets the new settings.
        pipeline: moderates, marks and signs; by default, that of the configuration.
        encoding: of the assets, as for a `Pipeline`.
        allow: `latents` and `embeddings` are refused unless they are named here.
        keep_checker: run the pipe's safety checker as well, and refuse what it flags. Otherwise it
            does not run, and the policy decides alone.

    Returns:
        The same pipe.

    Raises:
        ConfigError: this is no pipe, `allow` holds something else, or diffusers is missing.
    """
    try:
        from diffusers import DiffusionPipeline
    except ImportError as error:
        raise ConfigError(
            f"attach needs diffusers, which could not be imported ({error}); install it with: "
            "pip install provenance-kit[diffusers]"
        ) from error

    if not isinstance(pipe, DiffusionPipeline):
        raise ConfigError(
            f"attach was given a {type(pipe).__name__}; expected a DiffusionPipeline of diffusers"
        )
    allowed: frozenset[Any] = frozenset([allow] if isinstance(allow, str) else allow)
    unknown = allowed - {"embeddings", "latents"}
    if unknown:
        named = ", ".join(sorted(map(repr, unknown)))
        raise ConfigError(f"allow holds {named}; expected 'embeddings', 'latents', or both")
    protection = Protection(pipeline or Pipeline.from_config(), encoding, allowed, keep_checker)
    _watch()
    for each in (pipe, *_parts(pipe)):
        each.__class__ = _protected(type(each), protection)
        _claim(each)
    return pipe


def detach(pipe: Pipe) -> Pipe:
    """Make a pipe what it was before. Others that were made from it stay protected.

    Returns:
        The same pipe.
    """
    for each in (pipe, *_parts(pipe)):
        protection = protection_of(each)
        if protection is None:
            continue
        each.__class__ = original_class(type(each))
        with _lock:
            for part in vars(each).values():
                if _is_model(part) and _claimed.get(part) is protection:
                    del _claimed[part]
    return pipe


def _protected(base: type, protection: Protection) -> type:
    """The class of a protected pipe. Settings are in the class, so that a copy has them too."""
    base = original_class(base)
    methods: dict[str, Around] = {
        name: functools.partial(_around, protection) for name in _ENTRIES if hasattr(base, name)
    }
    components: property = base.components  # type: ignore[attr-defined]
    replaced: dict[str, Any] = {"components": property(functools.partial(_handed_out, components))}
    if "add_watermarker" in inspect.signature(base.__init__).parameters:  # type: ignore[misc]
        replaced["watermark"] = property(lambda _: None, _set_aside)
    checks = getattr(base, "run_safety_checker", None)
    # (self, image, device, dtype) gives the pictures and a list of flags; a few give more.
    if checks and not protection.keep_checker and len(inspect.signature(checks).parameters) == 4:
        replaced["run_safety_checker"] = _unless_stock(checks)
    return protected_class(base, protection, methods, **replaced)


def _around(protection: Protection, pipe: Any, run: Run, bound: inspect.BoundArguments) -> Any:
    """One call of a pipe: check what it is asked, run it, protect what it gives."""
    asked = Asked(bound)
    _claim(pipe)  # a model may have been exchanged since
    latents = _asks_for_latents(pipe, asked)
    notes = _refuse(protection, pipe, asked, latents=latents)
    if "latents" not in protection.allow:
        for name, callback in asked.callbacks().items():
            asked.replace(name, without_latents(name, callback))
    prompts = asked.prompts()

    def call() -> Any:
        with running(pipe, *_parts(pipe)):
            return run(*bound.args, **bound.kwargs)

    if latents:
        protection.pipeline.check_prompts(prompts)
        return call()
    inputs, unnamed = asked.inputs(edits=bool(_EDITS.search(type(pipe).__name__)))
    made: list[tuple[containers.Found, Mapping[str, Any]]] = []

    def generate() -> Sequence[Picture]:
        silent, sound = _without_sound(call())
        made.append((containers.find(silent, texts=False), sound))
        unheard = ("the sound was not marked",) if sound else ()
        return _Pictures(made[-1][0].pictures, _flagged(silent), (*notes, *unnamed, *unheard))

    assets = protection.pipeline.make(
        generate, prompts=prompts, inputs=inputs, encoding=protection.encoding
    )
    found, sound = made[0]
    result = found.replaced(assets)
    for name, value in sound.items():
        result[name] = value
    return carrying(result, assets)


def _asks_for_latents(pipe: Any, asked: Asked) -> bool:
    kind = asked.value("output_type")
    named = isinstance(kind, str) and kind.startswith("latent")
    return named or _PRIOR.search(type(pipe).__name__) is not None


def _refuse(protection: Protection, pipe: Any, asked: Asked, *, latents: bool) -> tuple[str, ...]:
    """Refuse what is not allowed; otherwise, notes on what goes unchecked or was replaced."""
    if latents and "latents" not in protection.allow:
        raise UnsupportedPicture(
            f"this call of {type(pipe).__name__} gives latents, which cannot be marked; ask for "
            "pictures, or attach with allow=('latents',)"
        )
    notes = []
    embedded = asked.embedded()
    if embedded:
        if "embeddings" not in protection.allow:
            raise ModerationFailed(
                f"{embedded[0]} cannot be moderated; give the prompt as text and inputs as "
                "pictures, or attach with allow=('embeddings',)"
            )
        notes.append(f"{', '.join(embedded)} went unmoderated, as allowed")
    if not protection.keep_checker and _is_stock(getattr(pipe, "safety_checker", None)):
        notes.append("diffusers' safety checker did not run: the policy decided alone")
    if vars(pipe).get("watermark") is not None:
        notes.append("diffusers' own watermark was left out: this mark replaces it")
    return tuple(notes)


class _Pictures(Sequence[Picture]):
    """What a pipe made. Looking at one that its checker blackened is a refusal."""

    def __init__(self, made: Sequence[Any], flagged: bool, notes: tuple[str, ...]) -> None:
        self._made = made
        self._flagged = flagged
        self._notes = notes

    def __len__(self) -> int:
        return len(self._made)

    def __getitem__(self, place: Any) -> Any:
        if self._flagged:
            raise Blocked("nudity", 1.0, 1.0, "diffusers-safety-checker")
        made = self._made[place]
        if isinstance(made, bytes):
            picture = Picture.open(made)
        elif isinstance(made, np.ndarray):
            picture = Picture.from_array(made)
        else:
            picture = made if isinstance(made, Picture) else Picture.from_pil(made)
        return replace(picture, notes=(*picture.notes, *self._notes))


def _without_sound(result: Any) -> tuple[Any, Mapping[str, Any]]:
    """A result, and apart from it the sound that some make with their films."""
    named = result if isinstance(result, MutableMapping) else {}
    sound = {n: named[n] for n in _SOUND if named.get(n) is not None}
    if sound:
        result = copy.copy(result)
        for name in sound:
            result[name] = None
    return result, sound


def _flagged(result: Any) -> bool:
    """Whether a checker of the pipe flagged a picture of this result, which it then blackened."""
    if isinstance(result, tuple):
        flags = [v for v in result if isinstance(v, list) and all(isinstance(x, bool) for x in v)]
    else:
        named = result if isinstance(result, Mapping) else getattr(result, "__dict__", {})
        flags = [value for name, value in named.items() if _FLAGS.search(name)]
    return any(bool(np.any(each)) for each in flags if each is not None)


def _unless_stock(method: Run) -> Run:
    @functools.wraps(method)
    def run_safety_checker(self: Any, image: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_stock(self.safety_checker):
            return image, None
        return method(self, image, *args, **kwargs)

    return run_safety_checker


def _is_stock(checker: Any) -> bool:
    """The checker of Stable Diffusion. Others stay: licences ask for some of them."""
    return type(checker).__name__ == "StableDiffusionSafetyChecker"


def _set_aside(pipe: Any, watermark: Any) -> None:
    vars(pipe)["watermark"] = watermark


def _handed_out(components: property, pipe: Any) -> Any:
    """What a pipe consists of: whoever makes another pipe of it gets a protected one."""
    _claim(pipe)
    return components.__get__(pipe)


def _claim(pipe: Any) -> None:
    protection = protection_of(pipe)
    with _lock:
        for part in vars(pipe).values():
            if _is_model(part):
                _claimed[part] = protection


def _parts(pipe: Any) -> Iterator[Any]:
    """Pipes inside a pipe, such as the prior of a combined one."""
    from diffusers import DiffusionPipeline

    return (each for each in vars(pipe).values() if isinstance(each, DiffusionPipeline))


def _is_model(module: Any) -> bool:
    import torch

    return isinstance(module, torch.nn.Module)


def _watch() -> None:
    """Protect pipes that are made from a protected one, by `from_pipe` or from its components.

    All of them register what they consist of, so that is where they are met.
    """
    from diffusers import DiffusionPipeline

    registers = DiffusionPipeline.register_modules
    if getattr(registers, "_provenance_watches", False):
        return

    @functools.wraps(registers)
    def register_modules(self: Any, **modules: Any) -> None:
        registers(self, **modules)
        if protection_of(self) is not None:
            return
        for module in modules.values():
            protection = _claimed.get(module) if _is_model(module) else None
            if protection is not None:
                self.__class__ = _protected(type(self), protection)
                return

    register_modules._provenance_watches = True  # type: ignore[attr-defined]
    DiffusionPipeline.register_modules = register_modules
