"""Reads policies from TOML: ours by name, yours by path, which start from one of ours.

schema = 1
name = "my-service"
preset = "standard"                  # what is not said here is as there

[categories.nudity]                  # actions given here replace all that the preset has here
flag = 0.3                           # from this score on; harder actions start higher
block = "measured-block"             # or a threshold from the classifier's card
on_prompt = { block = 0.9 }          # likewise, by itself

[categories.clowns]                  # a category of your own, for zero-shot classifiers
looks = ["a clown", "a circus clown with a red nose"]
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from provenance.codec.limits import Limits
from provenance.errors import ConfigError, InputError, TooLarge
from provenance.moderate.interface import CATEGORIES, Action, Policy, Rule, Stage
from provenance.moderate.policy import check

PRESETS = ("standard", "strict", "art", "medical")
SCHEMA = 1

_MAX_BYTES = 1024 * 1024
_SETTINGS: Mapping[str, type | tuple[type, ...]] = {
    "classifiers": list,
    "on_missing": str,
    "risky_prompt": (int, float),
    "benign_prompt": (int, float),
    "attempts": int,
    "timeout_s": (int, float),
}
_OTHERS = ("schema", "name", "preset", "categories")
_ACTIONS = {a.value: a for a in Action if a is not Action.ALLOW}

OWN_FLAG = 0.5
"""Where a category of the policy's own is flagged unless it says otherwise: a zero-shot score over
one half means that the picture is nearer to its descriptions than to everything else."""


def load(name: str | Path) -> Policy:
    """A preset by its name, or a policy file by its path.

    Raises:
        ConfigError: there is no such policy, or it says something that cannot be obeyed.
    """
    if str(name) in PRESETS:
        return preset(str(name))
    from provenance.codec.decode import read_bytes

    path = Path(name)
    try:
        data = read_bytes(path, Limits(max_bytes=_MAX_BYTES))
    except TooLarge as error:
        raise ConfigError(
            f"policy {name} has more than {_MAX_BYTES:,} bytes; expected a short TOML file"
        ) from error
    except InputError as error:
        known = difflib.get_close_matches(path.name, PRESETS, n=1)
        hint = f"did you mean '{known[0]}'?" if known else f"expected {', '.join(PRESETS)}"
        raise ConfigError(f"policy {error}; {hint}, or the path of a TOML file") from error
    return parse(data.decode("utf-8", errors="replace"), str(name), path.stem)


@cache
def preset(name: str) -> Policy:
    """One of our own policies."""
    return parse(_text(name), f"preset '{name}'", name, Policy())


def text_of(name: str) -> str:
    """A preset as a policy file to start from: it does the same as the preset until it is altered.

    Raises:
        ConfigError: there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"'{name}' is no preset; {_nearest(name, PRESETS)}")
    return _text(name).replace("schema = 1\n", f'schema = 1\npreset = "{name}"\n', 1)


def _text(name: str) -> str:
    return files(__package__).joinpath("policies", f"{name}.toml").read_text(encoding="utf-8")


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"expected one of {', '.join(known)}"


def parse(text: str, where: str, default_name: str, base: Policy | None = None) -> Policy:
    """The policy that a TOML text describes.

    Args:
        text: the file's content.
        where: names the file in errors.
        default_name: the policy's name, unless it gives one.
        base: what it starts from, unless it names a preset; `standard` if left out.

    Raises:
        ConfigError: not TOML, unknown words, or thresholds that cannot be obeyed.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not valid TOML: {error}; mend that line") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(_too_much(where)) from error
    try:
        return _policy(data, where, default_name, base)
    except (ValueError, OverflowError) as error:  # from a number when it is shown or compared
        raise ConfigError(_too_much(where)) from error


def _too_much(where: str) -> str:
    return (
        f"{where} holds a number or a nest of lists beyond what can be read; expected thresholds "
        "from 0 to 1 and tables like [categories.nudity]"
    )


def _policy(data: Mapping[str, Any], where: str, default_name: str, base: Policy | None) -> Policy:
    _known(where, data, (*_OTHERS, *_SETTINGS), "")
    if data.get("schema", SCHEMA) != SCHEMA:
        raise ConfigError(
            f"{where} has schema {data['schema']!r}; this version reads schema {SCHEMA}"
        )
    base = _base(where, data["preset"]) if "preset" in data else base or preset("standard")
    given = {key: _typed(where, key, data[key]) for key in _SETTINGS if key in data}
    rules, looks = dict(base.rules), dict(base.looks)
    tables = data.get("categories", {})
    if not isinstance(tables, dict):
        raise ConfigError(
            f"{where} has categories = {tables!r}; expected tables like [categories.nudity]"
        )
    for category, table in tables.items():
        rules[category], described = _category(where, category, table, rules.get(category))
        if described:
            looks[category] = described
    name = data.get("name", default_name)
    if not isinstance(name, str) or not name.strip() or "@" in name:
        raise ConfigError(f"{where} has name = {name!r}; expected a name without @")
    return check(replace(base, name=name, rules=rules, looks=looks, **given))


def differences(before: Policy, after: Policy) -> tuple[str, ...]:
    """What another policy does differently, one sentence each; empty if nothing."""
    found = []
    for each in fields(Policy):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if each.name in ("name", "rules", "looks") or old == new:
            continue
        found.append(f"{each.name}: {_shown(old)} -> {_shown(new)}")
    for category in _ordered({*before.rules, *after.rules}):
        stages: tuple[Stage, ...] = ("prompt", "picture")
        for stage in stages:
            old = before.rules.get(category, Rule()).at(stage)
            new = after.rules.get(category, Rule()).at(stage)
            for action in Action:
                if old.get(action) != new.get(action):
                    found.append(
                        f"{category}, {stage}: {action} {_from(old.get(action))} -> "
                        f"{_from(new.get(action))}"
                    )
    for category in sorted({*before.looks, *after.looks}):
        if before.looks.get(category) != after.looks.get(category):
            found.append(f"{category}: described otherwise")
    return tuple(found)


def _ordered(categories: set[str]) -> list[str]:
    """The taxonomy in its order, then the policy's own by name."""
    own = sorted(categories - set(CATEGORIES))
    return [c for c in CATEGORIES if c in categories] + own


