"""Speed and agreement of the CLIP towers on one core; writes the table of docs/towers.md.

Run alone on a quiet machine, with provenance-kit[clip]: python benchmarks/towers.py
CPU time of this process, median of several calls after one to warm up. The weights are random: no
trained ones are needed to time a network, and what they say of agreement stands in the document.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import platform
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from provenance import Picture
from provenance.embed import onnx, open_clip, transformers
from provenance.embed.agreement import TEXTS, cosines, pictures
from provenance.embed.export import export_tower
from provenance.embed.untrained import untrained_weights

PAGE = ROOT / "docs" / "towers.md"
START, END = "<!-- measured -->", "<!-- /measured -->"
ARCHITECTURE = "ViT-B-32"
EXAMPLES = ("cat.webp", "coffee.png", "rocket.jpg")
VERSIONS = ("torch", "open-clip-torch", "transformers", "onnx", "onnxruntime", "numpy", "pillow")
CALLS = 9
CROPS = 10
"""Of each example, so that agreement is seen on more than three pictures."""


def milliseconds(work: Callable[[], Any], calls: int = CALLS) -> float:
    """Median CPU time of a call."""
    work()
    spent = []
    for _ in range(calls):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return 1000 * float(np.median(spent))


def seen() -> list[Picture]:
    """The examples, parts of them, and made-up pictures."""
    rng = np.random.default_rng(0)
    found = []
    for name in EXAMPLES:
        picture = Picture.open(ROOT / "examples" / "pictures" / name)
        found.append(picture)
        for _ in range(CROPS):
            side = int(rng.uniform(0.3, 0.9) * min(picture.height, picture.width))
            top = int(rng.integers(0, picture.height - side))
            left = int(rng.integers(0, picture.width - side))
            part = picture.pixels[top : top + side, left : left + side]
            found.append(Picture.from_array(np.ascontiguousarray(part)))
    return found + pictures()


def row(name: str, tower: Any, size: int, given: Any, wanted: Any, words: Any) -> str:
    """One line of the table."""
    pixels = tower.recipe.preprocess(given[:32])
    one = milliseconds(lambda: tower.engine().pictures(pixels[:1]))
    many = milliseconds(lambda: tower.engine().pictures(pixels)) / len(pixels)
    found = cosines(tower.embed_pictures(given), wanted)
    texts = cosines(tower.embed_texts(TEXTS), words)
    line = (
        f"| {name} | {size / 1e6:.0f} | {one:.1f} | {many:.1f} | {found.min():.5f} | "
        f"{found.mean():.5f} | {texts.min():.5f} |"
    )
    print(line, flush=True)
    return line


def table() -> list[str]:
    """All backends and precisions."""
    import torch

    torch.set_num_threads(1)
    given = seen()
    lines = [
        "| backend | picture tower, MB | ms, batch 1 | ms a picture, batch 32 | lowest cosine "
        "| mean cosine | lowest cosine, texts |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        weights = untrained_weights(ARCHITECTURE, folder)
        tower = open_clip.load(weights)
        wanted, words = tower.embed_pictures(given), tower.embed_texts(TEXTS)
        network = tower.engine().image.model.visual
        size = sum(4 * weight.numel() for weight in network.parameters())
        lines.append(row("open_clip FP32", tower, size, given, wanted, words))
        other = transformers.load(weights)
        lines.append(row("transformers FP32", other, size, given, wanted, words))
        del other
        for precision in ("fp32", "fp16", "int8"):
            target = folder / precision
            export_tower(tower, target, precision=precision)
            size = (target / onnx.IMAGE).stat().st_size
            name = f"ONNX {precision.upper()}"
            lines.append(row(name, onnx.load_folder(target), size, given, wanted, words))
    steps = milliseconds(lambda: tower.recipe.preprocess(given[:32])) / 32
    lines += [
        "",
        f"{ARCHITECTURE} at random weights, n = {len(given)} pictures ({len(EXAMPLES)} examples, "
        f"{CROPS} parts of each, 8 made up) and {len(TEXTS)} texts, cosines to open_clip's "
        f"embeddings. Median of {CALLS} calls, one thread, CPU time, network alone; preprocessing "
        f"adds {steps:.1f} ms a picture.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in VERSIONS)
        + f"; load average {os.getloadavg()[0]:.1f}.",
    ]
    return lines


def main() -> None:
    """Measure, write, print."""
    lines = table()
    before, _, rest = PAGE.read_text().partition(START)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + START + "\n" + "\n".join(lines) + "\n" + END + after)


if __name__ == "__main__":
    main()
