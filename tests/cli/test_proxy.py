"""`provenance proxy` as a process of its own: it starts, answers, and ends when it is told to."""

import asyncio
import base64
import re
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest
from starlette.responses import Response

from provenance import home
from provenance.errors import ConfigError, OutputError
from provenance_cli.proxy import proxy
from tests.proxy.backends import Backend
from tests.proxy.conftest import png
from tests.server.service import serving

COMMAND = "import typer; from provenance_cli.proxy import proxy; typer.run(proxy)"


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return home.create(tmp_path_factory.mktemp("proxy"), name="test-generator").config


def start(config, *more):
    return subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            COMMAND,
            "--port",
            "0",
            "--config",
            str(config),
            *more,
        ],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_it_protects_until_a_signal(config, tmp_path):
    with serving(Backend(png(side=384)).app()) as upstream:
        process = start(config, "--upstream", upstream.url, "--results", str(tmp_path / "r"))
        try:
            said = process.stderr.readline()
            url = re.search(r"http://127\.0\.0\.1:\d+", said)[0]
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
                assert client.get("/readyz").json() == {"status": "ok"}
                wish = {"prompt": "a hill"}
                answer = client.post("/v1/images/generations", json=wish)
                data = base64.b64decode(answer.json()["data"][0]["b64_json"])
                assert b"c2pa" in data
                assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["provenance-watermark"])
                assert answer.headers["x-request-id"]
                metrics = client.get("/.provenance/metrics").text
                assert 'provenance_pictures_total{outcome="protected"} 1.0' in metrics
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
            assert process.returncode == 0
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    "url",
    [
        "example.org",
        "ftp://a",
        "http://",
        "http://u:p@a",
        "http://a?b",
        "http://[::1",
        "http://a b",
    ],
)
def test_an_upstream_that_is_none(config, url):
    with pytest.raises(ConfigError, match="--upstream is"):
        proxy(upstream=url, port=0, config=config)


def test_other_settings_that_are_wrong(config, tmp_path):
    good = {"upstream": "http://127.0.0.1:9", "port": 0, "config": config}
    with pytest.raises(ConfigError, match=r"--public-url is 'example.org'"):
        proxy(**good, public_url="example.org")
    with pytest.raises(ConfigError, match="--trust is 'minio'"):
        proxy(**good, trust=["minio"])
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OutputError, match="file"):
        proxy(**good, results=file)


def test_a_port_that_is_taken(config):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} .*choose another"):
            proxy(upstream="http://127.0.0.1:9", port=port, config=config)


def test_killed_in_the_middle(config):
    """Whoever waits gets nothing, rather than half a picture; the next process goes on."""
    backend = Backend(png(side=384))

    async def late(request, body):
        await asyncio.sleep(1.5)
        return Response(backend.picture, media_type="image/png")

    backend.answers["/slow"] = late
    with serving(backend.app()) as upstream:
        for ending in ("killed", "finished"):
            process = start(config, "--upstream", upstream.url)
            try:
                url = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())[0]
                killing = threading.Timer(1.0, process.kill)
                if ending == "killed":
                    killing.start()
                    with pytest.raises(httpx.TransportError):
                        httpx.get(url + "/slow", timeout=60, trust_env=False)
                else:
                    answer = httpx.get(url + "/slow", timeout=60, trust_env=False)
                    assert b"c2pa" in answer.content
            finally:
                process.kill()
                process.communicate()