def _shown(value: Any) -> str:
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


def _from(threshold: float | None) -> str:
    return "never" if threshold is None else f"from {threshold:g}"


def _base(where: str, name: Any) -> Policy:
    if name not in PRESETS:
        raise ConfigError(f"{where} starts from preset = {name!r}; {_nearest(str(name), PRESETS)}")
    return preset(name)


def _known(where: str, table: Mapping[str, Any], known: tuple[str, ...], within: str) -> None:
    """Refuse what we do not know: a misspelt safety setting must not be ignored."""
    for key in table:
        if key not in known:
            raise ConfigError(f"{where} has '{key}'{within}; {_nearest(key, known)}")


def _typed(where: str, key: str, value: Any) -> Any:
    kinds = _SETTINGS[key]
    if not isinstance(value, kinds) or isinstance(value, bool):
        wanted = kinds if isinstance(kinds, tuple) else (kinds,)
        raise ConfigError(
            f"{where} has {key} = {value!r}; expected {' or '.join(k.__name__ for k in wanted)}"
        )
    if key == "classifiers":
        return _texts(where, key, value)
    if key == "on_missing" and value not in ("refuse", "report"):
        raise ConfigError(f"{where} has on_missing = {value!r}; expected 'refuse' or 'report'")
    if isinstance(value, int) and kinds is not int:
        return float(value)  # so that 1 and 1.0 are one policy
    return value


def _texts(where: str, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise ConfigError(f"{where} has {key} = {value!r}; expected a list of texts")
    return tuple(value)


def _category(where: str, name: str, table: Any, base: Rule | None) -> tuple[Rule, tuple[str, ...]]:
    """One table of [categories]: its rule, and how a category of one's own looks."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where} has {name} = {table!r} in categories; expected a table")
    _known(where, table, (*_ACTIONS, "on_prompt", "looks"), f" in [categories.{name}]")
    looks = _texts(where, f"{name}.looks", table["looks"]) if "looks" in table else ()
    if base is None and name not in CATEGORIES and not looks:
        close = difflib.get_close_matches(name, CATEGORIES, n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise ConfigError(
            f"{where} names the category '{name}'; {hint}Expected one of {', '.join(CATEGORIES)}, "
            'or a category of your own with looks = ["a description"]'
        )
    given = _ladder(where, name, {k: v for k, v in table.items() if k in _ACTIONS}, "picture")
    asked = table.get("on_prompt", {})
    if not isinstance(asked, dict):
        raise ConfigError(
            f"{where} has on_prompt = {asked!r} for {name}; expected {{ block = 0.9 }}"
        )
    _known(where, asked, tuple(_ACTIONS), f" in on_prompt of {name}")
    prompt = _ladder(where, name, asked, "prompt")
    old = base or Rule()
    picture = given or old.picture or ({Action.FLAG: OWN_FLAG} if looks else {})
    return Rule(picture, prompt or old.prompt), looks


def _ladder(
    where: str, category: str, table: Mapping[str, Any], stage: Stage
) -> dict[Action, float]:
    return {
        _ACTIONS[name]: _threshold(where, category, name, value, stage)
        for name, value in table.items()
    }


def _threshold(where: str, category: str, action: str, value: Any, stage: Stage) -> float:
    """A number, or the name of a measured one, from the card of the embedded classifier."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    measured = _measured(category, stage)
    if isinstance(value, str) and value in measured:
        return measured[value]
    named = f", or one of {', '.join(measured)}" if measured else ""
    raise ConfigError(
        f"{where} has {action} = {value!r} for {category} in the {stage}; "
        f"expected a number from 0 to 1{named}"
    )


@cache
def _measured(category: str, stage: Stage) -> dict[str, float]:
    """The thresholds that were measured for a category, by name."""
    from provenance_models import read_json

    if stage == "prompt":
        chosen = read_json("prompts", "metrics.json")["thresholds"]
    elif category == "nudity":
        chosen = read_json("nudity", "metrics.json")["thresholds"]
    else:
        return {}
    return {f"measured-{name}": float(value) for name, value in chosen.items()}
