"""What passes, how, and what never does: answers of every kind, on any route."""

import base64
import gzip
import json
import time
import zlib

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from provenance.proxy.app import create_proxy
from tests.proxy.backends import Backend, events
from tests.proxy.conftest import png, staged
from tests.server.service import serving

B64 = base64.b64encode(png()).decode()


def answer_with(stage, content, media_type=None, path="/any", **options):
    stage.backend.answers[path] = Response(content, media_type=media_type, **options)


class TestPictures:
    def test_plain(self, stage, client):
        answer = client.get("/picture")
        assert stage.ours(answer.content)
        assert answer.headers["x-seed"] == "7"
        assert "etag" not in answer.headers
        assert answer.headers["content-length"] == str(len(answer.content))

    def test_the_same_file_is_the_same_asset(self, stage, client):
        assert client.get("/picture").content == client.get("/picture").content
        assert len(stage.assets) == 1

    def test_words_in_the_query(self, stage, client):
        assert stage.ours(client.get("/picture?prompt=a+hill").content)
        assert client.get("/picture?prompt=forbidden").status_code == 400
        assert len(stage.backend.asked) == 1

    @pytest.mark.parametrize(
        "said", ["text/plain", "application/json", "application/octet-stream", "video/mp4", None]
    )
    def test_lies_about_the_type(self, stage, client, said):
        answer_with(stage, png(), said)
        answer = client.get("/any")
        assert stage.ours(answer.content)
        assert answer.headers["content-type"] == "image/png"

    def test_parts_are_never_asked_for(self, stage, client):
        answer = client.get("/picture", headers={"Range": "bytes=100-"})
        assert answer.status_code == 200
        assert stage.ours(answer.content)
        assert b"range" not in dict(stage.backend.heads[0])

    def test_parts_that_come_all_the_same(self, stage, client):
        answer_with(stage, png()[100:], "application/octet-stream", status_code=206,
                    headers={"Content-Range": "bytes 100-200/300"})  # fmt: skip
        assert client.get("/any").status_code == 502

    def test_compressed(self, stage, client):
        for coding, data in (("gzip", gzip.compress(png())), ("deflate", zlib.compress(png()))):
            answer_with(stage, data, "image/png", headers={"Content-Encoding": coding})
            answer = client.get("/any")
            assert stage.ours(answer.content)
            assert "content-encoding" not in answer.headers
        assert dict(stage.backend.heads[0])[b"accept-encoding"] == b"identity"

    def test_in_an_error(self, stage, client):
        answer_with(stage, json.dumps({"detail": "no", "image": B64}), "application/json",
                    status_code=500)  # fmt: skip
        answer = client.get("/any")
        assert answer.status_code == 500
        assert stage.ours(base64.b64decode(answer.json()["image"]))

    def test_in_a_form(self, stage, client):
        body = b"--b\r\nContent-Type: image/png\r\n\r\n" + png() + b"\r\n--b--\r\n"
        answer_with(stage, body, 'multipart/mixed; boundary="b"')
        answer = client.get("/any")
        assert stage.ours(answer.content.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n--b--\r\n"))

    def test_on_a_page(self, stage, client):
        answer_with(stage, f'<p>Hi</p><img src="data:image/png;base64,{B64}">', "text/html")
        text = client.get("/any").text
        assert text.startswith("<p>Hi</p><img ")
        assert stage.ours(base64.b64decode(text.partition("base64,")[2].partition('"')[0]))

    def test_in_lines(self, stage, client):
        body = b'{"done":false}\n' + json.dumps({"image": B64}).encode() + b'\n{"done":true}\n'
        answer_with(stage, body, "application/x-ndjson")
        lines = client.get("/any").text.splitlines()
        assert (lines[0], lines[2]) == ('{"done":false}', '{"done":true}')
        assert stage.ours(base64.b64decode(json.loads(lines[1])["image"]))

    def test_in_documents_inside_texts(self, stage, client):
        said = {"tool": json.dumps({"deep": json.dumps({"image": B64})}), "said": 'a "word"'}
        answer_with(stage, json.dumps(said), "application/json")
        deep = json.loads(json.loads(client.get("/any").json()["tool"])["deep"])
        assert stage.ours(base64.b64decode(deep["image"]))

    def test_json_by_another_name(self, stage, client):
        for said in ("text/plain", "application/octet-stream", None, "text/html"):
            answer_with(stage, json.dumps({"a": [B64]}), said)
            assert stage.ours(base64.b64decode(client.get("/any").json()["a"][0]))
            assert B64 not in client.get("/any").text

    def test_with_a_head_alone(self, stage, client):
        answer = client.head("/picture")
        assert "content-length" not in answer.headers or answer.headers["content-length"] == "0"
        assert "etag" not in answer.headers


class TestRefused:
    """Nothing of these can be marked, or nobody can tell."""

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"\0\0\0\x20ftypisom\0\0\2\0" + bytes(100), "video/mp4"),
            (b"\0\0\0\x20ftypisom\0\0\2\0" + bytes(100), "application/octet-stream"),
            (b"PK\x03\x04" + bytes(100), "application/octet-stream"),
            (b"\x1f\x8b\x08" + bytes(100), None),
            (b"%PDF-1.7" + bytes(100), "application/pdf"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "text/plain"),
            (b"\x93NUMPY" + bytes(100), "application/octet-stream"),
            (b"not a picture", "image/png"),
            (b"", "image/jxl"),
            (b"\xff\x0a" + bytes(100), "image/jxl"),
            (png()[:200], "image/png"),
            (b"junk" + png(), "application/octet-stream"),
            (b"x = '" + B64.encode() + b"'", "text/javascript"),
            (b"a{background:url(data:image/png;base64," + B64.encode() + b")}", "text/css"),
            (json.dumps({"a": B64[:200]}).encode(), "application/json"),
            (('{"a": "' + B64 + '", "a": ""}').encode(), "application/json"),
            (('{"a": "' + B64 + '"').encode(), "application/json"),
            (json.dumps({B64: 1}).encode(), "application/json"),
            (b'{"x": ' + b"[" * 500 + f'"{B64}"'.encode() + b"]" * 500 + b"}", "application/json"),
            (json.dumps({"x": json.dumps({"a": B64[:900]})}).encode(), "application/json"),
        ],
    )
    def test_it(self, stage, client, content, said):
        answer_with(stage, content, said)
        answer = client.get("/any")
        if content:
            assert answer.status_code == 502
            assert answer.json()["error"]["code"] == "upstream_answer_refused"
        assert png()[60:90] not in answer.content
        assert B64[100:140] not in answer.text
        assert stage.assets == []

    def test_one_bad_picture_of_two(self, stage, client):
        answer_with(stage, json.dumps([B64, B64[:300]]), "application/json")
        assert client.get("/any").status_code == 502
        assert stage.kept.ids == []

    @pytest.mark.parametrize(
        "where",
        ["http://127.0.0.1:9/a.png", "https://cdn.example.org/a.png", "//x/y", "http://[::1"],
    )
    def test_redirects_to_somewhere_else(self, stage, client, where):
        stage.backend.answers["/any"] = Response(status_code=302, headers={"Location": where})
        assert client.get("/any").status_code == 502

    def test_redirects_at_home(self, stage, client):
        for where in ("/picture", stage.upstream.url + "/picture", "picture"):
            stage.backend.answers["/any"] = RedirectResponse(where)
            answer = client.get("/any")
            assert (answer.status_code, answer.headers["location"]) == (307, "/picture")

    def test_upgrades_and_strange_methods(self, stage, client):
        assert client.request("TRACE", "/any").status_code == 405
        assert client.get("/any", headers={"Upgrade": "h2c"}).status_code == 501
        assert stage.backend.asked == []


