"""What an operator sees, and what a client gets beside the application's own answers."""

from __future__ import annotations

import io
import json
import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from provenance import Blocked, Pipeline
from provenance.errors import ConfigError
from provenance.server import access, run, telemetry
from provenance.server.operations import Operations
from provenance.server.settings import ServiceSettings
from provenance.server.traces import Traces
from tests.server.service import serving
from tests.tls import tls_certificate


async def _hello(request: Request) -> JSONResponse:
    logging.getLogger("provenance.server").warning("within")
    return JSONResponse({"id": request.headers["x-request-id"]})


async def _broken(_request: Request) -> PlainTextResponse:
    raise RuntimeError("secret /path")


APP = Starlette(routes=[Route("/hello/{name}", _hello), Route("/broken", _broken)])


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    telemetry.log_to(stream, "json")
    yield stream
    telemetry.log_to(stream, "off")


def lines(log: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def around(**settings) -> tuple[Operations, object]:
    operations = Operations(ServiceSettings(**settings))
    return operations, operations.around(APP, lambda _method, _path: True)


def test_each_request_has_an_id_and_a_line(log: io.StringIO) -> None:
    _, app = around()
    with serving(app) as service, service.client() as client:
        mine = client.get("/hello/world?prompt=secret", headers={"X-Request-ID": "abc-1"})
        other = client.get("/hello/world", headers={"X-Request-ID": "a b\tc"})
    assert mine.headers["X-Request-ID"] == mine.json()["id"] == "abc-1"
    assert other.headers["X-Request-ID"] == other.json()["id"] != "a b\tc"
    told = [line for line in lines(log) if line["logger"] == "provenance.access"]
    assert [line["status"] for line in told] == [200, 200]
    assert told[0]["path"] == "/hello/world"
    assert {line["request_id"] for line in lines(log)} == {"abc-1", other.json()["id"]}
    assert "secret" not in log.getvalue()


def test_a_path_cannot_forge_a_line(log: io.StringIO) -> None:
    _, app = around()
    with serving(app) as service, service.client() as client:
        client.get("/hello/a%0a%1b[31mGET%20/forged%20200")
    (told,) = [line for line in lines(log) if line["logger"] == "provenance.access"]
    assert told["path"] == "/hello/a??[31mGET /forged 200"


def test_metrics_count_routes_and_not_paths(log: io.StringIO) -> None:
    _, app = around()
    with serving(app) as service, service.client() as client:
        for n in range(3):
            client.get(f"/hello/{n}")
        client.request("BREW", "/elsewhere")
        text = client.get("/metrics").text
    assert 'provenance_requests_total{method="GET",route="/hello/{name}",status="200"} 3.0' in text
    assert 'provenance_requests_total{method="other",route="other",status="404"} 1.0' in text
    assert "elsewhere" not in text


def test_pictures_and_stages_are_counted(pipeline: Pipeline, scene: np.ndarray) -> None:
    operations, app = around(log="off")
    operations.protected(pipeline(scene))
    operations.refused(Blocked("nudity", 0.9, 0.5, "standard@1"))
    operations.refused(RuntimeError())
    with serving(app) as service, service.client() as client:
        text = client.get("/metrics").text
    for outcome in ("protected", "blocked", "failed"):
        assert f'provenance_pictures_total{{outcome="{outcome}"}} 1.0' in text
    assert 'provenance_stage_seconds_count{stage="watermark"} 1.0' in text


def test_where_keys_are_needed_metrics_need_one(tmp_path: Path, log: io.StringIO) -> None:
    key = access.add(tmp_path / "clients", "painter")
    _, app = around(clients=tmp_path / "clients")
    with serving(app) as service, service.client() as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/hello/1").status_code == 401
        assert client.get("/hello/1", headers={"X-Provenance-Key": key}).status_code == 200
    assert [line.get("client") for line in lines(log) if "status" in line][-1] == "painter"
    assert key not in log.getvalue()


def test_other_origins_read_what_they_may(log: io.StringIO) -> None:
    _, app = around(cors_origins=("https://a.example",))
    with serving(app) as service, service.client() as client:
        mine = client.get("/hello/1", headers={"Origin": "https://a.example"})
        other = client.get("/hello/1", headers={"Origin": "https://b.example"})
    assert mine.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "Access-Control-Allow-Origin" not in other.headers


def test_spans_follow_the_caller_and_show_the_stages(
    pipeline: Pipeline, scene: np.ndarray, log: io.StringIO
) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    operations = Operations(ServiceSettings(), Traces(provider))
    asset = pipeline(scene)

    async def protect(_request: Request) -> PlainTextResponse:
        operations.protected(asset)
        return PlainTextResponse("done")

    app = operations.around(Starlette(routes=[Route("/", protect)]), lambda _m, _p: False)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with serving(app) as service, service.client() as client:
        client.get("/", headers={"traceparent": parent})
    found = spans.get_finished_spans()
    assert {f"{span.context.trace_id:032x}" for span in found} == {parent.split("-")[1]}
    assert "provenance watermark" in {span.name for span in found}
    operations.close()


def test_tls_and_certificates_of_clients(tmp_path: Path, log: io.StringIO) -> None:
    certificate, key = tls_certificate(tmp_path)
    settings = ServiceSettings(
        tls_certificate=certificate, tls_key=key, tls_client_ca=certificate, log="off"
    )
    app = Operations(settings).around(APP, lambda _method, _path: False)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serving(app, settings) as service:
        url = service.url.replace("http:", "https:") + "/hello/1"
        with pytest.raises(httpx.HTTPError):
            httpx.get(url, verify=trusting, trust_env=False)
        trusting.load_cert_chain(certificate, key)
        assert httpx.get(url, verify=trusting, trust_env=False).status_code == 200


def test_a_key_that_is_none_is_said_before_listening(tmp_path: Path) -> None:
    certificate, _ = tls_certificate(tmp_path)
    settings = ServiceSettings(tls_certificate=certificate, tls_key=certificate)
    with pytest.raises(ConfigError, match="TLS certificate, key or client CA"):
        run.server(APP, settings)


def test_a_fault_of_ours_tells_its_trace_to_the_log_alone(log: io.StringIO) -> None:
    _, app = around()
    with serving(app) as service, service.client() as client:
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
