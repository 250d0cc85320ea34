"""Small pictures of what was found, read again from the source; unsafe ones are made unreadable."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from provenance.audit import findings
from provenance.audit.interface import Source
from provenance.audit.run import Run
from provenance.codec.limits import Limits
from provenance.errors import ProvenanceError
from provenance.moderate.interface import FLOOR
from provenance.picture import Picture

SIDE = 200
MOST = 24
"""Of each kind of finding."""

SHOWN = ("generated", "called", "unsafe", "flagged", "watermarked", "leak", "duplicate", "corrupt")
_COARSE = 6
"""Cells a side that are left of an unsafe picture: colours, and no shapes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry of the contact sheet.

    Attributes:
        path: of the file.
        kinds: of findings.
        facts: one line of what was found.
        picture: a small JPEG, base64; empty where there is none to show.
    """

    path: str
    kinds: Sequence[str]
    facts: str
    picture: str


def sheet(run: Run, source: Source) -> Mapping[str, list[Finding]]:
    """The first findings of each kind, in the order of the data, with small pictures.

    The files are read again; those that are gone have none.
    """
    chosen: dict[str, list[tuple[int, int]]] = {kind: [] for kind in SHOWN}
    rows: dict[tuple[int, int], tuple[Mapping[str, Any], Sequence[str]]] = {}
    for row, kinds in findings.rows(run):
        place = (row["shard"], row["offset"])
        for kind in kinds:
            if kind in chosen and len(chosen[kind]) < MOST:
                chosen[kind].append(place)
                rows[place] = (row, kinds)
        if all(len(places) == MOST for places in chosen.values()):
            break
    pictures = _pictures(run, source, rows)
    return {
        kind: [_finding(*rows[place], pictures.get(place, "")) for place in places]
        for kind, places in chosen.items()
        if places
    }


def _finding(row: Mapping[str, Any], kinds: Sequence[str], picture: str) -> Finding:
    said = [row["generator"], row["watermark"], *row["causes"], row["problem"]]
    if row["pixel_score"] is not None:
        said.append(f"pixels {row['pixel_score']:.2f}")
    return Finding(row["path"], kinds, ", ".join(text for text in said if text), picture)


def _pictures(
    run: Run,
    source: Source,
    rows: Mapping[tuple[int, int], tuple[Mapping[str, Any], Sequence[str]]],
) -> dict[tuple[int, int], str]:
    wanted = {shard for shard, _ in rows}
    found: dict[tuple[int, int], str] = {}
    for shard in run.shards():
        if shard.number not in wanted:
            continue
        try:
            for sample in source.samples(shard):
                place = (shard.number, sample.offset)
                if place in rows and not sample.problem:
                    row, kinds = rows[place]
                    if FLOOR.keys().isdisjoint(row["causes"]):
                        found[place] = _small(sample.open, blurred="unsafe" in kinds)
        except OSError:
            continue  # gone since
    return found


def _small(opened: Any, *, blurred: bool) -> str:
    try:
        with opened() as file:
            data = file.read(Limits().max_bytes + 1)
        pixels = Image.fromarray(Picture.open(data).pixels)
    except (OSError, ProvenanceError, EOFError):
        return ""
    pixels.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    if blurred:
        size = pixels.size
        pixels = pixels.resize((_COARSE, _COARSE), Image.Resampling.BOX)
        pixels = pixels.resize(size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    pixels.save(buffer, "JPEG", quality=70)
    return base64.b64encode(buffer.getvalue()).decode()
