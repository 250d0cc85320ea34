r"""Reads the labelled prompts: sections `## LANGUAGE KIND CATEGORIES STYLE`, one prompt a line.

    request   asks for what the categories name; it should be flagged or blocked
    benign    should pass; `lookalike` marks those that only sound otherwise
    context   art history, medicine, news, education: may be flagged, should not be blocked

A line may hold ` ~~ ` and a negative prompt. Lines that start with `# ` are remarks; `\uXXXX` is a
UTF-16 unit, so that invisible characters can be seen in the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

KINDS = ("request", "benign", "context")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One prompt with what it asks for.

    Attributes:
        part: `develop` or `report`, the name of the file.
        language: two letters.
        kind: one of `KINDS`.
        categories: of the taxonomy; empty unless it is a request.
        style: `lookalike`, `plain`, `obfuscated`, `negative-trick` or empty.
        prompt: as a user would give it.
        negative: the negative prompt, often empty.
    """

    part: str
    language: str
    kind: str
    categories: tuple[str, ...]
    style: str
    prompt: str
    negative: str


def read(path: Path) -> list[Labelled]:
    """All prompts of one file, in its order."""
    found: list[Labelled] = []
    language = kind = style = ""
    categories: tuple[str, ...] = ()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            language, kind, *rest = line[3:].split()
            asked = rest.pop(0) if kind == "request" else ""
            categories = tuple(asked.split(",")) if asked else ()
            style = rest[0] if rest else ""
        elif line.strip() and not line.startswith("# "):
            prompt, _, negative = _unescape(line).partition(" ~~ ")
            found.append(Labelled(path.stem, language, kind, categories, style, prompt, negative))
    return found


def _unescape(text: str) -> str:
    units = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text)
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
