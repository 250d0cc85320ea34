"""Speed and memory of the mark on one core; writes the section "speed" of its metrics.json.

Run alone on a quiet machine: OPENBLAS_NUM_THREADS=1 python -m benchmarks.watermark_speed
CPU time of this process, median of several calls after one to warm up. Sides of the pictures may
follow, to measure fewer sizes than 512, 1024 and 2048.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
from PIL import Image

from models.watermark import edits
from models.watermark.results import update
from provenance.watermark.payload import Payload
from provenance.watermark.tile import TileWatermarker

KEY = bytes(range(32))


def milliseconds(work: Callable[[], Any], calls: int = 9) -> float:
    """Median CPU time of a call."""
    work()
    spent = []
    for _ in range(calls):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return round(1000 * float(np.median(spent)), 1)


def photograph(side: int) -> np.ndarray:
    """A free photograph (scikit-image's astronaut, NASA), tiled by mirroring and enlarged."""
    from skimage import data

    photo = data.astronaut()
    wide = np.concatenate([photo, photo[:, ::-1]], axis=1)
    square = np.concatenate([wide, wide[::-1]], axis=0)
    return np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.LANCZOS))


def at(side: int) -> dict[str, float]:
    """All cases at one size."""
    pixels = photograph(side)
    marker, payload = TileWatermarker(KEY), Payload(7)
    fixed = TileWatermarker(KEY, strength=43.0)
    marked = marker.embed_array(pixels, payload)
    rng = np.random.default_rng(0)
    edited = {
        "read, JPEG 75": edits.coded(marked, "JPEG", quality=75),
        "read, cropped and scaled": edits.scaled(edits.cropped(marked, 0.6, rng), 0.7),
        "read, rotated 5°": edits.turned(marked, 5),
        "read, aspect 1.1": edits.scaled(marked, 1.1, 1.0),
        "read, sheared 3°": edits.sheared(marked, 3),
    }
    result = {
        "embed, balanced": milliseconds(lambda: marker.embed_array(pixels, payload)),
        "embed, fixed PSNR": milliseconds(lambda: fixed.embed_array(pixels, payload)),
        "read, untouched": milliseconds(lambda: marker.extract_array(marked)),
        "read, unmarked": milliseconds(lambda: marker.extract_array(pixels)),
    }
    for name, picture in edited.items():
        found = marker.extract_array(picture).payload == payload
        key = name if found else f"{name} (not found)"
        result[key] = milliseconds(lambda p=picture: marker.extract_array(p))  # type: ignore[misc]
    return result


def hundred_megapixels() -> dict[str, float]:
    """Time and peak memory at 10000×10000, in this fresh process."""
    pixels = np.empty((10000, 10000, 3), np.uint8)
    block = photograph(1000)
    for row in range(0, 10000, 1000):
        for column in range(0, 10000, 1000):
            pixels[row : row + 1000, column : column + 1000] = block
    marker = TileWatermarker(KEY)
    began = time.process_time()
    marked = marker.embed_array(pixels, Payload(7))
    written = time.process_time()
    found = marker.extract_array(marked).payload == Payload(7)
    return {
        "embed s": round(written - began, 2),
        "read s": round(time.process_time() - written, 2),
        "found": found,
        "peak MB, picture and result included": round(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        ),
    }


def main() -> None:
    """Measure, write, print."""
    if "--large" in sys.argv:
        print(hundred_megapixels())
        return
    large = subprocess.run(
        [sys.executable, "-m", "benchmarks.watermark_speed", "--large"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[1],
    ).stdout.strip()
    result = {
        **{str(side): at(side) for side in map(int, sys.argv[1:] or (512, 1024, 2048))},
        "100 megapixels": large,
        "load average": round(os.getloadavg()[0], 2),
    }
    update("speed", result)
    for name, row in result.items():
        print(name, row)


if __name__ == "__main__":
    main()
