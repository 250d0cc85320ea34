"""CPU milliseconds of each stage of protect and verify, for a 1024×1024 PNG and JPEG.

    python benchmarks/pipeline.py [--runs 15] [--readme] [PICTURE]

`--readme` writes the table into README.md.

CPU time of one process with one thread for numerical libraries: machines are noisy, and wall time
would measure their other work. The median over the runs is shown, after one run to warm up. The
competitor for this whole chain does not exist as a package; signing alone is compared with
c2pa-python used directly with its defaults, in the same run.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import io
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import provenance
from provenance import Config, Encoding, Picture, Pipeline, Verifier, _c2pa, home
from provenance.codec.decode import decode
from provenance.codec.encode import encode
from provenance.moderate import build
from provenance.sign.interface import Generator, Mark, Statement
from provenance.sign.sign import sign
from provenance.watermark.interface import Payload

PHOTO = Path(__file__).parents[1] / "examples" / "pictures" / "coffee.png"
SIDE = 1024
README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- benchmark -->", "<!-- /benchmark -->"


def cpu_ms(call: Callable[[], Any], runs: int) -> float:
    """Median CPU time of the process for one call, in milliseconds."""
    call()
    spent = []
    for _ in range(runs):
        start = time.process_time()
        call()
        spent.append(1000 * (time.process_time() - start))
    return statistics.median(spent)


def photograph(path: Path) -> np.ndarray:
    """The picture, cut to a square and brought to 1024×1024."""
    with Image.open(path) as image:
        side = min(image.size)
        square = image.convert("RGB").crop((0, 0, side, side))
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def plain_c2pa(data: bytes, media_type: str, chain: str, key: bytes) -> bytes:
    """Signing as the documentation of c2pa-python shows it: defaults, thumbnail included."""
    c2pa = _c2pa.load()
    trust = {"trust": {"trust_config": _c2pa.C2PA_EKU}}
    action = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    }
    manifest = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
    out = io.BytesIO()
    with (
        c2pa.Context.from_dict(trust) as context,
        c2pa.Signer.from_info(
            c2pa.C2paSignerInfo("es256", chain.encode("ascii"), key, None)
        ) as signer,
        c2pa.Builder(json.dumps(manifest), context) as builder,
    ):
        builder.sign(signer, media_type, io.BytesIO(data), out)
    return out.getvalue()


def measure(pixels: np.ndarray, encoding: Encoding, config: Config, runs: int) -> dict[str, Any]:
    """All stages for one format."""
    pipeline, verifier = Pipeline.from_config(config), Verifier.from_config(config)
    moderator = build.moderator(config.policy)
    marker, signer = config.watermarker(), config.signer()
    anchors = config.anchors()
    source = encode(Picture.from_array(pixels), encoding).data
    picture, payload = decode(source), Payload.random()
    marked = marker.embed(picture, payload)
    encoded = encode(marked, encoding)
    says = Statement(Generator("benchmark"), mark=Mark(marker.algorithm, payload))
    signed = sign(encoded, says, signer, anchors)
    stripped = encode(decode(signed.data), encoding).data
    key, chain = config.signing_key.read_bytes(), config.certificates.read_text()
    stages = {
        "decode": lambda: decode(source),
        "moderate": lambda: moderator.check_picture(picture),
        "watermark": lambda: marker.embed(picture, payload),
        "encode": lambda: encode(marked, encoding),
        "sign": lambda: sign(encoded, says, signer, anchors),
        "read back": lambda: verifier.verify(signed.data),
        "protect, all stages": lambda: pipeline(source),
        "verify, protected": lambda: verifier.verify(signed.data),
        "verify, stripped": lambda: verifier.verify(stripped),
        "verify, unmarked": lambda: verifier.verify(source),
        "c2pa-python alone, sign": lambda: plain_c2pa(encoded.data, encoded.media_type, chain, key),
    }
    table: dict[str, Any] = {name: round(cpu_ms(call, runs), 1) for name, call in stages.items()}
    plain = plain_c2pa(encoded.data, encoded.media_type, chain, key)
    table["bytes added by signing, ours"] = len(signed.data) - len(encoded.data)
    table["bytes added by signing, c2pa-python alone"] = len(plain) - len(encoded.data)
    return table


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", nargs="?", type=Path, default=PHOTO)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    pixels = photograph(options.picture)
    with tempfile.TemporaryDirectory() as folder:
        config = Config.load(home.create(Path(folder) / "home").config)
        columns = {
            "PNG": measure(pixels, Encoding("PNG"), config, options.runs),
            "JPEG 92": measure(pixels, Encoding("JPEG", quality=92), config, options.runs),
        }
    text = table(columns, options.picture, options.runs)
    print(text)
    if options.readme:
        before, rest = README.read_text(encoding="utf-8").split(START)
        after = rest.split(END)[1]
        README.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


def table(columns: dict[str, dict[str, Any]], picture: Path, runs: int) -> str:
    """The measurements in Markdown, headed by what was measured on what."""
    lines = [
        f"provenance {provenance.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}, {time.strftime('%Y-%m-%d')}; {picture.name} at {SIDE}×{SIDE}; "
        f"CPU ms, median of {runs}",
        "",
        f"| stage | {' | '.join(columns)} |",
        f"|---|{'---:|' * len(columns)}",
    ]
    for name in columns["PNG"]:
        lines.append(f"| {name} | {' | '.join(f'{c[name]:,}' for c in columns.values())} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
