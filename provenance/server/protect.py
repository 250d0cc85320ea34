"""`POST /protect`: a picture goes in, the moderated, marked and signed file comes out.

Whatever goes wrong, no picture is answered: neither the one that was sent nor a part of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from provenance.codec.limits import Limits
from provenance.errors import Blocked, HeldForReview, InputError
from provenance.picture import Asset
from provenance.pipeline import Pipeline
from provenance.server import request as requests
from provenance.server.errors import Refusal, invalid, unsupported
from provenance.server.negotiate import preferred
from provenance.server.rooms import Rooms
from provenance.server.upload import FORM, Upload, upload
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Subject
from provenance.verify.media import media_type

FORMATS = ("png", "jpg", "webp", "avif", "tiff")
TEXTS = ("prompt", "format")
"""Parts of a form beside the file. A prompt is never in a query, which others write into logs."""

JSON = "application/json"


class Watcher(Protocol):
    """Is told what came out, for metrics; from the thread that did the work."""

    def protected(self, asset: Asset, /) -> None:
        """A picture was finished."""

    def refused(self, error: Exception, /) -> None:
        """A picture was not let out."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What is answered.

    Attributes:
        data: the file.
        media_type: of the file.
        facts: everything else, ready for JSON.
    """

    data: bytes
    media_type: str
    facts: dict[str, Any]


class Protect:
    """The endpoint.

    Args:
        pipeline: does the work.
        rooms: where.
        watcher: is told.
    """

    def __init__(self, pipeline: Pipeline, rooms: Rooms, watcher: Watcher | None = None) -> None:
        self._pipeline = pipeline
        self._rooms = rooms
        self._watcher = watcher

    def routes(self) -> list[Route]:
        """The route, below whatever base it is mounted at."""
        return [Route("/protect", self.protect, methods=["POST"], name="protect")]

    async def protect(self, request: Request) -> Response:
        """The finished file, or a JSON object that holds it in base64."""
        wanted = requests.parameter(request, "format")
        kind = requests.media_type(request)
        if not kind.startswith("image/") and kind not in ("application/octet-stream", FORM):
            raise unsupported(
                "send the picture as the body, with its type as Content-Type, or as the part file "
                "of multipart/form-data"
            )
        as_json = preferred(request.headers.get("accept", ""), ("image/*", JSON)) == JSON
        rooms, limits = self._rooms, self._rooms.limits
        with rooms.memory.share() as take:
            most, seconds = limits.pictures.max_bytes, limits.body_seconds
            pieces = await requests.read(request, most, seconds, take)
            content_type = request.headers["content-type"]
            return await rooms.readers.run(self._answer, pieces, content_type, wanted, as_json)

    def _answer(
        self, pieces: Sequence[bytes], content_type: str, wanted: str | None, as_json: bool
    ) -> Response:
        try:
            finished = self._finished(upload(pieces, content_type), wanted)
        except Blocked as error:
            self._refused(error)
            raise Refusal(400, "content_policy_violation", str(error)) from error
        except HeldForReview as error:
            self._refused(error)
            raise Refusal(400, "held_for_review", str(error)) from error
        except (Refusal, InputError):
            raise
        except Exception as error:
            self._refused(error)
            raise
        if as_json:
            body = {**finished.facts, "data": base64.b64encode(finished.data).decode("ascii")}
            return Response(json.dumps(body), media_type=JSON)
        headers = {"X-Provenance-Manifest": str(finished.facts["manifest_id"] or "")}
        return Response(finished.data, media_type=finished.media_type, headers=headers)

    def _finished(self, sent: Upload, wanted: str | None) -> Finished:
        unknown = sorted(sent.texts.keys() - {*TEXTS})
        if unknown:
            raise invalid(f"the form has other parts than file, {' and '.join(TEXTS)}")
        if wanted is not None and "format" in sent.texts:
            raise invalid("format is in the query and in the form; give it once")
        encoding = _suffix(sent.texts.get("format") if wanted is None else wanted)
        prompts = (sent.texts["prompt"],) if sent.texts.get("prompt") else ()
        if self._pipeline.issued(sent.data):
            self._pipeline.check_prompts(prompts)
            return _unchanged(sent.data)
        (asset,) = self._pipeline.protect([sent.data], prompts=prompts, encoding=encoding)
        if self._watcher is not None:
            self._watcher.protected(asset)
        return Finished(asset.data, asset.media_type, asset.to_dict())

    def _refused(self, error: Exception) -> None:
        if self._watcher is not None:
            self._watcher.refused(error)


def _suffix(name: str | None) -> str | None:
    if name is not None and name not in FORMATS:
        raise invalid(f"the format is none of {', '.join(FORMATS)}")
    return None if name is None else f".{name}"


def _unchanged(data: bytes) -> Finished:
    """A finished file of ours; marking it again would only cost quality."""
    kind = media_type(data)
    (credentials, *_) = CredentialsCheck().examine(Subject(data, kind, Limits()))
    facts = {
        "media_type": kind,
        "bytes": len(data),
        "manifest_id": credentials.details.get("manifest_id"),
        "notes": ["the file was finished here before, and is answered as it came"],
    }
    return Finished(data, kind, facts)
