"""The benchmark runs from folders to a table, with a classifier that knows nothing."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

from tests.moderate.towers import GREEN, RED, textured

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "moderation_quality.py"


def test_from_folders_to_a_table(tmp_path, monkeypatch, capsys):
    for folder, colour, count in (("safe", GREEN, 90), ("unsafe/weapons", RED, 24)):
        (tmp_path / folder).mkdir(parents=True)
        for n in range(count):
            textured(colour, hash((colour, n)) % 2**31).to_pil().save(
                tmp_path / folder / f"{n % 45}__{n}.png"
            )
    arguments = ["--safe", tmp_path / "safe", "--unsafe", tmp_path / "unsafe"]
    arguments += ["--classifier", "random", "--max-safe-flagged", "10%"]
    arguments += ["--source", "(.*?)__", "--json", tmp_path / "out.json"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    shown = capsys.readouterr().out
    assert "random-projection@random" in shown
    assert "to beat, as published" in shown
    (found,) = json.loads((tmp_path / "out.json").read_text())
    rows = {row["category"]: row for row in found["categories"]}
    weapons = rows["weapons"]
    assert 0 < weapons["found"]["n"] < 24
    assert 0 < weapons["safe_flagged"]["n"] < 90
    assert rows["gore"]["found"]["n"] == 0
    (rule,) = found["trivial_rule"]
    assert rule["found"]["share"] == 1.0  # red against green needs no classifier
    assert found["scoring_us_per_embedding"] > 0
