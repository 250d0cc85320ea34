"""CPU time of the hands check, on pictures of one size with and without a hand.

    python -m benchmarks.hands PICTURE_WITH_A_HAND [--side 1024]

Prints the median of nine runs in milliseconds of process time, one thread, after a first run that
loads the networks. The picture is enlarged or reduced to the side; the one without a hand is noise.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from pathlib import Path

import numpy as np
from PIL import Image

from provenance.codec.limits import Limits
from provenance.detect.hands.check import HandsCheck
from provenance.verify.interface import Subject


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--side", type=int, default=1024)
    args = parser.parse_args()
    size = (args.side, args.side)
    with Image.open(args.picture) as file:
        hand = file.convert("RGB").resize(size)
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    check = HandsCheck()
    found = {}
    for name, image in (("with a hand", hand), ("without", Image.fromarray(noise))):
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        subject = Subject(buffer.getvalue(), "image/png", Limits())
        (first,) = check.examine(subject)
        times = []
        for _ in range(9):
            began = time.process_time()
            check.examine(subject)
            times.append(time.process_time() - began)
        found[name] = {
            "code": first.code,
            "hands": first.details["hands"],
            "milliseconds": round(1000 * statistics.median(times)),
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
