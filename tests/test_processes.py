"""The parts with native handles, after a fork and in many threads. Each runs in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provenance.config import Config
from tests import signed

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

FORKED = """
import os, sys, threading
import numpy as np
from provenance import Config, Picture, Pipeline, Verifier

config = Config.load(sys.argv[1])
pipeline, verifier = Pipeline.from_config(config), Verifier.from_config(config)
y, x = np.mgrid[0:256, 0:256]
noise = np.random.default_rng(3).normal(0, 12, (256, 256, 1))
pixels = np.stack([x / 2 + 60, y / 2 + 60, (x + y) / 4 + 60], axis=-1) + noise
picture = Picture.from_array(pixels.clip(0, 255).astype(np.uint8))

def run():
    asset = pipeline(picture, prompt="a hill")
    because = verifier.verify(asset.data).verdict.because
    return because == ("credentials.trusted", "watermark.found", "recovery.issued")

assert run(), "before"
ready, go = threading.Event(), threading.Event()
def work():
    run()
    ready.set()
    go.wait()
    run()
worker = threading.Thread(target=work)
if "threads" in sys.argv:  # one that has worked, rests while we fork, and goes on
    worker.start()
    ready.wait()
children = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if run() else 1)
    children.append(pid)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0], "in a child"
go.set()
assert run(), "after"
if worker.ident:
    worker.join()
"""

POOL = """
import multiprocessing, sys
from provenance import Config
from provenance.moderate.nudity import NudityClassifier
from tests import signed

classifier = NudityClassifier()
classifier.scores(signed.drawing())

def work(seed):
    score = classifier.scores(signed.drawing(seed))["nudity"]
    return signed.codes(signed.signed(seed=seed).data, *signed.anchors()), 0 <= score <= 1

if __name__ == "__main__":
    expected = work(0)
    assert expected == (["trusted"], True), expected
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert pool.map(work, range(4)) == [expected] * 4
"""


def python(*arguments: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert run.returncode == 0, run.stderr


@needs_fork
@pytest.mark.parametrize("other", ["alone", "threads"])
def test_a_pipeline_that_was_used_works_after_fork(config: Config, other: str):
    python("-c", FORKED, str(config.path), other)


@needs_fork
def test_a_classifier_and_a_signer_work_in_a_forked_pool():
    python("-c", POOL, "fork")


def test_eight_threads_sign_and_verify():
    def work(seed: int) -> list[str]:
        made = signed.signed("PNG" if seed % 2 else "JPEG", seed)
        return signed.codes(made.data, *signed.anchors())

    work(0)  # functools.cache lets threads that come at once make a chain each
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(160)))
    assert found == [["trusted"]] * 160
