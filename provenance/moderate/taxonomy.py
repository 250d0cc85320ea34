"""What the categories look like, in words: taxonomy.toml, and tables of your own beside it.

A category of your own takes two lines:

    [categories.clowns]
    prompts = ["a clown"]

A table under one of our names adds to ours. `sexual-minors` is composed of two parts that must
both be seen; no text ever combines them, and no table can change either part.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from provenance.errors import ConfigError

SCHEMA = 1

NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
"""What a category may be called."""

_MOST = 200
"""Categories, and prompts in one list; also characters in a prompt. All are embedded at start."""


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that can be seen, against what it is mistaken for.

    Attributes:
        prompts: descriptions of it.
        rivals: descriptions of its look-alikes, and of pictures that are safe.
        templates: each description is put into each of these.
    """

    prompts: tuple[str, ...]
    rivals: tuple[str, ...]
    templates: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of all its words: a calibration holds for these and no others."""
        said = json.dumps([self.prompts, self.rivals, self.templates], ensure_ascii=True)
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All categories, ready to be embedded.

    Attributes:
        version: of taxonomy.toml; `+` and a digest follow where tables were added.
        concepts: categories with a description.
        composed: categories that are seen when all of their parts are. The parts are as we ship
            them, whatever was added to the category of the same name.
    """

    version: str
    concepts: Mapping[str, Concept] = field(repr=False)
    composed: Mapping[str, tuple[Concept, ...]] = field(repr=False)

    @property
    def categories(self) -> tuple[str, ...]:
        """The names, ours first."""
        return (*self.concepts, *self.composed)


def load(extra: str | Path | Mapping[str, Any] | None = None) -> Taxonomy:
    """Our taxonomy, with tables of yours; the same object for the same words.

    Args:
        extra: a TOML file, or its content, with `[categories.NAME]` tables that have `prompts` and
            perhaps `look_alikes`, and perhaps `safe` at the top.

    Raises:
        ConfigError: it cannot be read, or says something that we do not understand.
    """
    if extra is None:
        return _merged("{}", "the taxonomy")
    if isinstance(extra, Mapping):
        data, where = dict(extra), "the table of categories"
    else:
        data, where = _read(Path(extra)), str(extra)
    try:
        return _merged(json.dumps(data, sort_keys=True), where)
    except TypeError as error:
        raise ConfigError(
            f'{where}: a value is neither text nor a list of texts; expected prompts = ["a clown"]'
        ) from error


@cache
def _merged(text: str, where: str) -> Taxonomy:
    extra = json.loads(text)
    ours = tomllib.loads(files(__package__).joinpath("taxonomy.toml").read_text(encoding="utf-8"))
    if ours["schema"] != SCHEMA:
        raise ConfigError(
            f"taxonomy.toml has schema {ours['schema']}, this version reads {SCHEMA}; reinstall"
        )
    shipped = _concepts(ours["categories"] | ours["signals"], ours["safe"], ours["templates"])
    composed = {
        name: tuple(shipped[part] for part in table["all_of"])
        for name, table in ours["categories"].items()
        if "all_of" in table
    }
    _check(extra, where, composed)
    tables = {n: dict(t) for n, t in ours["categories"].items() if n not in composed}
    for name, table in extra.get("categories", {}).items():
        mine = tables.setdefault(name, {"prompts": [], "look_alikes": []})
        for key, added in table.items():
            mine[key] = _unique([*mine.get(key, []), *added])
        _check_category(mine, name, where)
    safe = _unique([*ours["safe"], *extra.get("safe", [])])
    added = f"+{hashlib.sha256(text.encode()).hexdigest()[:8]}" if extra else ""
    concepts = _concepts(tables, safe, ours["templates"])
    return Taxonomy(ours["version"] + added, concepts, composed)


def _concepts(
    tables: Mapping[str, Mapping[str, Any]], safe: list[str], templates: list[str]
) -> dict[str, Concept]:
    return {
        name: Concept(
            tuple(table["prompts"]),
            tuple(_unique([*table.get("look_alikes", []), *safe])),
            tuple(templates),
        )
        for name, table in tables.items()
        if "prompts" in table
    }


def _check(extra: Mapping[str, Any], where: str, composed: Mapping[str, Any]) -> None:
    """Refuse what we do not know: a misspelt category would otherwise never be checked."""
    for key in extra:
        if key not in {"categories", "safe"}:
            raise ConfigError(
                f"{where} has '{key}'; expected tables such as [categories.clowns], or safe"
            )
    categories = extra.get("categories", {})
    if not isinstance(categories, dict) or len(categories) > _MOST:
        raise ConfigError(
            f"{where}: categories is no table, or has more than {_MOST} entries; expected "
            "[categories.clowns]"
        )
    _check_list(extra.get("safe", []), "safe", where)
    for name, table in categories.items():
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{where} names the category {_shown(name)}; expected lower-case letters, digits "
                "and hyphens, a letter first"
            )
        if name in composed:
            raise ConfigError(
                f"{where} changes {name}, which is composed of other categories and fixed; "
                "remove the table"
            )
        if not isinstance(table, dict) or set(table) - {"prompts", "look_alikes"} or not table:
            raise ConfigError(
                f"{where}: [categories.{name}] has something else than prompts and look_alikes; "
                'expected prompts = ["..."]'
            )
        for key, texts in table.items():
            _check_list(texts, f"[categories.{name}] {key}", where)


def _check_list(texts: Any, label: str, where: str) -> None:
    if not isinstance(texts, list) or len(texts) > _MOST:
        raise ConfigError(f"{where}: {label} is no list of at most {_MOST} texts")
    for text in texts:
        if (
            not isinstance(text, str)
            or not text.strip()
            or len(text) > _MOST
            or any(unicodedata.category(c).startswith("C") for c in text)
        ):
            raise ConfigError(
                f"{where}: {label} holds {_shown(text)}; expected a description of 1 to {_MOST} "
                "characters on one line"
            )


def _check_category(table: Mapping[str, list[str]], name: str, where: str) -> None:
    if not table["prompts"]:
        raise ConfigError(
            f"{where}: [categories.{name}] has no prompts; expected at least one description"
        )
    both = set(table["prompts"]) & set(table.get("look_alikes", []))
    if both:
        raise ConfigError(
            f"{where}: [categories.{name}] has {_shown(min(both))} as a prompt and as a "
            "look-alike; remove one"
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError) as error:  # also TOML and UTF-8
        raise ConfigError(
            f"{path} cannot be read ({error}); expected a TOML file with [categories.NAME] tables"
        ) from error


def _unique(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
