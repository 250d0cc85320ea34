"""Puts a pipeline around any function that generates pictures.

The function keeps its name, its arguments and the types that it returns. Every picture in what it
returns has been moderated, marked, signed and read back; the finished files are beside it, as
`assets`. What cannot be protected is not returned.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import io
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar, cast, overload

from provenance.errors import ConfigError, UnsupportedPicture
from provenance.integrations._arguments import Given, Reader
from provenance.integrations._arrays import ValueRange
from provenance.integrations._carrying import assets_of, carrying
from provenance.integrations._finished import finished
from provenance.integrations._threads import in_thread
from provenance.integrations.containers import Found, find
from provenance.picture import Asset, Encoding

if TYPE_CHECKING:
    from provenance.pipeline import Pipeline

__all__ = ["Protection", "assets_from", "assets_of", "protect"]

P = ParamSpec("P")
R = TypeVar("R")

Call: TypeAlias = "tuple[tuple[Any, ...], dict[str, Any]]"


@overload
def protect(
    pipeline: Pipeline,
    generate: Callable[P, R],
    /,
    *,
    encoding: Encoding | str | None = ...,
    value_range: tuple[float, float] | None = ...,
    prompt: str | None = ...,
    edits: str | None = ...,
) -> Callable[P, R]: ...


@overload
def protect(
    pipeline: Pipeline,
    /,
    *,
    encoding: Encoding | str | None = ...,
    value_range: tuple[float, float] | None = ...,
    prompt: str | None = ...,
    edits: str | None = ...,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def protect(
    pipeline: Pipeline,
    generate: Callable[..., Any] | None = None,
    /,
    *,
    encoding: Encoding | str | None = None,
    value_range: tuple[float, float] | None = None,
    prompt: str | None = None,
    edits: str | None = None,
) -> Callable[..., Any]:
    """Put the pipeline around a generator, as a decorator or as a function.

    The generator may be a function, a coroutine function, a generator or an asynchronous generator,
    a method, a callable object, or a partial of one. Prompts are checked before it runs. If the
    policy wants a picture regenerated, it is called again with the same arguments: let it choose a
    seed of its own. One that yields has each item protected before it is handed on, and is stopped
    at the first that is refused. Asynchronous ones are served from threads, so that the event loop
    never waits.

    Args:
        pipeline: protects what is generated.
        generate: returns, or yields, pictures: Pillow images, arrays, torch tensors, files in
            bytes, base64, `data:` URLs, paths of new files, and lists, tuples, dicts, dataclasses,
            models and objects with `images` or `image` that hold them.
        encoding: how to write the files.
        value_range: of black and white in arrays of floats; (0, 1) if not given.
        prompt: the argument that holds the prompt, where none is called `prompt`.
        edits: the argument that holds the picture of which the result is an altered version.

    Returns:
        A function with the same arguments. It returns the same types, with the assets beside them:
        see `assets_of`.

    Raises:
        ConfigError: there is no argument of these names, or the range is none.
    """
    if generate is None:
        return functools.partial(
            protect,
            pipeline,
            encoding=encoding,
            value_range=value_range,
            prompt=prompt,
            edits=edits,
        )
    values = ValueRange(*value_range) if value_range is not None else None
    reader = Reader(generate, prompt, edits, values)
    return Protection(pipeline, generate, reader, encoding, values).function()


def assets_from(
    pipeline: Pipeline, generate: Callable[P, Any], *, encoding: Encoding | str | None = None
) -> Callable[P, Any]:
    """The same, but what is returned is the assets alone: `Pipeline.wrap`."""
    reader = Reader(generate)
    return Protection(pipeline, generate, reader, encoding, deliver=assets_alone).function()


Deliver: TypeAlias = "Callable[[Found, Sequence[Asset], Sequence[Asset | None]], Any]"
"""Makes the result, from what was returned, all assets, and the assets that are new."""


def in_its_place(found: Found, assets: Sequence[Asset], new: Sequence[Asset | None]) -> Any:
    """What the generator returned, with protected pictures in it and the assets beside it."""
    return carrying(found.replaced(new), assets)


def assets_alone(found: Found, assets: Sequence[Asset], new: Sequence[Asset | None]) -> Any:
    """The asset of a single picture, or a list of assets for all else."""
    found.write_files(new)
    single = len(assets) == 1 and found.places[0].value is found.value
    return assets[0] if single else list(assets)


@dataclass(frozen=True)
class Protection:
    """A pipeline around one generator.

    Attributes:
        pipeline: protects what is generated.
        generate: the generator.
        reader: finds prompts and pictures among its arguments.
        encoding: how to write the files.
        values: of black and white in arrays of floats.
        deliver: makes the result.
    """

    pipeline: Pipeline
    generate: Callable[..., Any]
    reader: Reader
    encoding: Encoding | str | None = None
    values: ValueRange | None = None
    deliver: Deliver = in_its_place

    def function(self) -> Callable[..., Any]:
        """What to call instead of the generator: of the same kind, with its name and arguments."""
        inner: Any = self.generate
        while isinstance(inner, functools.partial):
            inner = inner.func
        if inspect.isclass(inner):
            raise ConfigError(f"{inner.__name__} is a class; protect the method that generates")
        if not inspect.isroutine(inner):
            inner = inner.__call__

        def called(*args: Any, **kwargs: Any) -> Any:
            return self._called(args, kwargs)

        def streamed(*args: Any, **kwargs: Any) -> Any:
            given, since = self._asked(args, kwargs), time.time()
            return (yield from self._stream(self.generate(*args, **kwargs), given, since))

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            given, since = await in_thread(partial(self._asked, args, kwargs)), time.time()
            value = await self.generate(*args, **kwargs)
            return await self._finished(value, given, since, (args, kwargs))

        async def streaming(*args: Any, **kwargs: Any) -> Any:
            given, since = await in_thread(partial(self._asked, args, kwargs)), time.time()
            items = self._async_stream(self.generate(*args, **kwargs), given, since)
            async with aclosing(items):
                async for item in items:
                    yield item

        kinds = (
            (inspect.isgeneratorfunction, streamed),
            (inspect.iscoroutinefunction, awaited),
            (inspect.isasyncgenfunction, streaming),
        )
        kind = next((function for is_kind, function in kinds if is_kind(inner)), called)
        return functools.wraps(self.generate)(kind)

    def _asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
        """What the call gives; its prompts are refused before the generator runs."""
        given = self.reader.read(args, kwargs)
        return replace(given, prompts=self.pipeline.check_prompts(given.prompts))

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A plain call; what it returns may still be something that has to be waited for."""
        given, since = self.reader.read(args, kwargs), time.time()
        batch = _Batch(self, since)

        def generate() -> list[Any]:
            value = self.generate(*args, **kwargs)
            if _comes_later(value):
                raise _Later(value)
            return batch.take(value)

        try:
            return batch.finish(partial(self._make, generate, given))
        except _Later as later:
            return self._later(later.value, given, since, (args, kwargs))

    def _later(self, value: Any, given: Given, since: float, call: Call) -> Any:
        """What protects a value on its way, by the kind of it. Its prompts have been checked."""
        if inspect.isawaitable(value):

            async def awaited() -> Any:
                return await self._finished(await value, given, since, call)

            return awaited()
        if isinstance(value, AsyncIterator):
            return self._async_stream(value, given, since)
        return self._stream(value, given, since)

    async def _finished(self, value: Any, given: Given, since: float, call: Call) -> Any:
        """What an asynchronous generator returned; it may be asked for another one."""
        if _comes_later(value):
            return self._later(value, given, since, call)
        loop = asyncio.get_running_loop()
        batch = _Batch(self, since)
        made = [value]

        async def again() -> Any:
            args, kwargs = call
            return await self.generate(*args, **kwargs)

        def generate() -> list[Any]:  # in a thread
            if not made:
                made.append(asyncio.run_coroutine_threadsafe(again(), loop).result())
            return batch.take(made.pop())

        work = partial(batch.finish, partial(self._make, generate, given))
        return await in_thread(work, abandoned=partial(batch.abandon, value))

    def _stream(self, items: Iterator[Any], given: Given, since: float) -> Generator[Any, Any, Any]:
        """Each item, protected before it is handed on."""
        sent = None
        try:
            while True:
                try:
                    item = next(items) if sent is None else items.send(sent)  # type: ignore[attr-defined]
                except StopIteration as end:
                    return self._item(end.value, given, since)
                sent = yield self._item(item, given, since)
        finally:
            if hasattr(items, "close"):
                items.close()

    async def _async_stream(
        self, items: AsyncIterator[Any], given: Given, since: float
    ) -> AsyncGenerator[Any, Any]:
        sent = None
        try:
            while True:
                try:
                    item = await (anext(items) if sent is None else items.asend(sent))  # type: ignore[attr-defined]
                except StopAsyncIteration:
                    return
                work = partial(self._item, item, given, since)
                abandon = partial(_Batch(self, since).abandon, item)
                sent = yield await in_thread(work, abandoned=abandon)
        finally:
            if hasattr(items, "aclose"):
                await items.aclose()

    def _item(self, value: Any, given: Given, since: float) -> Any:
        """One item of a stream. It cannot be generated again; None is no picture."""
        if value is None:
            return None
        batch = _Batch(self, since)
        return batch.finish(
            lambda: self.pipeline.protect(
                batch.take(value),
                prompts=given.prompts,
                inputs=given.inputs,
                encoding=self.encoding,
            )
        )

    def _make(self, generate: Callable[[], list[Any]], given: Given) -> list[Asset]:
        return self.pipeline.make(
            generate, prompts=given.prompts, inputs=given.inputs, encoding=self.encoding
        )


