"""The text form of parameters that AUTOMATIC1111 began and many programs took over.

A prompt, then a line `Negative prompt: …`, then one line of `Name: value` pairs that begins with
`Steps`. Values with commas are quoted as JSON strings.

Source: AUTOMATIC1111/stable-diffusion-webui, modules/infotext_utils.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from provenance.claims import values
from provenance.claims.interface import Generation

_MOST_TEXT = 1 << 20
_MOST_LINE = 1 << 16
_BEGINS = re.compile(r"^Steps: \d+, .*?(?:Sampler|CFG scale|Guidance Scale|Seed): ", re.MULTILINE)
"""One line, from its beginning: anywhere in the text, hostile input would take quadratic time."""
_PAIR = re.compile(r'(?<![\w])(\w[\w \-/]{0,40}):\s*("(?:\\.|[^"\\]){0,2000}"|[^,\n]*)')
_NEGATIVE = "Negative prompt:"


class Infotext(NamedTuple):
    """The parts of the text."""

    prompt: str
    negative_prompt: str
    values: Mapping[str, str]


def parse(text: str) -> Infotext | None:
    """The parts, or None if the text is of another form."""
    if len(text) > _MOST_TEXT:
        return None
    match = _BEGINS.search(text)
    if not match:
        return None
    above, line = text[: match.start()], text[match.start() : match.start() + _MOST_LINE]
    line = line.split("\n", 1)[0]
    prompt, _, negative = above.partition(_NEGATIVE)
    pairs: dict[str, str] = {}
    for name, value in _PAIR.findall(line):
        pairs.setdefault(name.strip(), _unquoted(value.strip()))
    return Infotext(prompt.strip(), negative.strip(), pairs)


def generation(parts: Infotext, generator: str, version: str = "", model: str = "") -> Generation:
    """The parts in the common form."""
    pairs = parts.values
    return Generation(
        generator=generator,
        version=values.text(version),
        model=values.text(model or pairs.get("Model", "")),
        prompt=values.text(parts.prompt),
        negative_prompt=values.text(parts.negative_prompt),
        seed=values.integer(pairs.get("Seed", "")),
        sampler=values.joined(pairs.get("Sampler", ""), pairs.get("Schedule type", "")),
        steps=values.integer(pairs.get("Steps", "")),
        cfg=values.number(pairs.get("CFG scale", pairs.get("Guidance Scale", ""))),
        size=values.size(pairs.get("Size", "")),
    )


def _unquoted(value: str) -> str:
    if value[:1] != '"':
        return value
    try:
        plain = json.loads(value)
    except ValueError:
        return value
    return plain if isinstance(plain, str) else value
