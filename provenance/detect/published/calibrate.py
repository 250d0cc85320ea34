"""Measures a published detector on your own pictures, and keeps what was found beside its weights.

    python -m provenance.detect.published.calibrate MODEL --real DIR --generated DIR

Each folder inside DIR counts as a source of its own; half of the sources sets the threshold, the
other half is what is reported. Copies of a picture count once if they are equal to the byte.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from provenance.detect.published.calibration import FILE, calibrate
from provenance.detect.published.check import known
from provenance.detect.published.interface import Detector
from provenance.errors import ConfigError, InputError, ProvenanceError
from provenance.moderate.samples import find
from provenance.picture import Picture
from provenance.weights.store import Store


def scores(detector: Detector, folder: Path) -> list[tuple[str, float]]:
    """Source and logit of every picture; those that cannot be opened are named on stderr."""
    found, seen = [], set()
    for sample in find(folder):
        digest = hashlib.sha256(sample.path.read_bytes()).digest()
        if digest in seen:
            continue
        seen.add(digest)
        try:
            picture = Picture.open(sample.path)
        except InputError as error:
            sys.stderr.write(f"{sample.path}: {error}\n")
            continue
        if min(picture.width, picture.height) >= detector.least:
            found.append((sample.source or sample.path.name, detector.logit(picture)))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and keep; 0 when that went well, 2 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", help="such as community-forensics-384")
    parser.add_argument("--real", type=Path, required=True, metavar="DIR")
    parser.add_argument("--generated", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--allowed", type=float, default=0.01, help="share of photographs it may be wrong about"
    )
    given = parser.parse_args(arguments)
    try:
        return _run(given)
    except ProvenanceError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _run(given: argparse.Namespace) -> int:
    detectors = known()
    if given.model not in detectors:
        raise ConfigError(f"there is no detector '{given.model}'; expected {', '.join(detectors)}")
    if not 0 < given.allowed < 0.5:
        raise InputError(f"--allowed is {given.allowed}; expected a share such as 0.01")
    detector = detectors[given.model]
    made = calibrate(
        detector.model,
        detector.digest(),
        scores(detector, given.real),
        scores(detector, given.generated),
        allowed=given.allowed,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(made.to_json())
        kept = Store.standard().add(detector.model, FILE, path)
    weight = made.weight
    sys.stdout.write(
        f"from {made.threshold:.3f} on: {made.found.rate:.1%} of generated pictures found, "
        f"{made.wrong.rate:.1%} of real ones wrong; {weight.ratio:g} times as likely "
        f"({weight.low:g} to {weight.high:g}); kept as {kept}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