class TestUntouched:
    """No picture in it: not a byte is another one."""

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b'{"a" : [1, 2.50, 1e400, "\\u00e9"],\r\n "b":null }', "application/json"),
            (b"<html><body>hi</body></html>", "text/html; charset=utf-8"),
            (b"body{color:red}", "text/css"),
            (b"ID3\x04" + bytes(500), "audio/mpeg"),
            (b"RIFF\x24\0\0\0WAVEfmt " + bytes(500), "audio/wav"),
            (b"wOF2" + bytes(500), "font/woff2"),
            (b"", None),
            (b"\n\n  \n", "text/plain"),
            (b'{"unfinished": ', "application/json"),
            (b"plain words", None),
            (b'data: {"a":"Hi"}\r\n\r\n: ping\r\n\r\ndata: [DONE]\r\n\r\n', "text/event-stream"),
            (b"data: no end", "text/event-stream"),
            (b'{"a":1}\n{"b":2}', "application/x-ndjson"),
        ],
    )  # fmt: skip
    def test_it(self, stage, client, content, said):
        answer_with(stage, content, said, headers={"ETag": '"e"', "Last-Modified": "then"})
        answer = client.get("/any")
        assert answer.status_code == 200
        assert answer.content == content
        assert answer.headers.get("content-type") == said or said is None or "text/" in said
        if said != "text/event-stream":
            assert answer.headers.get("etag") in ('"e"', None)

    def test_headers_between_neighbours_stay_there(self, stage, client):
        answer_with(stage, b"hi", "text/plain",
                    headers={"Connection": "X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=1",
                             "X-End": "2"})  # fmt: skip
        answer = client.get(
            "/any", headers={"Connection": "X-Mine", "X-Mine": "1", "TE": "trailers", "X-Go": "3"}
        )
        assert answer.headers["x-end"] == "2"
        assert len(answer.headers.get_list("date")) == 1
        assert not {"x-hop", "keep-alive"} & set(answer.headers)
        sent = dict(stage.backend.heads[0])
        assert sent[b"x-go"] == b"3"
        assert not {b"x-mine", b"te"} & set(sent)
        assert sent[b"host"].decode() == stage.upstream.url.removeprefix("http://")

    def test_long_bodies_pass_in_pieces(self, stage, client):
        async def answer(request, body):
            async def pieces():
                for _ in range(100):
                    yield bytes(100_000)

            return StreamingResponse(pieces(), media_type="audio/basic")

        stage.backend.answers["/any"] = answer
        assert len(client.get("/any").content) == 10_000_000

    def test_events_pass_as_they_come(self, stage, client):
        async def answer(request, body):
            return events({"a": 1}, {"a": 2}, pause=3.0)

        stage.backend.answers["/any"] = answer
        begun = time.monotonic()
        with client.stream("GET", "/any") as got:
            assert next(got.iter_raw()) == b'data: {"a": 1}\n\n'
            assert time.monotonic() - begun < 2.5

    def test_uploads_and_other_methods(self, stage, client):
        stage.backend.answers["/any"] = JSONResponse({"ok": True})
        for method in ("POST", "PUT", "DELETE"):
            assert client.request(method, "/any", content=b"\0" * 1000).json() == {"ok": True}
        assert [body for _, body in stage.backend.asked] == [b"\0" * 1000] * 3

    def test_a_path_before_all_paths(self, config):
        backend = Backend(png())
        with serving(backend.app()) as upstream, staged(config) as stage:
            app = create_proxy(stage.pipeline, upstream.url + "/base/")
            with serving(app) as proxy, proxy.client() as client:
                client.get("/a%20b/c%2Fd?x=%2e")
        assert backend.asked[0][0] == "/base/a b/c/d"


