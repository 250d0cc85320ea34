"""`provenance serve` as a process of its own: it starts, answers, and ends when it is told to."""

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from provenance import home
from provenance.codec.limits import Limits
from provenance.errors import ConfigError, RegistryUnavailable
from provenance.server import run
from provenance.server.limits import ServiceLimits
from provenance_cli.serve import serve

COMMAND = "import typer; from provenance_cli.serve import serve; typer.run(serve)"


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    return home.create(tmp_path_factory.mktemp("serving"), name="test-generator").config


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal(config, ending):
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", COMMAND, "--port", "0", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = process.stderr.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+/", said)[0] + "v1"
        for path in ("/healthz", "/readyz", "/services/supportedAlgorithms", "/openapi.json"):
            answer = httpx.get(url + path, timeout=20, trust_env=False)
            assert answer.status_code == 200
        assert answer.json()["servers"] == [{"url": "/v1"}]
        page = httpx.get(url.removesuffix("v1"), timeout=20, trust_env=False)
        assert "test-generator" in page.text
        process.send_signal(ending)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in rest
    finally:
        process.kill()
        process.wait()


def test_small_answers_are_sent_at_once():
    """Where asyncio does not know that it is TCP, every answer waits 40 ms for a confirmation."""
    with run.listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_limits_are_never_wider_than_configured():
    narrow = Limits(max_bytes=1000, max_pixels=2000, max_side=30)
    assert ServiceLimits.within(narrow).pictures == narrow
    assert ServiceLimits.within(Limits()) == ServiceLimits()


def test_a_port_that_is_taken(config):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} .*choose another"):
            serve(port=port, config=config)


def test_a_host_that_is_not_here(config):
    for host in ("192.0.2.1", "no such host", "a" * 300):
        with pytest.raises(ConfigError, match="choose another --host"):
            serve(host=host, port=0, config=config)


@pytest.mark.parametrize(
    "url",
    ["example.org", "ftp://example.org", "https://", "https://a?b", "https://u:p@a", "http://[::1"],
)
def test_a_public_url_that_is_none(config, url):
    with pytest.raises(ConfigError, match="--public-url"):
        serve(config=config, public_url=url)


@pytest.mark.parametrize(
    "address", ["example.org", "http://example.org", "mailto:", "javascript:x"]
)
def test_an_address_for_feedback_that_is_none(config, address):
    with pytest.raises(ConfigError, match="--feedback"):
        serve(config=config, feedback=address)


def test_a_registry_that_is_damaged(config, tmp_path):
    place = tmp_path / "damaged.db"
    place.write_bytes(b"damaged" * 1000)
    other = config.with_name("damaged.toml")
    other.write_text(config.read_text().replace('"registry.db"', f'"{place}"'))
    with pytest.raises(RegistryUnavailable, match="damaged"):
        serve(port=0, config=other)


@pytest.mark.parametrize("missing", ["uvicorn", "starlette"])
def test_without_the_extra(config, missing):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from provenance_cli.serve import serve\n"
        "from provenance.errors import ConfigError\n"
        "try:\n    serve()\nexcept ConfigError as error:\n    print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == (
        "serving needs packages that are not installed: pip install 'provenance-kit[server]'\n"
    )


def test_nothing_else_needs_the_extra():
    code = (
        "import sys, provenance, provenance_cli.serve, provenance.server.resolution\n"
        "print({'starlette', 'uvicorn', 'anyio', 'h11'} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