class _Batch:
    """What one call has generated, until it is finished: with what was made again, if it was."""

    def __init__(self, protection: Protection, since: float) -> None:
        self._protection = protection
        self._since = since
        self._made: list[tuple[Found, list[Asset | None]]] = []

    def take(self, value: Any) -> list[Any]:
        """The pictures of a value that are not finished already."""
        found = find(value, values=self._protection.values, files_since=self._since)
        known: list[Asset | None] = [None] * len(found.pictures)
        self._made.append((found, known))
        if not found.pictures and not (isinstance(value, list | tuple) and not value):
            raise UnsupportedPicture(
                f"the generator returned a {type(value).__name__} in which there is no picture; "
                "expected pictures, arrays, bytes, base64, paths, or a container of these"
            )
        known[:] = finished(self._protection.pipeline, found)
        return [p for p, asset in zip(found.pictures, known, strict=True) if asset is None]

    def finish(self, protect: Callable[[], list[Asset]]) -> Any:
        """The result; whatever fails, no unmarked file stays."""
        with ExitStack() as files:
            files.callback(self._discard)
            made = iter(protect())
            found, known = self._made[0]
            new = [None if asset is not None else next(made) for asset in known]
            assets = [old or one for old, one in zip(known, new, strict=True)]
            return self._protection.deliver(found, cast("list[Asset]", assets), new)

    def abandon(self, value: Any) -> None:
        """Nobody waits for this value any more."""
        find(value, values=self._protection.values, files_since=self._since).discard()

    def _discard(self) -> None:
        with ExitStack() as stack:
            for found, known in self._made:
                stack.callback(found.discard, known)


class _Later(Exception):
    """The generator returned something that pictures will come out of."""

    def __init__(self, value: Any) -> None:
        super().__init__(type(value).__name__)
        self.value = value


def _comes_later(value: Any) -> bool:
    if isinstance(value, io.IOBase):  # which iterates over lines
        return False
    return inspect.isawaitable(value) or isinstance(value, Iterator | AsyncIterator)
