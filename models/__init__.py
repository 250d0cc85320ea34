"""Model cards, configurations, metrics and the scripts that made them.

Installed as `provenance_models`. A directory is complete or absent; code reads its thresholds from
`metrics.json`, which `evaluate.py` in the same directory wrote.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def read_json(model: str, name: str) -> Any:
    """Read one JSON file of a model, such as `read_json("nudity", "metrics.json")`."""
    return json.loads(files(__package__).joinpath(model, name).read_text(encoding="utf-8"))
