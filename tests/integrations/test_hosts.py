"""The recipes of docs/hosts.md, in BentoML and in Ray Serve. Each needs its framework."""

from __future__ import annotations

import socket
import warnings
from pathlib import Path

import httpx
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.filterwarnings("ignore")  # the frameworks' own


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def configured(config, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(config.path))
    monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "True")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")


def test_bentoml(configured, pipeline):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bentoml = pytest.importorskip("bentoml")
        port = free_port()
        with bentoml.serve(f"{EXAMPLES / 'bentoml_service.py'}:Painter", port=port):
            paint = f"http://127.0.0.1:{port}/paint"
            made = httpx.post(paint, json={"prompt": "a castle"}, timeout=60)
            refused = httpx.post(paint, json={"prompt": "a pool of blood"}, timeout=60)
    assert made.headers["content-type"] == "image/png"
    assert pipeline.issued(made.content)
    assert refused.status_code == 400 and "the prompt was refused by policy" in refused.text


def test_ray_serve(configured, config, pipeline, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray = pytest.importorskip("ray")
        serve = pytest.importorskip("ray.serve")
        monkeypatch.syspath_prepend(EXAMPLES)
        monkeypatch.setenv("PYTHONPATH", str(EXAMPLES))  # for the replicas
        import ray_serve_app

        port = free_port()
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            serve.start(http_options={"port": port})
            serve.run(ray_serve_app.Painter.bind(str(config.path)))
            url = f"http://127.0.0.1:{port}/"
            made = httpx.get(url, params={"prompt": "a castle"}, timeout=60)
            refused = httpx.get(url, params={"prompt": "a pool of blood"}, timeout=60)
        finally:
            serve.shutdown()
            ray.shutdown()
    assert made.headers["content-type"] == "image/png"
    assert pipeline.issued(made.content)
    assert refused.status_code == 400 and "the prompt was refused by policy" in refused.text
