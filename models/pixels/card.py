"""Tables of the card: each stands between the marks of its name, and one is shown elsewhere too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CARD = Path(__file__).parent / "card.md"


def replaced(name: str, table: str) -> None:
    """Put a table in place of the one that was there."""
    text, count = re.subn(
        rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)",
        lambda _: "\n" + table.strip() + "\n\n",
        CARD.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    if count != 1:
        raise SystemExit(f"the card has no marks for the table {name!r}, or has them twice")
    CARD.write_text(text, encoding="utf-8")


def beside_rules(report: Mapping[str, Any], pictures: Mapping[str, int]) -> str:
    """What rules.py measured, for the card and for the benchmark."""
    conditions = ("as the files are", "equalised")
    rows = [
        f"| balanced accuracy, {pictures['real']} photographs and {pictures['generated']} "
        f"generated pictures | {' | '.join(conditions)} |",
        "|---|---|---|",
        f"| the detector, which equalises by itself | {_cell(report['detector'])} "
        f"| {_cell(report['detector'])} |",
    ]
    for rule in report[conditions[0]]["rules"]:
        cells = [_cell(report[name]["rules"][rule]) for name in conditions]
        rows.append(f"| best cut of: {rule} | {' | '.join(cells)} |")
    cells = []
    for name in conditions:
        low, high = (100 * x for x in report[name]["interval95_by_source"])
        ahead = 100 * report[name]["detector_ahead"]
        cells.append(f"{ahead:+.1f} points ({low:+.1f} to {high:+.1f})")
    rows.append(f"| detector beside the best rule | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(found: Mapping[str, Any]) -> str:
    low, high = found["interval95_by_source"]
    return f"{found['balanced_accuracy']:.3f} ({low:.3f} to {high:.3f})"
