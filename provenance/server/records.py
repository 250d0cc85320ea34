"""`GET /records/{manifestId}`: what a registry says of a picture, without what is the issuer's."""

from __future__ import annotations

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provenance.registry.fingerprint import ALGORITHM as FINGERPRINT
from provenance.registry.interface import Record, Registry
from provenance.server import request as requests
from provenance.server.errors import Refusal
from provenance.server.rooms import Rooms


class Records:
    """The endpoint.

    Args:
        registry: where records are kept.
        rooms: where they are looked up.
    """

    def __init__(self, registry: Registry, rooms: Rooms) -> None:
        self._registry = registry
        self._rooms = rooms

    def routes(self) -> list[Route]:
        """The route, below whatever base it is mounted at."""
        return [Route("/records/{manifest_id:path}", self.record, name="record")]

    async def record(self, request: Request) -> Response:
        """The facts of one record."""
        wanted = requests.manifest_id(request)
        record = await self._rooms.lookups.run(self._registry.by_manifest, wanted)
        if record is None:
            raise Refusal(404, "unknown-manifest", "no manifest of this id is kept here")
        return JSONResponse(facts(record))


def facts(record: Record) -> dict[str, Any]:
    """What anybody may know, ready for JSON.

    The file, its manifest and its mark say the same to whoever has them. What moderation decided
    is not among it.
    """
    bindings = []
    if record.watermark_algorithm is not None and record.payload is not None:
        value = bytes.fromhex(record.payload)
        bindings.append(_binding(record.watermark_algorithm, value))
    if record.fingerprint is not None:
        bindings.append(_binding(FINGERPRINT, record.fingerprint.to_bytes()))
    return {
        "manifestId": record.manifest_id,
        "issuedAt": record.created_at.isoformat(),
        "mediaType": record.media_type,
        "width": record.width,
        "height": record.height,
        "sha256": record.sha256,
        "certificateSha256": record.key_id,
        "softBindings": bindings,
    }


def _binding(algorithm: str, value: bytes) -> dict[str, str]:
    return {"alg": algorithm, "value": base64.b64encode(value).decode("ascii")}
