"""What `verify` costs with and without looking at the pixels, and what its looks are worth.

    python -m benchmarks.detection

CPU time on one core for the pictures of examples/pictures at 1024×1024; the rates are those that
the scripts in models/{pixels,hands,text} measured on held-out sources, and what they come to once
fused. Looks whose weights are missing are said to be so and cost nothing.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: one core
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import io
import statistics
import time
from pathlib import Path
from typing import Any

from PIL import Image

from models.pixels.card import beside_rules
from provenance import Verifier
from provenance.verify.fusion import BAR
from provenance.watermark.tile import TileWatermarker
from provenance_models import read_json

ROOT = Path(__file__).parents[1]
RUNS = 9


def files() -> list[bytes]:
    made = []
    for path in sorted(p for p in (ROOT / "examples" / "pictures").iterdir() if p.suffix != ".md"):
        out = io.BytesIO()
        Image.open(path).convert("RGB").resize((1024, 1024)).save(out, "JPEG", quality=92)
        made.append(out.getvalue())
    return made


def cpu_ms(verifier: Verifier, data: bytes) -> float:
    verifier.verify(data)
    spent = []
    for _ in range(RUNS):
        start = time.process_time()
        verifier.verify(data)
        spent.append(1000 * (time.process_time() - start))
    return statistics.median(spent)


def main() -> None:
    marker = TileWatermarker(bytes(32))
    pictures = files()
    print("| unmarked JPEG of 1024×1024 | CPU ms |\n|---|---|")
    for name, looks in (("without looks", False), ("with looks", True)):
        verifier = Verifier.standard(watermarkers=[marker], looks=looks)
        spent = statistics.mean(cpu_ms(verifier, data) for data in pictures)
        print(f"| {name} | {spent:.0f} |")
    unchecked = [e.explanation for e in verifier.verify(pictures[0]).unchecked]
    print("\nnot checked: " + (" ".join(unchecked) or "nothing"))
    print("\n" + "\n".join(worth()))


def worth() -> list[str]:
    """What each look is worth by itself, and how often looks lead to an answer."""
    pixels = read_json("pixels", "metrics.json")
    report = pixels["report"]
    mean = report["auc_of_mean_score"]
    low, high = mean["interval95_by_source"]
    lines = [f"pixels: AUC {mean['auc']} ({low} to {high}), sources held out, equalised", ""]
    lines += [
        beside_rules(report["balanced_accuracy_beside_trivial_rules"], pixels["pictures"]),
        "",
    ]
    lines += [
        "| sources held out | photographs called | generated pictures called |",
        "|---|---|---|",
    ]
    for dealing in report["by_seed"]:
        for level, word in zip(dealing["levels"], ("generated", "clearly generated"), strict=True):
            keys = ("real_called_generated", "generated_called_generated")
            cells = " | ".join(_share(level[key]) for key in keys)
            lines.append(f"| {word}, dealing {dealing['seed']} | {cells} |")
    lines += [
        "",
        "| look | times as likely if generated | 95 % | passes the bar alone |",
        "|---|---|---|---|",
    ]
    weights = [(f"pixels, level {at + 1}", level) for at, level in enumerate(pixels["levels"])]
    weights += [(name, read_json(name, "metrics.json")["weight"]) for name in ("hands", "text")]
    for name, weight in weights:
        low, high = weight["interval95"]
        passes = "yes" if low / (1 + low) >= BAR else "no"
        lines.append(f"| {name} | {weight['ratio']} | {low} to {high} | {passes} |")
    lines += [
        "",
        "| fused | generated pictures answered | photographs answered wrongly |",
        "|---|---|---|",
    ]
    for name, found in pixels["fused"].items():
        cells = [_share(found[key]) for key in ("generated_answered", "real_answered_wrongly")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _share(found: dict[str, Any]) -> str:
    low, high = found["interval95"]
    return f"{found['hit']} of {found['n']} ({100 * low:.1f} to {100 * high:.1f} %)"


if __name__ == "__main__":
    main()
