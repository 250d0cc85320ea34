"""How the patches of a view vary together, for variants.py: one of the ideas that were tried.

    python -m models.pixels.covariance LIST.csv... -o FOLDER

The tokens of a block are turned to their first components within pictures, which no label enters,
and brought to even spread; of each view the logarithm of the covariance matrix is kept, which is
the difference from the typical one. Writes a file like those of features.py for each block and
number of components: `b7-32.npz` and so on, of the same pictures in the same order.

Source: Gram matrices of textures, Gatys et al., "Texture synthesis using convolutional neural
networks", 2015; the logarithm, Arsigny et al., "Log-Euclidean metrics for fast and simple calculus
on diffusion tensors", 2006.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.pixels.features import augmented
from models.pixels.listed import listed, opened
from provenance.detect.backbone import MODEL, _input
from provenance.detect.int8 import narrowed
from provenance.detect.views import SHRUNK, views
from provenance.weights.store import Store

BLOCKS = (4, 7)
SIZES = (32, 64)
"""Components that are kept."""

TYPICAL = 10
"""One picture in so many, by name, says what is typical."""

LEAST_SPREAD = 1e-3
"""Added to the covariance: with fewer patches than directions a logarithm has no lower end."""

Numbers = NDArray[np.float32]


def session() -> Any:
    """The network, with an output for each block."""
    import onnxruntime

    data = Store.standard().get(MODEL).files["clip_encoder.int8.onnx"].read_bytes()
    names = [f"/vision_model/encoder/layers.{block}/Add_1_output_0" for block in BLOCKS]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_free_dimension_override_by_name("batch", 1)
    return onnxruntime.InferenceSession(
        narrowed(data, names), options, providers=["CPUExecutionProvider"]
    )


def patches(network: Any, view: Image.Image) -> list[Numbers]:
    """Patches × width, by block."""
    return [tokens[0, 1:] for tokens in network.run(None, {"pixel_values": _input(view)})]


def directions(sample: Sequence[Numbers]) -> Numbers:
    """First components within pictures, each scaled to a spread of one: width × components."""
    away = np.concatenate([tokens - tokens.mean(axis=0) for tokens in sample])
    spread, vectors = np.linalg.eigh(away.T @ away / len(away))
    most = max(SIZES)
    turned: Numbers = vectors[:, ::-1][:, :most] / np.sqrt(spread[::-1][:most])
    return turned


def logarithm(tokens: Numbers, towards: Numbers) -> Numbers:
    """The upper triangle of the logarithm of the covariance; its length is that of the matrix."""
    away = (tokens - tokens.mean(axis=0)) @ towards
    covariance = away.T @ away / len(away) + LEAST_SPREAD * np.eye(towards.shape[1])
    spread, vectors = np.linalg.eigh(covariance)
    whole = (vectors * np.log(spread)) @ vectors.T
    at = np.triu_indices(len(whole))
    upper: Numbers = whole[at] * np.where(at[0] == at[1], 1, np.sqrt(2))
    return upper


def main() -> None:
    """Compute and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    network, pictures = session(), []
    for path, label, _ in listed(given.lists):
        if label != "graphic":
            pictures.append((path, int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16)))
    few = [seen for path, seed in pictures if seed % TYPICAL == 0 if (seen := opened(path))]
    sample = [patches(network, views(picture)[SHRUNK]) for picture in few]
    towards = [directions(each) for each in zip(*sample, strict=True)]
    found: dict[str, list[Numbers]] = {f"b{b}-{k}": [] for b in BLOCKS for k in SIZES}
    for path, seed in pictures:
        if (picture := opened(path)) is None:
            continue
        seen = [patches(network, v) for v in (*views(picture), *augmented(picture, seed))]
        for at, block in enumerate(BLOCKS):
            for k in SIZES:
                rows = [logarithm(tokens[at], towards[at][:, :k]) for tokens in seen]
                found[f"b{block}-{k}"].append(np.array(rows, np.float16))
        if len(found["b7-32"]) % 50 == 0:
            print(len(found["b7-32"]), flush=True)
    for name, rows in found.items():
        np.savez(given.output / f"{name}.npz", features=np.stack(rows))


if __name__ == "__main__":
    main()
