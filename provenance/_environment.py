"""Settings from the environment, over those of a file: `PROVENANCE_<SECTION>_<NAME>`.

So that a container needs no file of its own: PROVENANCE_REGISTRY_URL, PROVENANCE_SERVICE_LOG.
Lists are separated by commas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.errors import ConfigError

Kinds = type | tuple[type, ...]

_SWITCHES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}

_APART = frozenset({"signing"})
"""Sections whose variables hold keys and certificates themselves: see `sign.local`."""


def overridden(
    data: Mapping[str, Any],
    known: Mapping[str, Mapping[str, Kinds]],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """The settings of a file with those of the environment over them.

    Args:
        data: sections of the file.
        known: types of every setting, by section and name.
        environment: such as `os.environ`.

    Raises:
        ConfigError: a variable of one of the sections names no setting, or its value is none. The
            value is not shown: it may be a password.
    """
    merged = {name: dict(v) if isinstance(v, Mapping) else v for name, v in data.items()}
    for section in known.keys() - _APART:
        prefix = f"PROVENANCE_{section.upper()}_"
        for variable, text in environment.items():
            if not variable.startswith(prefix):
                continue
            name = variable.removeprefix(prefix).lower()
            if name not in known[section]:
                raise ConfigError(
                    f"${variable} is set, and [{section}] has no '{name}'; expected one of "
                    f"{', '.join(known[section])} after {prefix}"
                )
            kinds = known[section][name]
            value = _value(variable, text, kinds if isinstance(kinds, tuple) else (kinds,))
            merged.setdefault(section, {})[name] = value
    return merged


def _value(variable: str, text: str, kinds: tuple[type, ...]) -> Any:
    if bool in kinds:
        if text.lower() not in _SWITCHES:
            raise ConfigError(f"${variable} is neither true nor false")
        return _SWITCHES[text.lower()]
    if list in kinds:
        return [part.strip() for part in text.split(",") if part.strip()]
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
    if str not in kinds:
        raise ConfigError(f"${variable} is no number")
    return text
