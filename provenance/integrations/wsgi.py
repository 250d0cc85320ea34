"""`ProtectImages`: WSGI middleware that lets no picture leave unprotected.

For Flask, Django under WSGI, Bottle, Pyramid, and whatever else speaks WSGI (PEP 3333):

    app.wsgi_app = ProtectImages(app.wsgi_app, Pipeline.from_config())     # Flask

The rules are those of `provenance.integrations.asgi`. The work is done in the server's own threads.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from provenance.integrations._web import headers, ranges
from provenance.integrations._web.asked import Asked, InputsOf, PromptsOf, prompts_of
from provenance.integrations._web.guard import (
    ALTERED,
    Given,
    Guard,
    Rules,
    bodiless,
    simple,
    unconditional,
)
from provenance.integrations._web.headers import Fields
from provenance.integrations._web.looking import Looking, Step
from provenance.integrations._web.refusals import Answer, ending, refuse, tell
from provenance.integrations.bodies import Kind, kind_of
from provenance.server.errors import invalid, too_large

if TYPE_CHECKING:
    from provenance.picture import Encoding
    from provenance.pipeline import Pipeline

Environ: TypeAlias = "dict[str, Any]"
StartResponse: TypeAlias = "Callable[..., Callable[[bytes], object]]"
WSGIApp: TypeAlias = "Callable[[Environ, StartResponse], Iterable[bytes]]"

__all__ = ["Answer", "Asked", "ProtectImages", "prompts_of", "refuse"]

_CHUNK = 1 << 16


class ProtectImages:
    """WSGI middleware: pictures in answers are protected, or they do not leave.

    Args:
        app: the application.
        pipeline: protects the pictures.
        include: patterns of paths whose answers are looked at, such as `/images/*`.
        exclude: patterns of paths that are left alone, such as `/static/*`.
        encoding: how to write pictures; each as it was by default.
        prompts_of: finds the prompts of a request, which are then moderated before the application
            sees it; by default what is called a prompt in JSON, forms and queries. None: nobody
            looks at prompts.
        inputs_of: finds the pictures that the generator was given; by default none.
        refuse: what a client is told; by default errors as OpenAI's API has them.
        most: bytes of a body that has to be held as a whole.
        cache: bytes of protected bodies that are kept, so that the same picture is not signed at
            each request; 0 keeps nothing.
    """

    def __init__(
        self,
        app: WSGIApp,
        pipeline: Pipeline,
        *,
        include: Sequence[str] = ("*",),
        exclude: Sequence[str] = (),
        encoding: Encoding | str | None = None,
        prompts_of: PromptsOf | None = prompts_of,
        inputs_of: InputsOf | None = None,
        refuse: Callable[[Exception], Answer] = refuse,
        most: int = 64 * 1024 * 1024,
        cache: int = 64 * 1024 * 1024,
    ) -> None:
        rules = Rules(pipeline, include, exclude, encoding, prompts_of, inputs_of, most, cache)
        self.app = app
        self.guard = Guard(rules)
        self.refuse = refuse

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on and look at the answer."""
        path = _text(environ, "SCRIPT_NAME") + _text(environ, "PATH_INFO")
        if not self.guard.covers(path):
            return self.app(environ, start_response)
        return _Exchange(self, environ, start_response, path).answer()


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, owner: ProtectImages, environ: Environ, start_response: StartResponse, path: str
    ) -> None:
        self.owner = owner
        self.guard = owner.guard
        self.environ = environ
        self.start_response = start_response
        self.given = Given()
        self.asked = Asked(
            method=environ["REQUEST_METHOD"].upper(),
            path=path,
            query=environ.get("QUERY_STRING", ""),
            fields=_fields(environ),
        )

    def answer(self) -> Iterable[bytes]:
        try:
            self._check()
        except Exception as error:
            return self.refused(error)
        fields = simple(self.asked.fields)
        condition = headers.get(fields, "if-none-match")
        if headers.get(fields, "range"):
            call = _Call(self, unconditional(fields), quiet=self._may_ask_again())
            answer = call.answer()
            return _Call(self, fields).answer() or () if answer is None else answer
        if condition and ranges.all_ours(condition):
            ours = headers.without(fields, ["if-none-match", "if-modified-since"])
            return _Call(self, ours).answer() or ()
        conditional = bool(condition or headers.get(fields, "if-modified-since"))
        call = _Call(self, fields, hold_unchanged=conditional and self._may_ask_again())
        answer = call.answer()
        if answer is not None:
            return answer
        whole = _Call(self, unconditional(fields), quiet=True, pictures=True).answer()
        if whole is not None:
            return whole
        self.start_response(call.status, call.fields)
        return ()

    def _check(self) -> None:
        """Read what is wanted of the request, and check its prompts."""
        if self.guard.reads(self.asked):
            body = self._read()
            self.environ = {**self.environ, "wsgi.input": io.BytesIO(body)}
            self.environ["CONTENT_LENGTH"] = str(len(body))
            self.asked = dataclasses.replace(self.asked, body=body)
        rules = self.guard.rules
        if rules.prompts_of or rules.inputs_of:
            self.given = self.guard.given(self.asked)

    def _read(self) -> bytes:
        most, stream = self.guard.rules.most, self.environ["wsgi.input"]
        length = self.environ.get("CONTENT_LENGTH") or ""
        if length and not length.isdecimal():
            raise invalid("Content-Length is not a number")
        if length:
            left = int(length)
        elif self.environ.get("wsgi.input_terminated"):
            left = most + 1
        else:
            return b""
        if length and left > most:
            raise too_large(f"the body is over {most:,} bytes")
        pieces = []
        while left and (piece := stream.read(min(left, _CHUNK))):
            pieces.append(piece)
            left -= len(piece)
        if not length and not left:
            raise too_large(f"the body is over {most:,} bytes")
        return b"".join(pieces)

    def _may_ask_again(self) -> bool:
        """True for a GET without a body: it is safe to ask twice (RFC 9110, section 9.2.1)."""
        empty = self.environ.get("CONTENT_LENGTH") in (None, "", "0")
        return self.asked.method == "GET" and empty and "HTTP_TRANSFER_ENCODING" not in self.environ

    def refused(self, error: Exception) -> Iterable[bytes]:
        """Answer that there is no picture, and why as far as it concerns the client."""
        tell(error)
        answer = self.owner.refuse(error)
        self.start_response(*self.head(answer))
        return () if self.asked.method == "HEAD" else (answer.body,)

    def head(self, answer: Answer) -> tuple[str, Fields]:
        """Status and fields of an answer that is ours."""
        return f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.sized()


