"""Protects what functions give to Gradio, as files that keep their bytes on the way to the browser.

Gradio writes Pillow images and arrays anew, which loses the credentials. It serves a file as it is,
so a protected function returns paths in Gradio's own cache: for `gr.Image`, `gr.Gallery`,
`gr.File`, `gr.DownloadButton`, `gr.ImageSlider`. The option `watermark` of `gr.Image` draws over
the picture and writes it anew: leave it out.
"""

from __future__ import annotations

import hashlib
import html
import inspect
import logging
import os
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from provenance.errors import Blocked, ConfigError, HeldForReview, InputError, ProvenanceError
from provenance.files import write_atomically
from provenance.integrations._arguments import Reader
from provenance.integrations._arrays import ValueRange
from provenance.integrations.callables import Protection
from provenance.integrations.containers import Assets, Found, Place, _rebuilt
from provenance.picture import Asset, Encoding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.pipeline import Pipeline

__all__ = ["protect", "shown"]

P = ParamSpec("P")

_LOG = logging.getLogger(__name__)

_OUR_FAULT = (
    "The picture could not be protected, and is not shown; the operator finds why in the log."
)


def protect(
    pipeline: Pipeline,
    generate: Callable[P, Any],
    /,
    *,
    encoding: Encoding | str | None = None,
    value_range: tuple[float, float] | None = None,
    prompt: str | None = None,
    edits: str | None = None,
) -> Callable[P, Any]:
    """Put the pipeline around a function for `gr.Interface` or an event of `gr.Blocks`.

    Args:
        pipeline: protects what is generated.
        generate: returns or yields what its output components take: pictures, lists of pictures
            with captions, tuples, dicts by component. Objects that are not known are refused.
        encoding: how to write the files.
        value_range: of black and white in arrays of floats; (0, 1) if not given.
        prompt: the argument that holds the prompt, where none is called `prompt`.
        edits: the argument that holds the picture of which the result is an altered version.

    Returns:
        A function of the same kind with the same arguments. Pictures become paths of finished
        files. Refusals become `gr.Error`, with a sentence that may be shown to anybody.
    """
    values = ValueRange(*value_range) if value_range is not None else None
    reader = Reader(generate, prompt, edits, values)
    protection = Protection(pipeline, generate, reader, encoding, values, deliver=_as_files)
    return _telling(protection.function())


def shown(asset: Asset, name: str = "picture") -> str:
    """The path of a finished file, for any component that shows or offers files.

    Args:
        asset: what to show.
        name: of the file when it is downloaded, without suffix.

    Raises:
        ConfigError: Gradio is not installed, or the name is no file name.
        OutputError: Gradio's cache cannot be written.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise ConfigError(f"the file is to be called {name!r}; expected a plain name")
    folder = Path(_gradio().utils.get_upload_folder()) / hashlib.sha256(asset.data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    suffix = asset.media_type.removeprefix("image/").replace("jpeg", "jpg")
    return str(write_atomically(folder / f"{name}.{suffix}", asset.data, overwrite=True))


def _as_files(found: Found, assets: Sequence[Asset], new: Sequence[Asset | None]) -> Any:
    """What was returned, with paths of finished files where pictures were."""
    made = {id(place): _shown_at(place, assets, new) for place in found.places}
    return found.value if found._rebuild is None else _rebuilt(found._rebuild, assets, made)


def _shown_at(place: Place, assets: Sequence[Asset], new: Assets) -> Any:
    """One path, or a list of them for an array that holds a batch; texts stay texts."""
    if isinstance(place.value, str) and not os.path.lexists(place.value[:4096]):
        return place.filled(new)
    paths = [shown(asset) for asset in assets[place.which]]
    return paths[0] if len(paths) == 1 else paths


def _telling(function: Callable[P, Any]) -> Callable[P, Any]:
    """The same kind of function, whose refusals Gradio can show."""

    def called(*args: Any, **kwargs: Any) -> Any:
        with _told():
            return function(*args, **kwargs)

    def streamed(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _told():
            return (yield from function(*args, **kwargs))

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        with _told():
            return await function(*args, **kwargs)

    async def streaming(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with _told():
            async with aclosing(function(*args, **kwargs)) as items:
                async for item in items:
                    yield item

    kinds = (
        (inspect.isgeneratorfunction, streamed),
        (inspect.iscoroutinefunction, awaited),
        (inspect.isasyncgenfunction, streaming),
    )
    kind: Callable[..., Any] = next((made for is_kind, made in kinds if is_kind(function)), called)
    return wraps(function)(kind)


@contextmanager
def _told() -> Iterator[None]:
    """Turn our exceptions into Gradio's; of our own faults nothing is told."""
    try:
        yield
    except (Blocked, HeldForReview, InputError) as error:
        sentence = str(error)
        raise _gradio().Error(html.escape(sentence), print_exception=False) from error
    except ProvenanceError as error:
        _LOG.exception("a picture could not be protected")
        raise _gradio().Error(_OUR_FAULT, print_exception=False) from error


def _gradio() -> Any:
    try:
        import gradio  # type: ignore[import-not-found]
    except ImportError as error:
        raise ConfigError(
            "Gradio is not installed; run: python -m pip install 'gradio>=5'"
        ) from error
    return gradio
