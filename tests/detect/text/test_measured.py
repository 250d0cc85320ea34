"""What was measured keeps to the aim, the code uses it, and the card says the same."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provenance_models import read_json

CARD = (Path(__file__).parents[3] / "models" / "text" / "card.md").read_text(encoding="utf-8")
METRICS: Any = read_json("text", "metrics.json")

TABLE = (
    ("drawn", "real"),
    ("drawn", "gibberish"),
    ("drawn", "other scripts"),
    ("drawn", "scripts never trained on"),
    ("drawn", "mirrored"),
    ("drawn scenes", "real"),
    ("drawn scenes", "gibberish"),
    ("drawn scenes", "other scripts"),
    ("drawn scenes", "scripts never trained on"),
    ("photographs", "all lines found"),
    ("photographs", "lines with letters"),
)
"""Rows of the card's table."""


def test_of_several_thousand_real_lines_no_more_than_one_in_a_hundred_is_flagged():
    real = METRICS["drawn"]["real"]
    assert real["n"] >= 2000
    assert real["rate"] <= 0.01
    assert METRICS["drawn scenes"]["real"]["rate"] <= 0.01


def test_four_in_five_lines_of_gibberish_are_found():
    assert METRICS["drawn"]["gibberish"]["rate"] >= 0.8


def test_the_threshold_is_the_one_that_was_learned():
    with (
        files("provenance_models").joinpath("text", "judge.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as tables,
    ):
        assert METRICS["threshold"] == pytest.approx(float(tables["threshold"]), abs=1e-4)


@pytest.mark.parametrize(("group", "kind"), TABLE)
def test_the_card_gives_the_figures_that_were_measured(group, kind):
    found = METRICS[group][kind]
    low, high = (f"{100 * end:.1f}" for end in found["interval95"])
    assert f"| {found['n']:,} | {100 * found['rate']:.1f} % ({low} to {high}) |" in CARD.replace(
        "**", ""
    )