class _GivenUp(OSError):
    """Ends an application that writes what nobody wants any more."""


class _Call:
    """One call of the application.

    Args:
        exchange: whose it is.
        fields: of the request.
        quiet: stop where the answer turns out to hold no picture.
        pictures: likewise where it is not a picture itself.
        hold_unchanged: give no answer for a 304.

    Attributes:
        status: the application's, with its phrase.
        fields: the application's.
    """

    def __init__(
        self,
        exchange: _Exchange,
        fields: Fields,
        *,
        quiet: bool = False,
        pictures: bool = False,
        hold_unchanged: bool = False,
    ) -> None:
        self.status = ""
        self.fields: Fields = []
        self._exchange = exchange
        self._environ = _with_fields(exchange.environ, fields)
        self._quiet = quiet
        self._pictures = pictures
        self._hold_unchanged = hold_unchanged
        self._looking: Looking | None = None
        self._begun = self._passing = self._stopped = False
        self._write: Callable[[bytes], object] = _nowhere

    def answer(self) -> Iterable[bytes] | None:
        """The answer; None if the call was stopped, or gave a 304 that is held."""
        chunks = self._run()
        first = next(chunks, None)
        if not self._begun:
            chunks.close()
            return None
        return _Chunks(first, chunks)

    def _run(self) -> Generator[bytes]:
        """What leaves, piece by piece; the application's answer is closed in any case."""
        body: Iterable[bytes] = ()
        try:
            body = self._exchange.owner.app(self._environ, self._start_response)
            for data in body:
                yield from filter(None, self._take(data, last=False))
                if self._stopped:
                    return
            yield from filter(None, self._take(b"", last=True))
        except _GivenUp:
            return
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    def _start_response(
        self, status: str, fields: Fields, exc_info: Any = None
    ) -> Callable[[bytes], object]:
        """PEP 3333: called again only to tell of an error, which comes too late once we began."""
        if exc_info:
            try:
                if self._begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # breaks the circle through the traceback
        elif self.status:
            raise RuntimeError("the application called start_response twice")
        self.status, self.fields, self._looking = status, list(fields), None
        return self._written

    def _written(self, data: bytes) -> None:
        """The `write` of PEP 3333, for applications that do not return what they send."""
        pieces = self._take(data, last=False)
        for piece in filter(None, pieces):
            self._write(piece)
        if self._stopped:
            raise _GivenUp

    def _take(self, data: bytes, *, last: bool) -> list[bytes]:
        """What leaves now that this came."""
        if self._stopped:
            return []
        if not self.status:
            raise RuntimeError("the application sent a body before it called start_response")
        if self._passing:
            return [data]
        if self._exchange.asked.method == "HEAD" or self._code in (204, 304):
            return self._bodiless() if last else []
        try:
            if self._looking is None:
                self._looking = Looking(self._code, self.fields, self._exchange.guard.rules.most)
            return self._looked(self._looking, data, last=last)
        except Exception as error:
            return self._refused(error)

    @property
    def _code(self) -> int:
        return int(self.status[:3])

    def _bodiless(self) -> list[bytes]:
        if self._hold_unchanged and self._code == 304:
            self._stopped = True
            return []
        fields = self.fields
        if self._exchange.asked.method == "HEAD":
            fields = bodiless(fields, kind_of(headers.get(fields, "content-type")))
        self._begin(self.status, fields)
        return []

    def _looked(self, looking: Looking, data: bytes, *, last: bool) -> list[bytes]:
        step, piece = looking.feed(data, last=last)
        if step is Step.HOLD:
            return []
        if (step is Step.PASS and self._quiet) or (
            self._pictures and looking.kind is not Kind.PICTURE
        ):
            self._stopped = True
            return []
        guard, given = self._exchange.guard, self._exchange.given
        if step is Step.PIECES:
            seen = guard.look_at_piece(looking.content_type, piece) if piece else None
            new = piece if seen is None else guard.protected(given, seen)[1]
            if not self._begun and (new or last):
                self._begin(self.status, headers.without(self.fields, ["content-length"]))
            return [new]
        seen = guard.look(looking) if step is Step.WHOLE else None
        if seen is None:
            self._passing = True
            self._begin(self.status, self.fields)
            return looking.chunks
        return self._ours(guard.whole(self._exchange.asked, given, looking, seen))

    def _refused(self, error: Exception) -> list[bytes]:
        """What is sent in place of a picture; where the answer has begun, that it ends badly."""
        self._stopped = True
        kind = self._looking.kind if self._looking else Kind.OTHER
        if self._begun and kind not in (Kind.EVENTS, Kind.LINES):
            raise error  # the server then breaks the connection off
        tell(error)
        answer = self._exchange.owner.refuse(error)
        return [ending(kind, answer)] if self._begun else self._ours(answer)

    def _ours(self, answer: Answer) -> list[bytes]:
        self._begin(*self._exchange.head(answer))
        return [] if self._exchange.asked.method == "HEAD" else [answer.body]

    def _begin(self, status: str, fields: Fields) -> None:
        self._begun = True
        self._write = self._exchange.start_response(status, fields)


