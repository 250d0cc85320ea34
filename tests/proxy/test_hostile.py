"""Clients and upstreams that lie, flood, stall or leave. No unmarked picture, a short answer."""

import asyncio
import base64
import contextlib
import gzip
import io
import json
import socket
import struct
import threading
import time
import zlib

import httpx
import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from provenance.errors import OutputError, RegistryUnavailable
from provenance.proxy.app import create_proxy, needs_key
from provenance.proxy.limits import ProxyLimits
from tests.proxy.backends import Backend, events
from tests.proxy.conftest import png, staged
from tests.server.service import serving

GENERATE = "/v1/images/generations"
WISH = {"prompt": "a hill"}


def refused(answer, status: int, code: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert code is None or error["code"] == code
    return error["message"]


class TestClients:
    """What they send."""

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (b"{", "application/json"),
            (b'{"prompt": "a", "prompt": "forbidden"}', "application/json"),
            (b'{"x": {"a": 1, "a": 2}, "prompt": "a"}', "application/json"),
            ('{"prompt": "forbidden"}'.encode("utf-16"), "application/json"),
            (b'\xef\xbb\xbf{"prompt": "forbidden"}', "application/json"),
            (b'{"prompt": "\xff"}', "application/json"),
            (b"[" * 100_000, "application/json"),
            (b'{"prompt": "a", "x": ' + b"[" * 500 + b"]" * 500 + b"}", "application/json"),
            (b'{"prompt": ' + b"9" * 10_000 + b"}", "application/json"),
            (b"[]", "application/json"),
            (b"null", "application/json"),
            (b"prompt=a", "multipart/form-data"),
            (b"prompt=a", "multipart/form-data; boundary=x"),
            (b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na hi',
             "multipart/form-data; boundary=x"),
            (b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n'
             b"Content-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--x--\r\n",
             "multipart/form-data; boundary=x"),
            (b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n'
             b'Content-Disposition: form-data; name="other"\r\n\r\nforbidden\r\n--x--\r\n',
             "multipart/form-data; boundary=x"),
            (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\na\r\n' * 1500 + b"--x--\r\n",
             "multipart/form-data; boundary=x"),
            (b"prompt=%ff", "application/x-www-form-urlencoded"),
            (b"a&" * 2000, "application/x-www-form-urlencoded"),
            (b"a hill", "text/plain"),
            (b"", "application/json"),
            (json.dumps({"prompt": "a" * 200_000}).encode(), "application/json"),
        ],
    )  # fmt: skip
    def test_bodies_that_are_none(self, stage, client, body, kind):
        answer = client.post(GENERATE, content=body, headers={"Content-Type": kind})
        assert answer.status_code in (400, 415)
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert stage.backend.asked == []

    def test_words_under_another_type(self, stage, client):
        """Servers read JSON whatever it is called."""
        for kind in ("text/plain", "application/octet-stream", "image/png", ""):
            body = b' {"prompt": "forbidden"}'
            answer = client.post(GENERATE, content=body, headers={"Content-Type": kind})
            refused(answer, 400, "content_policy_violation")
        assert stage.backend.asked == []

    def test_compressed_bodies(self, stage, client):
        body = gzip.compress(b'{"prompt": "forbidden"}')
        answer = client.post(GENERATE, content=body, headers={"Content-Encoding": "gzip"})
        refused(answer, 415)
        assert stage.backend.asked == []

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/../../etc/passwd",
            "/v1/%2e%2e/x",
            "/v1/%252e%252e/x",
            "/v1/..%5cx",
            "/v1/..%2fx",
            "/./v1/models",
            "/v1/models%00.png",
            "http://elsewhere/v1/models",
        ],
    )
    def test_paths_that_lead_elsewhere(self, stage, path):
        answer = stage.proxy.raw(
            f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
        )
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
        assert stage.backend.asked == []

    def test_paths_pass_as_they_are_written(self, stage):
        stage.proxy.raw(
            b"GET //v1//models/%41?a=%2e%2e HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        assert stage.backend.asked[0][0] == "//v1//models/A"

    def test_hosts_do_not_get_into_addresses(self, stage):
        body = json.dumps({**WISH, "response_format": "url"}).encode()
        head = (
            f"POST {GENERATE} HTTP/1.1\r\nHost: evil/x?y#\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        answer = stage.proxy.raw(head.encode() + body)
        assert b'"url":"/.provenance/results/' in answer

    def test_announced_too_much(self, stage):
        head = f"POST {GENERATE} HTTP/1.1\r\nHost: a\r\nContent-Length: {10**12}\r\n\r\n"
        assert stage.proxy.raw(head.encode(), answers=1).startswith(b"HTTP/1.1 413 ")

    def test_chunks_without_end(self, config):
        limits = ProxyLimits(max_request=50_000)
        with staged(config, limits=limits) as stage:
            head = f"POST {GENERATE} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            chunk = b"2710\r\n" + bytes(10_000) + b"\r\n"
            answer = stage.proxy.raw(head.encode(), chunk * 6, answers=1)
            assert answer.startswith(b"HTTP/1.1 413 ")

    def test_slow_bodies(self, config):
        with staged(config, limits=ProxyLimits(body_seconds=0.5)) as stage:
            head = f"POST {GENERATE} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{"
            assert stage.proxy.raw(head.encode(), answers=1).startswith(b"HTTP/1.1 408 ")

    def test_bodies_share_a_memory(self, config):
        with staged(config, limits=ProxyLimits(memory=10_000)) as stage, stage.client() as client:
            answer = client.post(GENERATE, json={**WISH, "x": "a" * 20_000})
            refused(answer, 503)
            assert "retry-after" in answer.headers

    def test_truncated_base64(self, stage, client):
        source = base64.b64encode(png(1)).decode()[:300]
        answer = client.post("/v1/images/edits", json={**WISH, "image": source})
        assert "cannot be used" in refused(answer, 400)
        assert stage.backend.asked == []

    def test_leaving(self, stage, client, monkeypatch):
        """What nobody waits for is dropped, at the upstream as well, and nothing is recorded."""
        left = threading.Event()

        async def answer(request, body):
            async def pieces():
                try:
                    while True:
                        yield b" "
                        await asyncio.sleep(0.01)
                finally:
                    left.set()

            return StreamingResponse(pieces(), media_type="application/json")

        stage.backend.answers[GENERATE] = answer
        body = json.dumps(WISH).encode()
        head = f"POST {GENERATE} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(stage.proxy.address, timeout=5) as gone:
            gone.sendall(head.encode() + body)
            time.sleep(0.3)
        assert left.wait(5)
        del stage.backend.answers[GENERATE]
        assert client.post(GENERATE, json=WISH).status_code == 200
        assert len(stage.kept.ids) == 1


class TestUpstreams:
    """What they answer."""

    def test_none_is_there(self, config, stage):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            address = closed.getsockname()
        app = create_proxy(stage.pipeline, f"http://127.0.0.1:{address[1]}")
        with serving(app) as proxy, proxy.client() as client:
            message = refused(client.post(GENERATE, json=WISH), 502, "upstream_unavailable")
            assert str(address[1]) not in message
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200

    @pytest.mark.parametrize("pause", ["before", "within"])
    def test_slow(self, config, pause):
        async def answer(request, body):
            if pause == "before":
                await asyncio.sleep(3)

            async def pieces():
                yield b'{"data"'
                await asyncio.sleep(3)

            return StreamingResponse(pieces(), media_type="application/json")

        with (
            staged(config, limits=ProxyLimits(upstream_seconds=0.5)) as stage,
            stage.client() as client,
        ):
            stage.backend.answers[GENERATE] = answer
            refused(client.post(GENERATE, json=WISH), 504, "upstream_timeout")

    def test_drops_for_ever(self, config):
        async def answer(request, body):
            async def pieces():
                while True:
                    yield b" "
                    await asyncio.sleep(0.05)

            return StreamingResponse(pieces(), media_type="application/json")

        with (
            staged(config, limits=ProxyLimits(answer_seconds=0.5)) as stage,
            stage.client() as client,
        ):
            stage.backend.answers[GENERATE] = answer
            refused(client.post(GENERATE, json=WISH), 504, "upstream_timeout")

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"garbage\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
        ],
    )
    def test_no_http(self, stage, said):
        def serve(listener):
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(said)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=serve, args=(listener,), daemon=True).start()
            app = create_proxy(stage.pipeline, f"http://127.0.0.1:{listener.getsockname()[1]}")
            with serving(app) as proxy, proxy.client() as client:
                assert client.post(GENERATE, json=WISH).status_code == 502
            listener.shutdown(socket.SHUT_RDWR)

    @pytest.mark.parametrize(
        "body",
        [
            gzip.compress(bytes(200_000_000)),
            gzip.compress(b'{"a": "' + b"a" * 200_000_000 + b'"}'),
            gzip.compress(png()) + gzip.compress(png()),
            gzip.compress(png())[:-20],
        ],
    )
    def test_compression_bombs(self, config, body):
        limits = ProxyLimits(max_answer=1_000_000)
        with staged(config, limits=limits) as stage, stage.client() as client:
            stage.backend.answers["/any"] = Response(
                body, media_type="application/json", headers={"Content-Encoding": "gzip"}
            )
            assert client.get("/any").status_code == 502
            assert stage.assets == []

    def test_picture_bombs(self, stage, client):
        head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)

        def chunk(name, data):
            return (
                struct.pack(">I", len(data))
                + name
                + data
                + struct.pack(">I", zlib.crc32(name + data))
            )

        rows = zlib.compress(bytes(1_000_000))
        stage.backend.picture = (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
        )
        begun = time.monotonic()
        answer = client.post(GENERATE, json=WISH)
        assert "limit" in refused(answer, 502, "upstream_answer_refused")
        assert time.monotonic() - begun < 5

    def test_too_long(self, config):
        limits = ProxyLimits(max_answer=100_000)
        with staged(config, limits=limits) as stage, stage.client() as client:
            for kind in ("application/json", "image/png", "text/plain"):
                stage.backend.answers["/any"] = Response(b" " * 200_000, media_type=kind)
                assert client.get("/any").status_code == 502
            stage.backend.answers["/any"] = Response(
                b"data: " + b"a" * 200_000, media_type="text/event-stream"
            )
            assert "not passed on" in client.get("/any").text

    def test_many_pictures(self, stage, client):
        stage.backend.answers["/any"] = JSONResponse([stage.backend.b64] * 2000)
        assert client.get("/any").status_code == 502
        assert stage.kept.ids == []

    def test_redirects_to_loopback(self, stage, client):
        """From the upstream's own origin, which is trusted, to another that is not."""
        visited = []

        async def other(request, body):
            visited.append(1)
            return Response(png(), media_type="image/png")

        hidden = Backend(png())
        hidden.answers["/secret.png"] = other
        with serving(hidden.app()) as inside:
            for where in (inside.url, inside.url.replace("http", "https")):
                stage.backend.answers["/files/b.png"] = RedirectResponse(where + "/secret.png")
                url = stage.upstream.url + "/files/b.png"
                stage.backend.answers[GENERATE] = JSONResponse({"data": [{"url": url}]})
                refused(client.post(GENERATE, json=WISH), 502, "upstream_unavailable")
        assert visited == []

    def test_redirects_in_a_circle(self, stage, client):
        url = stage.upstream.url + "/files/b.png"
        stage.backend.answers["/files/b.png"] = RedirectResponse(url)
        stage.backend.answers[GENERATE] = JSONResponse({"data": [{"url": url}]})
        assert "redirects" in refused(client.post(GENERATE, json=WISH), 502)

    def test_addresses_that_give_too_much_or_too_slowly(self, config):
        async def endless(request, body):
            async def pieces():
                while True:
                    yield bytes(10_000)
                    await asyncio.sleep(0.01)

            return StreamingResponse(pieces(), media_type="image/png")

        for limits in (ProxyLimits(max_picture=50_000), ProxyLimits(fetch_seconds=0.5)):
            with staged(config, limits=limits) as stage, stage.client() as client:
                stage.backend.answers["/files/b.png"] = endless
                url = stage.upstream.url + "/files/b.png"
                stage.backend.answers[GENERATE] = JSONResponse({"data": [{"url": url}]})
                assert client.post(GENERATE, json=WISH).status_code in (502, 504)

    def test_a_stream_that_breaks_off(self, stage, client):
        async def answer(request, body):
            async def pieces():
                yield b'data: {"a": 1}\n\n'
                await asyncio.sleep(0.5)
                raise OSError

            return StreamingResponse(pieces(), media_type="text/event-stream")

        stage.backend.answers["/any"] = answer
        text = client.get("/any").text
        assert text.startswith('data: {"a": 1}\n\nevent: error\n')

    def test_unknown_events_with_pictures(self, stage, client):
        stage.backend.answers["/any"] = events(
            {"type": "surprise", "deep": [{"x": stage.backend.b64}]},
            f"words {stage.backend.data_url}",
        )
        text = client.get("/any").text
        assert stage.backend.b64 not in text
        one, two = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
        assert stage.ours(base64.b64decode(json.loads(one)["deep"][0]["x"]))
        assert stage.ours(base64.b64decode(two.partition("base64,")[2]))

    def test_events_that_hide_a_picture(self, stage, client):
        text = stage.backend.b64
        half = len(text) // 2
        for hidden in (
            f": {text}\n\n",
            f"id: {text}\n\n",
            f"event: {text}\ndata: 1\n\n",
            f"data: {text[:half]}\ndata: {text[half:]}\n\n",
            f'data: ["{text}"\n\n',
            "".join(f"data: {text[at : at + 64]}\n\n" for at in range(0, len(text), 64)),
        ):
            stage.backend.answers["/any"] = Response(hidden, media_type="text/event-stream")
            got = client.get("/any").text
            assert text[200:260] not in got


