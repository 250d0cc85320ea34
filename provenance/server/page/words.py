"""The words of the page in each language, from the TOML files beside this module."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("en", "zh")
"""The first is the one for everybody else."""

Words = Mapping[str, Any]

_PLACE = re.compile(r"\{([a-z_]+)\}")


@cache
def words(language: str) -> Words:
    """All words of one of `LANGUAGES`."""
    file = resources.files(__package__) / f"{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def fill(template: str, values: Mapping[str, Any], missing: str = "?") -> str:
    """The template with `{name}` replaced; nothing in a value is ever read as a template."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1])
        return missing if found is None else str(found)

    return _PLACE.sub(value, template)
