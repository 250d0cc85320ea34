"""What moderation costs: CPU milliseconds of each stage on one core, and that nothing loads twice.

    python -m benchmarks.moderation [--write]

Pictures are the CC0 ones of examples/pictures, at 1024×1024. `--write` puts the table into
docs/moderation.md. The towers have a benchmark of their own: benchmarks/towers.py.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: one core
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import platform
import re
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from provenance import Picture, __version__
from provenance.moderate import build, policy_file
from provenance.moderate.nudity import NudityClassifier

ROOT = Path(__file__).parents[1]
PROMPTS = ("a lighthouse at dusk, oil on canvas", "portrait of an old fisherman, 85mm, " * 8)


def cpu_ms(call: Callable[[], object], runs: int = 15) -> float:
    """Median CPU time of a call, after two to warm up."""
    call()
    call()
    spent = []
    for _ in range(runs):
        start = time.process_time()
        call()
        spent.append(1000 * (time.process_time() - start))
    return statistics.median(spent)


def pictures() -> list[Picture]:
    found = sorted(p for p in (ROOT / "examples" / "pictures").iterdir() if p.suffix != ".md")
    sized = [Image.open(p).convert("RGB").resize((1024, 1024)) for p in found]
    return [Picture.from_array(np.asarray(image)) for image in sized]


def table() -> str:
    shown = pictures()
    standard = build.moderator(policy_file.preset("standard"))
    nudity = NudityClassifier()
    rows = [
        ("prompt check, short prompt", cpu_ms(lambda: standard.check_prompt(PROMPTS[0]), 99)),
        ("prompt check, long prompt", cpu_ms(lambda: standard.check_prompt(PROMPTS[1]), 99)),
        ("open_nsfw alone", statistics.mean(cpu_ms(lambda p=p: nudity.scores(p)) for p in shown)),
        (
            "picture check, policy 'standard'",
            statistics.mean(cpu_ms(lambda p=p: standard.check_picture(p)) for p in shown),
        ),
    ]
    lines = ["| what | CPU ms |", "|---|---|", *(f"| {name} | {ms:.2f} |" for name, ms in rows)]
    said = (
        f"{datetime.now(UTC):%Y-%m-%d}, provenance {__version__}, Python "
        f"{platform.python_version()}, one core, {len(shown)} pictures of 1024×1024, median of 15: "
        "`python -m benchmarks.moderation --write`"
    )
    return "\n".join([*lines, "", said])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into the document")
    made = table()
    print(made)
    if parser.parse_args().write:
        where = ROOT / "docs" / "moderation.md"
        text = where.read_text(encoding="utf-8")
        mark = re.compile(r"(<!-- costs -->\n).*?(<!-- /costs -->)", re.DOTALL)
        where.write_text(mark.sub(lambda m: f"{m[1]}\n{made}\n\n{m[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