class TestOurselves:
    """What goes wrong here."""

    def test_the_registry_is_down(self, stage, client, caplog):
        stage.kept.fails = RegistryUnavailable("postgresql://secret@db is away")
        answer = client.post(GENERATE, json=WISH)
        assert "secret" not in refused(answer, 503, "registry_unavailable")
        assert "retry-after" in answer.headers

    def test_the_disk_is_full(self, config, monkeypatch, tmp_path):
        from provenance.proxy import store

        results = store.Results(tmp_path / "results")

        def full(*args, **options):
            raise OutputError("the disk is full")

        monkeypatch.setattr(store, "write_atomically", full)
        with staged(config, results=results) as stage, stage.client() as client:
            answer = client.post(GENERATE, json={**WISH, "response_format": "url"})
            assert "disk" not in refused(answer, 500, "protection_failed")
            assert list((tmp_path / "results").iterdir()) == []

    def test_the_mark_is_lost(self, stage, client):
        """The fake mark does not survive JPEG, so the reading back fails."""
        stage.backend.picture = png(kind="JPEG")
        refused(client.post(GENERATE, json=WISH), 500, "protection_failed")
        assert client.get("/picture").status_code == 500
        assert stage.kept.ids == []

    def test_too_many_at_once(self, config):
        async def answer(request, body):
            await asyncio.sleep(1.5)
            return JSONResponse({"ok": 1})

        limits = ProxyLimits(requests=2, workers=1)
        with staged(config, limits=limits) as stage:
            stage.backend.answers[GENERATE] = answer

            async def ask(client):
                return await client.post(GENERATE, json=WISH)

            async def flood():
                async with httpx.AsyncClient(base_url=stage.proxy.url, trust_env=False) as client:
                    return await asyncio.gather(*(ask(client) for _ in range(5)))

            answers = asyncio.run(flood())
            assert sorted(a.status_code for a in answers) == [200, 200, 503, 503, 503]
            assert len(stage.backend.asked) == 2
            assert all("retry-after" in a.headers for a in answers if a.status_code == 503)
            with stage.client() as client:
                assert client.get("/v1/models").status_code == 200

    def test_what_was_begun_is_finished(self, config):
        got: list[httpx.Response] = []

        async def answer(request, body):
            await asyncio.sleep(1)
            return Response(png(), media_type="image/png")

        with staged(config) as stage:
            stage.backend.answers["/slow"] = answer
            app = create_proxy(stage.pipeline, stage.upstream.url)
            with serving(app) as proxy:

                def ask():
                    with proxy.client() as client:
                        got.append(client.get("/slow"))

                asking = threading.Thread(target=ask)
                asking.start()
                time.sleep(0.5)
            asking.join(10)
            assert stage.ours(got[0].content)

    def test_a_thousand_small_ones(self, stage):
        async def ask(client, n):
            if n % 25 == 0:
                return await client.post(GENERATE, json={"prompt": f"hill {n}"})
            if n % 4 == 1:
                return await client.post(GENERATE, json={"prompt": "forbidden"})
            return await client.get("/v1/models" if n % 4 == 2 else "/picture")

        async def flood():
            limits = httpx.Limits(max_connections=100)
            async with httpx.AsyncClient(
                base_url=stage.proxy.url, timeout=300, limits=limits, trust_env=False
            ) as client:
                return await asyncio.gather(*(ask(client, n) for n in range(1000)))

        answers = asyncio.run(flood())
        for n, answer in enumerate(answers):
            assert answer.status_code == (400 if n % 25 and n % 4 == 1 else 200)
            if n % 25 == 0:
                assert stage.ours(base64.b64decode(answer.json()["data"][0]["b64_json"]))
        pictures = {a.content for a in answers if a.headers["content-type"] == "image/png"}
        assert all(stage.ours(each) for each in pictures)

    def test_large_answers_do_not_hold_up_others(self, stage):
        """Four pictures of 2 MB in one answer."""
        import numpy as np
        from PIL import Image

        noise = np.random.default_rng(1).integers(0, 255, (800, 800, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(noise).save(buffer, "PNG")
        stage.backend.picture = buffer.getvalue()
        with stage.client() as client:
            client.post(GENERATE, json=WISH)
            stage.proxy.longest = 0.0
            answer = client.post(GENERATE, json={**WISH, "n": 4})
        assert answer.status_code == 200
        assert len(answer.content) > 10_000_000
        assert stage.proxy.longest < 0.5  # a loaded machine; quiet ones stay far below 0.05


class TestReadDifferently:
    """Requests that we and the upstream could understand in two ways."""

    BOTH = b'{"prompt": "forbidden", "x": "&prompt=nice"}'

    @pytest.mark.parametrize("connection", ["close", "content-type"])
    def test_json_that_is_called_a_form(self, stage, client, connection):
        kind = "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, "Connection": connection}
        refused(client.post(GENERATE, content=self.BOTH, headers=headers), 400)
        assert stage.backend.asked == []

    def test_types_stay_whatever_connection_says(self, stage, client):
        client.post(GENERATE, json=WISH, headers={"Connection": "content-type, x-mine"})
        assert (b"content-type", b"application/json") in stage.backend.heads[0]

    def test_two_types(self, stage, client):
        headers = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
        refused(client.post(GENERATE, content=b'{"prompt": "a"}', headers=headers), 400)
        assert stage.backend.asked == []

    def test_two_boundaries(self, stage, client):
        part = b'Content-Disposition: form-data; name="prompt"\r\n\r\n'
        body = b"--a\r\n" + part + b"nice\r\n--a--\r\n--b\r\n" + part + b"forbidden\r\n--b--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=b; boundary=a"}
        refused(client.post("/v1/images/edits", content=body, headers=headers), 400)
        assert stage.backend.asked == []

    def test_a_boundary_with_that_word_in_it(self, client):
        """Chromium's."""
        body = b'--boundary=x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nnice\r\n'
        headers = {"Content-Type": 'multipart/form-data; boundary="boundary=x"'}
        answer = client.post(
            "/v1/images/edits", content=body + b"--boundary=x--\r\n", headers=headers
        )
        assert answer.status_code == 200, answer.text


class TestOwnPaths:
    """What is the proxy's is never asked of the upstream, and needs a key where it does more."""

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    @pytest.mark.parametrize(
        "path", ["/healthz", "/.provenance", "/.provenance/readyz", "/.provenance/results/x"]
    )
    def test_other_methods(self, stage, client, method, path):
        refused_with = client.request(method, path, json=WISH)
        assert refused_with.status_code == 405
        assert stage.backend.asked == []
        assert needs_key(method, path)

    def test_reading_needs_no_key(self):
        assert not needs_key("GET", "/.provenance/results/x")
        assert not needs_key("HEAD", "/healthz")
        assert needs_key("GET", "/v1/models")


class TestLeftOpen:
    """Small things that clients read more generously than we did."""

    def test_redirects_to_a_host_without_a_scheme(self, stage, client):
        async def away(_request, _body):
            return RedirectResponse(stage.upstream.url + "//evil.example/x")

        stage.backend.answers["/away"] = away
        refused(client.get("/away"), 502)

    def test_base64_among_words(self, stage, client):
        said = f"Here it is: {stage.backend.b64}"
        stage.backend.answers["/v1/chat/completions"] = JSONResponse({"choices": [said]})
        body = {"messages": [{"role": "user", "content": "hello"}]}
        answer = client.post("/v1/chat/completions", json=body)
        refused(answer, 502, "upstream_answer_refused")
        assert stage.backend.b64[:64] not in answer.text

    def test_addresses_with_white_space_around(self, stage, client):
        link = f" {stage.upstream.url}/files/a.png\n"
        stage.backend.answers[GENERATE] = JSONResponse({"data": [{"url": link}]})
        answer = client.post(GENERATE, json=WISH).json()
        assert "/.provenance/results/" in answer["data"][0]["url"]

    @pytest.mark.parametrize("cut", [1, 3, 20])
    def test_a_byte_order_mark_before_the_first_event(self, stage, client, cut):
        url = f"{stage.upstream.url}/files/a.png"
        whole = b"\xef\xbb\xbfdata: " + json.dumps({"data": [{"url": url}]}).encode() + b"\n\n"

        async def pieces():
            for piece in (whole[:cut], whole[cut:]):
                yield piece
                await asyncio.sleep(0.05)

        async def marked(_request, _body):
            return StreamingResponse(pieces(), media_type="text/event-stream")

        stage.backend.answers[GENERATE] = marked
        answer = client.post(GENERATE, json=WISH)
        assert "/.provenance/results/" in answer.text