class TestAddresses:
    """Pictures that JSON names by address, in APIs that we do not know."""

    def test_at_the_upstream(self, stage, client):
        url = stage.upstream.url + "/files/a.png"
        answer_with(stage, json.dumps({"output": [url], "page": url + "#x"}), "application/json")
        found = client.get("/any").json()["output"][0]
        assert stage.ours(client.get(found).content)

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:9/a.png",
            "https://127.0.0.1:9/a.png",
            "https://localhost/a.png",
            "https://[::1]/a.png",
            "https://[::ffff:127.0.0.1]/a.png",
            "https://169.254.169.254/a.png",
            "https://10.0.0.1/a.png",
            "https://0x7f000001/a.png",
            "https://2130706433/a.png",
            "https://user@127.0.0.1/a.png",
            "http://example.org/a.png",
            "HTTPS://LOCALHOST/a.PNG?x",
        ],
    )
    def test_elsewhere(self, stage, client, url):
        answer_with(stage, json.dumps({"output": [url]}), "application/json")
        answer = client.get("/any")
        assert answer.status_code in (502, 504)
        assert url not in answer.text

    def test_escaped(self, stage, client):
        answer_with(stage, '{"output": "\\u0068ttp://127.0.0.1:9/a.png"}', "application/json")
        assert client.get("/any").status_code == 502

    def test_that_lead_to_no_picture(self, stage, client):
        answer_with(
            stage, json.dumps([stage.upstream.url + "/v1/models/x.png"]), "application/json"
        )
        assert client.get("/any").status_code == 502

    def test_too_many(self, stage, client):
        urls = [f"{stage.upstream.url}/files/a.png?{n}" for n in range(40)]
        answer_with(stage, json.dumps(urls), "application/json")
        assert client.get("/any").status_code == 502

    def test_other_addresses_are_left_alone(self, stage, client):
        body = b'{"docs": "https://example.org/guide", "text": "see https://a.b/c.png please"}'
        answer_with(stage, body, "application/json")
        assert client.get("/any").content == body


def test_health_and_readiness(stage, client):
    for path in ("/healthz", "/readyz", "/.provenance/healthz", "/.provenance/readyz"):
        assert client.get(path).json() == {"status": "ok"}
    assert client.get("/.provenance/else").status_code == 404
    assert client.get("/.provenance/results/..%2f..%2fetc%2fpasswd").status_code == 404
    assert [path for path, _ in stage.backend.asked] == ["/"]


def test_not_ready(config):
    def check():
        raise OSError

    with staged(config, check=check) as stage, stage.client() as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
        assert client.get("/healthz").status_code == 200
