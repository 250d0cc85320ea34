"""What whole numbers cost: the detector's readings beside those of the same weights in fractions.

    python -m models.pixels.rounding LIST.csv... [--one-in N]

Needs the package onnx. The weights come in 8 bits and nowhere else, so what is compared is the
rounding of activations and the step from 8 bits to 7. Writes rounding.json and its table in the
card: readings that differ, decisions that change, and CPU time for each view, one thread.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from scipy.stats import pearsonr

from models.pixels.card import replaced
from models.pixels.listed import LEAST, listed
from provenance import Picture
from provenance.detect import backbone
from provenance.detect.backbone import LAYERS, Backbone
from provenance.detect.int8 import cut
from provenance.detect.pixels import trained
from provenance.detect.views import views
from provenance.errors import ProvenanceError
from provenance.weights.store import Store

HERE = Path(__file__).parent


def in_fractions() -> bytes:
    """The network with the same weights in single precision, activations likewise."""
    path = Store.standard().get(backbone.MODEL).files["clip_encoder.int8.onnx"]
    names = [f"/vision_model/encoder/layers.{layer}/Add_1_output_0" for layer in LAYERS]
    model = onnx.load_from_string(cut(path.read_bytes(), names))
    graph = model.graph
    tensors = {t.name: t for t in graph.initializer}
    makers = {out: node for node in graph.node for out in node.output}
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    replaced: dict[str, Any] = {}
    gone: set[str] = set()
    for node in graph.node:
        if node.op_type != "MatMulInteger" or node.input[1] not in tensors:
            continue
        stem = node.input[1].removesuffix("_quantized")
        values = numpy_helper.to_array(tensors[node.input[1]]).astype(np.float32)
        scale = numpy_helper.to_array(tensors[f"{stem}_scale"])
        graph.initializer.append(numpy_helper.from_array(values * scale, stem))
        (cast,) = users[node.output[0]]
        (last,) = users[cast.output[0]]
        source = makers[node.input[0]].input[0]
        replaced[last.output[0]] = helper.make_node("MatMul", [source, stem], [last.output[0]])
        gone |= {node.output[0], cast.output[0]}
    nodes = [replaced.get(n.output[0], n) for n in graph.node if n.output[0] not in gone]
    del graph.node[:]
    graph.node.extend(nodes)
    return cut(model.SerializeToString(), names)


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", nargs="+", type=Path)
    parser.add_argument("--one-in", type=int, default=1, help="leave out the others, by name")
    given = parser.parse_args()
    whole = Backbone()
    usual, backbone.network = backbone.network, in_fractions
    fractions = Backbone()
    head, found, spent = trained(), [], {"whole": [], "fractions": []}
    for path, _, _ in listed(given.lists):
        if int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16) % given.one_in:
            continue
        try:
            picture = Picture.open(path)
        except (ProvenanceError, OSError):
            continue
        if min(picture.width, picture.height) < LEAST:
            continue
        seen, pair = views(picture), []
        for name, network, graph in (
            ("whole", whole, usual),
            ("fractions", fractions, in_fractions),
        ):
            backbone.network = graph
            network.features(seen[:1])  # loads it
            start = time.process_time()
            features = network.features(seen)
            spent[name].append(1000 * (time.process_time() - start) / len(seen))
            pair.append(list(head.readings(features).values()))
        found.append(pair)
    reads = np.array(found)  # pictures × 2 × readings
    means = reads[:, :, :2].mean(axis=2)
    reached = [(reads.min(axis=2) >= level.threshold) for level in head.levels]
    report = {
        "pictures": len(reads),
        "correlation_of_scores": round(float(pearsonr(means[:, 0], means[:, 1])[0]), 4),
        "mean_difference": round(float(np.abs(means[:, 0] - means[:, 1]).mean()), 3),
        "spread_of_scores": round(float(means[:, 1].std()), 3),
        "decisions_that_change": [int((hit[:, 0] != hit[:, 1]).sum()) for hit in reached],
        "cpu_ms_a_view": {name: round(statistics.median(ms), 1) for name, ms in spent.items()},
    }
    (HERE / "rounding.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    replaced("rounding", table(report))


def table(report: dict[str, Any]) -> str:
    """What the card shows."""
    first, second = report["decisions_that_change"]
    time_of = report["cpu_ms_a_view"]
    return "\n".join(
        [
            f"| {report['pictures']} pictures of the collection | |",
            "|---|---|",
            f"| correlation of the scores | {report['correlation_of_scores']} |",
            f"| mean difference, of a spread of {report['spread_of_scores']} | "
            f"{report['mean_difference']} |",
            f"| decisions that change, *generated* and *clearly* | {first} and {second} |",
            f"| CPU ms a view, whole numbers and fractions | {time_of['whole']} and "
            f"{time_of['fractions']} |",
            "",
        ]
    )


if __name__ == "__main__":
    main()