class _Chunks:
    """An answer that is being given; the server closes it."""

    def __init__(self, first: bytes | None, rest: Generator[bytes]) -> None:
        self._first = first
        self._rest = rest

    def __iter__(self) -> Iterator[bytes]:
        if self._first is not None:
            yield self._first
            self._first = None
        yield from self._rest

    def close(self) -> None:
        self._rest.close()


def _nowhere(_data: bytes) -> object:
    raise RuntimeError("the answer has not begun")


def _text(environ: Environ, name: str) -> str:
    """A path of the environment, whose bytes stand there as if they were Latin-1."""
    return str(environ.get(name, "")).encode("latin-1", "replace").decode("utf-8", "replace")


def _fields(environ: Environ) -> Fields:
    fields = [
        (name[5:].replace("_", "-").lower(), value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    return [*fields, ("content-type", environ.get("CONTENT_TYPE", ""))]


def _with_fields(environ: Environ, fields: Fields) -> Environ:
    """The environment with these fields in place of those that are altered here."""
    altered = dict(environ)
    for name in ALTERED:
        value = headers.get(fields, name)
        key = f"HTTP_{name.upper().replace('-', '_')}"
        altered.pop(key, None)
        if value:
            altered[key] = value
    altered.pop("wsgi.file_wrapper", None)  # the server would send a file that we never see
    return altered
