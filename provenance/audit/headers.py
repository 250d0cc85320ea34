"""The first stage: what headers say. Reads only the bytes that it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

from provenance.audit import opt_out
from provenance.audit.interface import Found, Row, Sample, Shard, State
from provenance.claims.fields import Fields
from provenance.claims.headers import Headers, read_headers
from provenance.claims.interface import Claim
from provenance.claims.readers import claims_in
from provenance.claims.view import View
from provenance.evidence import Origin, Status

_STILL = (".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png")
_MORE = (".mov", ".mp4", ".tif", ".tiff", ".webp")

SUFFIXES = frozenset({*_STILL, *_MORE})
"""Names that promise a picture or a film: what does not hold the promise is corrupt."""

_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "HEIC": "image/heic",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "MP4": "video/mp4",
}


def begun(sample: Sample, shard: Shard) -> Row:
    """A row that says no more than where the file is."""
    row = Row(
        path=sample.path,
        shard=shard.number,
        offset=sample.offset,
        label=sample.label,
        split=sample.split,
        size=sample.size,
    )
    if sample.problem:
        return replace(row, state=State.UNREADABLE, problem=sample.problem)
    return row


def examined(row: Row, file: BinaryIO) -> tuple[Row, Headers]:
    """The row with what the headers say.

    Raises:
        OSError: the file cannot be read.
    """
    view = View(file)
    row = replace(row, size=view.size)
    headers = read_headers(view)
    if not headers.kind:
        return _unknown(row, view), headers
    claims = claims_in(Fields(headers))
    row = replace(
        row,
        media_type=_TYPES[headers.kind],
        width=headers.width,
        height=headers.height,
        opt_out=opt_out.in_headers(headers),
    )
    return _told(row, claims), headers


def _told(row: Row, claims: tuple[Claim, ...]) -> Row:
    """The row with what claims come to."""
    origins = {claim.origin for claim in claims}
    claimed = next((o.value for o in (Origin.GENERATED, Origin.EDITED) if o in origins), "")
    speaking = [c for c in claims if c.origin in (Origin.GENERATED, Origin.EDITED)]
    named = next((c.generator or c.vendor for c in speaking if c.generator or c.vendor), "")
    return replace(
        row,
        claimed=claimed,
        generator=plain(named),
        camera=any(claim.family == "camera" for claim in claims),
        evidence=tuple(
            Found(f"claims.{c.family}", Status.CLAIMED.value, plain(c.generator or c.vendor))
            for c in claims
        ),
    )


def plain(text: str) -> str:
    """A short text of the file's, printable, at most 200 characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:200].strip()


def _unknown(row: Row, view: View) -> Row:
    if view.size == 0:
        return replace(row, state=State.CORRUPT, problem="the file is empty")
    head = view.read(0, 16)
    if head.startswith(b"BM") and row.path.lower().endswith(".bmp"):
        return replace(row, media_type="image/bmp")
    suffix = "." + row.path.lower().rpartition(".")[2]
    if suffix in SUFFIXES:
        return replace(
            row,
            state=State.CORRUPT,
            problem=f"named as {suffix}, but its first bytes are those of no picture",
        )
    return replace(row, state=State.OTHER, problem="it is no picture that is read here")
