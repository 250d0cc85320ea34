"""metrics.json: one section for each script, replaced as a whole."""

from __future__ import annotations

import fcntl
import json
import math
from pathlib import Path
from typing import Any

METRICS = Path(__file__).with_name("metrics.json")


def load() -> dict[str, Any]:
    """All sections."""
    return json.loads(METRICS.read_text(encoding="utf-8")) if METRICS.exists() else {}


def update(section: str, value: Any) -> None:
    """Replace one section."""
    with METRICS.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # scripts may run beside each other
        everything = load()
        everything[section] = value
        text = json.dumps(everything, indent=1, sort_keys=True) + "\n"
        METRICS.write_text(text, encoding="utf-8")


def wilson(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927)."""
    if trials == 0:
        return 0.0, 1.0
    rate = hits / trials
    centre = rate + z * z / (2 * trials)
    reach = z * math.sqrt((rate * (1 - rate) + z * z / (4 * trials)) / trials)
    scale = 1 + z * z / trials
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)
