"""Speed of the stamps against the invisible-watermark package: "stamps_speed" of metrics.json.

    pip install 'provenance-kit[rivagan]'          # brings the package
    python -m benchmarks.stamps [--write]

`--write` puts the table into docs/watermark.md. CPU time of this process with one thread, median
of calls that take turns; every result is checked to be equal bit for bit.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import cv2
import numpy as np
from imwatermark import WatermarkDecoder, WatermarkEncoder

from benchmarks.watermark_speed import photograph
from models.watermark.results import update
from provenance.watermark.dwt_dct import Method, read_bits, write_bits
from provenance.watermark.stamps import STAMPS

BITS = STAMPS[2].bits
SIDES = (512, 1024, 2048)
METHODS: tuple[Method, ...] = ("dwtDct", "dwtDctSvd")
BEGIN, END = "<!-- stamps -->", "<!-- /stamps -->"
DOCUMENT = Path(__file__).parents[1] / "docs" / "watermark.md"


def taking_turns(*works: Callable[[], Any], calls: int) -> list[float]:
    """Median CPU time of each in milliseconds, after one call to warm up."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(calls + 1):
        for times, work in zip(spent, works, strict=True):
            began = time.process_time()
            work()
            times.append(1000 * (time.process_time() - began))
    return [float(np.median(times[1:])) for times in spent]


def compared(side: int, method: Method, calls: int) -> dict[str, Any]:
    """Both, writing and reading one picture."""
    pixels = photograph(side)
    turned = np.ascontiguousarray(pixels[..., ::-1])
    encoder, decoder = WatermarkEncoder(), WatermarkDecoder("bits", len(BITS))
    encoder.set_watermark("bits", list(BITS))
    written = write_bits(pixels, BITS, method)
    theirs = encoder.encode(turned, method)
    assert np.array_equal(written, theirs[..., ::-1])
    assert np.array_equal(read_bits(written, len(BITS), method), decoder.decode(theirs, method))
    write = taking_turns(
        lambda: write_bits(pixels, BITS, method),
        lambda: encoder.encode(turned, method),
        calls=calls,
    )
    read = taking_turns(
        lambda: read_bits(written, len(BITS), method),
        lambda: decoder.decode(theirs, method),
        calls=calls,
    )
    return {
        verb: {
            "ours_ms": round(ours, 2),
            "package_ms": round(package, 1),
            "times": round(package / ours, 1),
        }
        for verb, (ours, package) in (("write", write), ("read", read))
    }


def table(result: dict[str, Any]) -> str:
    """Markdown: milliseconds of the package and of ours, and how many times that is."""
    lines = [
        f"| | {' | '.join(f'{side}²' for side in SIDES)} |",
        f"|---|{'---|' * len(SIDES)}",
    ]
    for method in METHODS:
        for verb in ("write", "read"):
            cells = (result[f"{method} {side}"][verb] for side in SIDES)
            shown = (
                f"{c['package_ms']:.0f} / {c['ours_ms']:.1f} = {c['times']:.0f}×" for c in cells
            )
            lines.append(f"| {method}, {verb} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, write, print."""
    cv2.setNumThreads(1)
    result: dict[str, Any] = {
        f"{method} {side}": compared(side, method, calls=25 if side < 1024 else 9)
        for method in METHODS
        for side in SIDES
    }
    shown = table(result)
    result["package"] = f"invisible-watermark {version('invisible-watermark')}"
    result["machine"] = f"{platform.machine()}, numpy {np.__version__}, OpenCV {cv2.__version__}"
    result["load_average"] = round(os.getloadavg()[0], 2)
    update("stamps_speed", result)
    print(shown)
    if "--write" in sys.argv:
        text = DOCUMENT.read_text(encoding="utf-8")
        head, rest = text.split(BEGIN)
        text = f"{head}{BEGIN}\n\n{shown}\n\n{END}{rest.split(END)[1]}"
        DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
