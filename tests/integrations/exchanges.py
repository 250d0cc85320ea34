"""What both middlewares must do, told once: a site that answers in many ways, and the tests."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import httpx
import numpy as np
import pytest
from PIL import Image

from provenance import Config, Pipeline, Verifier
from provenance.integrations.bodies import pictures_in
from provenance.moderate.interface import Action, Policy, Rule
from provenance.moderate.moderator import Moderator
from provenance.pipeline import Statements
from provenance.sign.interface import Generator
from provenance.testing import FakeWatermarker
from tests.conftest import make_scene


def file(form: str = "PNG", side: int = 64, seed: int = 7, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(make_scene(side, side, seed)).save(buffer, form, **options)
    return buffer.getvalue()


PNG = file(side=96)
RED = io.BytesIO()
Image.new("RGB", (96, 96), (250, 5, 5)).save(RED, "PNG")
RED = RED.getvalue()
MOST = 1 << 20
"""Bytes that the middlewares under test hold."""


class Looks:
    """Blocks red pictures and prompts that ask for red; holds blue ones for review."""

    name = "test-looks"
    categories = ("nudity",)

    def scores(self, subject: object) -> dict[str, float]:
        if isinstance(subject, str):
            return {"nudity": 0.9 if "red" in subject else 0.0}
        colour = subject.pixels.reshape(-1, 3).mean(0)
        return {"nudity": 0.95 if colour[0] > 200 and colour[1] < 50 else 0.0}


def quick(config: Config, **slots: object) -> Pipeline:
    """A pipeline that is real but for its watermark and its classifier."""
    ladder = {Action.BLOCK: 0.8}
    watermarker = FakeWatermarker()
    parts = {
        "moderator": Moderator(
            Policy("test", {"nudity": Rule(ladder, ladder)}), (Looks(),), (Looks(),)
        ),
        "watermarker": watermarker,
        "signer": config.signer(),
        "verifier": Verifier.standard(anchors=config.anchors(), watermarkers=[watermarker]),
        "says": Statements(Generator("test")),
        "anchors": config.anchors(),
    }
    return Pipeline(**{**parts, **slots})


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def address(data: bytes) -> str:
    return f"data:image/png;base64,{text(data)}"


@dataclass
class Call:
    """A request as the site sees it."""

    method: str
    path: str
    fields: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """An answer of the site."""

    body: Iterable[bytes]
    content_type: str = ""
    status: int = 200
    fields: dict[str, str] = field(default_factory=dict)
    sized: bool = False

    @property
    def head(self) -> list[tuple[str, str]]:
        fields = {"content-type": self.content_type, **self.fields}
        if self.sized:
            self.body = list(self.body)
            fields["content-length"] = str(sum(map(len, self.body)))
        return [(name, value) for name, value in fields.items() if value]


def cut(data: bytes, size: int = 1000) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def endless(piece: bytes) -> Iterator[bytes]:
    """Much more than may be held."""
    return itertools.repeat(piece, 20 * MOST // len(piece))


VIDEO = b"\0\0\0\x18ftypisom" + np.random.default_rng(1).bytes(50_000)
HTML = b"<!doctype html><p>hello</p>" * 300
BOMB = gzip.compress(bytes(50 * MOST), mtime=0)
EVENTS = [b'data: {"n": %d}\n\n' % n for n in range(5)]


class Site:
    """Answers by path; remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        name, _, rest = call.path.strip("/").partition("/")
        return getattr(self, name)(call, rest)

    def picture(self, call: Call, rest: str) -> Reply:
        return Reply(
            cut(PNG), "image/png", sized="sized" in rest, fields={"cache-control": "no-cache"}
        )

    def static(self, call: Call, rest: str) -> Reply:
        """A file server that knows ranges and conditions."""
        data, kind = {"video.mp4": (VIDEO, "video/mp4"), "cat.png": (PNG, "image/png")}[rest]
        tag = f'"{hashlib.md5(data).hexdigest()}"'
        fields = {
            "etag": tag,
            "accept-ranges": "bytes",
            "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT",
        }
        if call.fields.get("if-none-match") == tag or "if-modified-since" in call.fields:
            return Reply([], status=304, fields=fields)
        asked = call.fields.get("range")
        if asked:
            start, end = asked.removeprefix("bytes=").split("-")
            part = data[int(start) : int(end) + 1]
            fields["content-range"] = f"bytes {start}-{end}/{len(data)}"
            return Reply([part], kind, status=206, fields=fields, sized=True)
        return Reply(cut(data), kind, fields=fields, sized=True)

    def part(self, call: Call, rest: str) -> Reply:
        return Reply(
            [PNG[100:200]], "image/png", status=206, fields={"content-range": "bytes 100-199/9"}
        )

    def lying(self, call: Call, rest: str) -> Reply:
        return Reply(cut(PNG, int(rest or 1000)), "application/octet-stream", sized=True)

    def untyped(self, call: Call, rest: str) -> Reply:
        return Reply(cut(PNG, 3))

    def red(self, call: Call, rest: str) -> Reply:
        return Reply([RED], "image/png", sized=True, fields={"access-control-allow-origin": "*"})

    def broken(self, call: Call, rest: str) -> Reply:
        return Reply([PNG[:500]], "image/png", sized=True)

    def api(self, call: Call, rest: str) -> Reply:
        pictures = {"one": [PNG], "two": [PNG, PNG], "red": [PNG, RED], "none": []}[rest]
        body = {"created": 1, "data": [{"b64_json": text(each)} for each in pictures]}
        return Reply([json.dumps(body, indent=1).encode()], "application/json", sized=True)

    def echo(self, call: Call, rest: str) -> Reply:
        return Reply([call.body or b"{}"], "application/json", sized=True)

    def video(self, call: Call, rest: str) -> Reply:
        return Reply(cut(VIDEO), "video/mp4", sized=True)

    def endless_video(self, call: Call, rest: str) -> Reply:
        return Reply(itertools.chain([VIDEO], endless(b"x" * 1000)), "video/mp4")

    def endless_picture(self, call: Call, rest: str) -> Reply:
        return Reply(itertools.chain([PNG], endless(b"x" * 1000)), "image/png")

    def endless_json(self, call: Call, rest: str) -> Reply:
        return Reply(itertools.chain([b'{"a": "'], endless(b"x" * 1000)), "application/json")

    def page(self, call: Call, rest: str) -> Reply:
        return Reply(cut(HTML, 7), "text/html", sized="sized" in rest, fields={"etag": '"x"'})

    def page_with(self, call: Call, rest: str) -> Reply:
        picture = RED if "red" in rest else PNG
        body = HTML + f"<img src='{address(picture)}'>".encode() + HTML
        return Reply(cut(body, 100), "text/html", sized="sized" in rest)

    def events(self, call: Call, rest: str) -> Reply:
        picture = {"png": PNG, "red": RED}.get(rest)
        extra = (
            [f"event: image\ndata: {json.dumps({'b': text(picture)})}\n\n".encode()]
            if picture
            else []
        )
        return Reply(
            [*EVENTS, *itertools.chain.from_iterable(cut(e, 999) for e in extra), EVENTS[0]],
            "text/event-stream",
        )

    def lines(self, call: Call, rest: str) -> Reply:
        lines = [
            b'{"n": 1}\n',
            json.dumps([text(RED if rest else PNG)]).encode() + b"\n",
            b'{"n":2}',
        ]
        return Reply(lines, "application/x-ndjson")

    def mjpeg(self, call: Call, rest: str) -> Reply:
        part = b"--f\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%b\r\n" % (
            len(PNG),
            PNG,
        )
        return Reply(cut(part * 3 + b"--f--\r\n"), "multipart/x-mixed-replace; boundary=f")

    def zipped(self, call: Call, rest: str) -> Reply:
        body, kind = {
            "picture": (PNG, "image/png"),
            "api": (json.dumps([text(PNG)]).encode(), "application/json"),
            "none": (b'{"a":  1}' * 9, "application/json"),
            "lying": (PNG, "text/css"),
            "css": (b"a {}" * 999, "text/css"),
        }[rest]
        coded = gzip.compress(body[:100], mtime=0) + gzip.compress(body[100:], mtime=0)
        return Reply(
            cut(coded),
            kind,
            sized=True,
            fields={"content-encoding": "gzip", "vary": "accept-encoding"},
        )

    def deflated(self, call: Call, rest: str) -> Reply:
        bare = zlib.compressobj(wbits=-15)
        data = bare.compress(PNG) + bare.flush() if rest else zlib.compress(PNG)
        return Reply([data], "image/png", fields={"content-encoding": "deflate"})

    def bomb(self, call: Call, rest: str) -> Reply:
        return Reply(
            [BOMB],
            rest.replace("_", "/"),
            fields={"content-encoding": "gzip"},
        )

    def brotli(self, call: Call, rest: str) -> Reply:
        return Reply([b"\x0b\x02\x80"], "text/css", fields={"content-encoding": "br"})

    def sendfile(self, call: Call, rest: str) -> Reply:
        return Reply([], rest.replace("_", "/"), fields={"x-accel-redirect": "/private/cat.png"})

    def gone(self, call: Call, rest: str) -> Reply:
        return Reply([], status=204)

    def injected(self, call: Call, rest: str) -> Reply:
        return Reply([PNG], "image/png; x=\xe9\t; y")

    def raises(self, call: Call, rest: str) -> Reply:
        def body() -> Iterator[bytes]:
            yield PNG[:1000] if rest == "picture" else VIDEO[:1000]
            raise RuntimeError("the disk is gone")

        return Reply(body(), "image/png" if rest == "picture" else "video/mp4")


class Exchanges:
    """The tests. Subclasses give `site`, `client`, and `prompts`."""

    @staticmethod
    def check(verifier: Verifier, data: bytes) -> None:
        assert data != PNG
        assert verifier.verify(data).verdict.outcome == "verified"

    @pytest.mark.parametrize(
        "path", ["picture", "picture/sized", "lying", "lying/1", "lying/5", "untyped", "injected"]
    )
    def test_picture_is_protected(self, client, quick_verifier, path):
        answer = client.get(path)
        assert answer.status_code == 200
        self.check(quick_verifier, answer.content)
        assert answer.headers["content-type"] == "image/png"
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert answer.headers["etag"].startswith('"pk-')
        assert answer.headers["accept-ranges"] == "bytes"

    def test_other_fields_are_kept(self, client):
        assert client.get("picture").headers["cache-control"] == "no-cache"

    def test_same_picture_is_signed_once(self, client):
        one, two = client.get("picture"), client.get("picture/sized")
        assert one.content == two.content
        assert one.headers["etag"] == two.headers["etag"]

    def test_json(self, client, quick_verifier):
        answer = client.get("api/two")
        assert int(answer.headers["content-length"]) == len(answer.content)
        first, second = pictures_in("application/json", answer.content).pictures
        self.check(quick_verifier, first)
        self.check(quick_verifier, second)

    def test_what_is_finished_stays(self, client, finished):
        body = json.dumps([{"image": text(finished)}], indent=3).encode()
        answer = client.post("echo", content=body, headers={"content-type": "application/json"})
        assert pictures_in("application/json", answer.content).pictures == (finished,)

    @pytest.mark.parametrize(
        ("path", "body", "kind"),
        [
            ("api/none", None, "application/json"),
            ("video", VIDEO, "video/mp4"),
            ("page", HTML, "text/html"),
            ("page/sized", HTML, "text/html"),
            ("events", b"".join(EVENTS) + EVENTS[0], "text/event-stream"),
        ],
    )
    def test_everything_else_keeps_every_byte(self, client, bare, path, body, kind):
        ours, theirs = client.get(path), bare.get(path)
        assert ours.content == theirs.content == (body or theirs.content)
        assert ours.headers["content-type"] == kind
        for name in ("etag", "content-length", "accept-ranges"):
            assert ours.headers.get(name) == theirs.headers.get(name), name

    def test_long_answer_is_not_held(self, client):
        with client.stream("GET", "endless_video") as answer:
            got = 0
            for chunk in answer.iter_raw():
                got += len(chunk)
                if got > 3 * MOST:
                    break
        assert got > 3 * MOST

    @pytest.mark.parametrize(
        "path",
        [
            "endless_picture",
            "endless_json",
            "bomb/image_png",
            "bomb/application_json",
            "brotli",
            "broken",
            "part",
            "sendfile/image_png",
            "sendfile/",
        ],
    )
    def test_what_cannot_be_protected_does_not_leave(self, client, path):
        answer = client.get(path)
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "internal_error"
        assert "x-accel-redirect" not in answer.headers

    def test_bomb_that_is_no_picture_passes(self, client, bare):
        with (
            client.stream("GET", "bomb/text_css") as ours,
            bare.stream("GET", "bomb/text_css") as theirs,
        ):
            assert b"".join(ours.iter_raw()) == b"".join(theirs.iter_raw())

    @pytest.mark.parametrize("path", ["red", "api/red"])
    def test_refusal_is_told_in_the_form_of_an_api(self, client, path):
        answer = client.get(path)
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert (error["code"], error["type"]) == (
            "content_policy_violation",
            "invalid_request_error",
        )
        assert text(PNG)[:100] not in answer.text
        assert answer.headers["content-type"] == "application/json"

    def test_page_with_a_picture(self, client, quick_verifier):
        for path in ("page_with", "page_with/sized"):
            answer = client.get(path)
            found = pictures_in("text/html", answer.content)
            self.check(quick_verifier, found.pictures[0])
            assert answer.content.startswith(HTML + b"<img src='data:")
            assert answer.content.endswith(b"'>" + HTML)
            if "content-length" in answer.headers:
                assert int(answer.headers["content-length"]) == len(answer.content)

    def test_page_with_a_refused_picture(self, client):
        assert client.get("page_with/red/sized").status_code == 400
        with contextlib.suppress(httpx.RemoteProtocolError):  # HTTP/1.0 cannot tell
            content = client.get("page_with/red").content
            assert content.startswith(HTML)
            assert b"base64" not in content

    def test_events_with_a_picture(self, client, quick_verifier):
        content = client.get("events/png").content
        assert content.startswith(b"".join(EVENTS))
        assert content.endswith(EVENTS[0])
        self.check(quick_verifier, pictures_in("text/event-stream", content).pictures[0])

    def test_events_end_with_an_error(self, client):
        content = client.get("events/red").content.decode()
        assert content.startswith(b"".join(EVENTS).decode())
        last = content.strip().split("\n\n")[-1]
        assert last.startswith("event: error\ndata: ")
        assert json.loads(last.split("data: ")[1])["error"]["code"] == "content_policy_violation"

    def test_lines(self, client, quick_verifier):
        first, second, third = client.get("lines").content.split(b"\n")
        assert (first, third) == (b'{"n": 1}', b'{"n":2}')
        self.check(quick_verifier, pictures_in("application/json", second).pictures[0])
        assert json.loads(client.get("lines/red").content.split(b"\n")[1])["error"]

    def test_moving_pictures(self, client, quick_verifier):
        answer = client.get("mjpeg")
        found = pictures_in(answer.headers["content-type"], answer.content)
        assert len(found.pictures) == 3
        for picture in found.pictures:
            self.check(quick_verifier, picture)
        assert b"Content-Length: %d\r\n" % len(found.pictures[0]) in answer.content

    @pytest.mark.parametrize(
        "path", ["zipped/picture", "zipped/lying", "deflated", "deflated/bare"]
    )
    def test_coded_pictures(self, client, quick_verifier, path):
        answer = client.get(path)
        self.check(quick_verifier, answer.content)
        assert "content-encoding" not in answer.headers
        assert answer.headers["content-type"] == "image/png"

    def test_coded_json(self, client, quick_verifier):
        answer = client.get("zipped/api")
        self.check(quick_verifier, pictures_in("application/json", answer.content).pictures[0])

    @pytest.mark.parametrize("path", ["zipped/none", "zipped/css"])
    def test_coded_without_picture_keeps_every_byte(self, client, bare, path):
        with client.stream("GET", path) as ours, bare.stream("GET", path) as theirs:
            assert b"".join(ours.iter_raw()) == b"".join(theirs.iter_raw())
            assert ours.headers["content-encoding"] == "gzip"
            assert ours.headers["content-length"] == theirs.headers["content-length"]

    def test_codings_that_we_cannot_read_are_not_offered(self, client, site):
        client.get("api/none", headers={"accept-encoding": "br;q=1.0, gzip;q=0.5, *;q=0"})
        assert site.calls[-1].fields["accept-encoding"] == "gzip;q=0.5"
        client.get("api/none", headers={"accept-encoding": "br, zstd"})
        assert site.calls[-1].fields["accept-encoding"] == "identity"

    def test_head(self, client, bare):
        answer = client.head("picture/sized")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers.get("content-length") != str(len(PNG))
        assert "etag" not in client.head("static/cat.png").headers
        ours, theirs = (
            client.head("static/video.mp4").headers,
            bare.head("static/video.mp4").headers,
        )
        assert {**ours, "date": ""} == {**theirs, "date": ""}

    def test_nothing(self, client):
        answer = client.get("gone")
        assert (answer.status_code, answer.content) == (204, b"")

    def test_excluded_paths_are_left_alone(self, client):
        assert client.get("picture/excluded").content == PNG
        assert client.get("picture/excluded/..%2fx").content != PNG

    # Ranges and conditions

    def test_range_of_a_picture_is_of_the_protected_one(self, client, site):
        whole = client.get("static/cat.png")
        site.calls.clear()
        for asked, start, end in [
            ("bytes=0-99", 0, 100),
            ("bytes=100-", 100, None),
            ("bytes=-50", -50, None),
            ("bytes=5-999999999", 5, None),
        ]:
            answer = client.get("static/cat.png", headers={"range": asked})
            assert answer.status_code == 206
            assert answer.content == whole.content[start:end]
            at = start % len(whole.content)
            said = f"bytes {at}-{at + len(answer.content) - 1}/{len(whole.content)}"
            assert answer.headers["content-range"] == said
            assert answer.headers["content-length"] == str(len(answer.content))
            assert answer.headers["etag"] == whole.headers["etag"]
        assert not any("range" in call.fields for call in site.calls)
        assert "last-modified" not in whole.headers

    @pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0"])
    def test_range_outside(self, client, asked):
        size = len(client.get("static/cat.png").content)
        answer = client.get("static/cat.png", headers={"range": asked})
        assert (answer.status_code, answer.content) == (416, b"")
        assert answer.headers["content-range"] == f"bytes */{size}"

    @pytest.mark.parametrize(
        "asked", ["bytes=0-1,5-6", "bytes=5-1", "lines=0-1", "bytes=x", "bytes=" + "9" * 99 + "-"]
    )
    def test_ranges_that_ask_for_the_whole(self, client, asked):
        whole = client.get("static/cat.png").content
        answer = client.get("static/cat.png", headers={"range": asked})
        assert (answer.status_code, answer.content) == (200, whole)

    def test_if_range(self, client):
        whole = client.get("static/cat.png")
        for condition, status in [
            (whole.headers["etag"], 206),
            ('"other"', 200),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
            (f"W/{whole.headers['etag']}", 200),
        ]:
            answer = client.get(
                "static/cat.png", headers={"range": "bytes=0-9", "if-range": condition}
            )
            assert answer.status_code == status

    def test_range_of_something_else_is_the_applications(self, client, bare):
        for headers in ({"range": "bytes=10-99"}, {"range": "bytes=10-99", "if-none-match": '"x"'}):
            ours, theirs = (
                each.get("static/video.mp4", headers=headers) for each in (client, bare)
            )
            assert ours.status_code == theirs.status_code == 206
            assert ours.content == theirs.content == VIDEO[10:100]
            assert {**ours.headers, "date": ""} == {**theirs.headers, "date": ""}

    def test_if_none_match(self, client):
        tag = client.get("static/cat.png").headers["etag"]
        for condition in (tag, f"W/{tag}", f'"a", {tag}', "*"):
            answer = client.get("static/cat.png", headers={"if-none-match": condition})
            assert (answer.status_code, answer.content) == (304, b""), condition
            assert answer.headers["etag"] == tag
        answer = client.get("static/cat.png", headers={"if-none-match": '"pk-' + "0" * 32 + '"'})
        assert answer.status_code == 200

    def test_old_copy_of_the_unmarked_picture_is_not_confirmed(self, client, bare):
        old = bare.get("static/cat.png").headers
        for condition in (
            {"if-none-match": old["etag"]},
            {"if-modified-since": old["last-modified"]},
        ):
            assert bare.get("static/cat.png", headers=condition).status_code == 304
            answer = client.get("static/cat.png", headers=condition)
            assert answer.status_code == 200
            assert answer.content not in (b"", PNG)

    def test_unchanged_something_else_is_the_applications(self, client, bare):
        condition = {"if-none-match": bare.get("static/video.mp4").headers["etag"]}
        ours, theirs = (each.get("static/video.mp4", headers=condition) for each in (client, bare))
        assert (ours.status_code, ours.content) == (304, b"")
        assert {**ours.headers, "date": ""} == {**theirs.headers, "date": ""}

    # Requests

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("application/json", b'{"prompt": "a red cat"}'),
            (
                "application/json",
                b'{"input": [{"text_prompts": [{"text": "a red cat", "weight": 1}]}]}',
            ),
            ("application/json", b'{"prompt": "a red cat", "prompt": "a cat"}'),
            ("application/json", b'{"prompt": {"6": {"inputs": {"text": "a red cat"}}}}'),
            ("application/x-www-form-urlencoded", b"n=1&prompt=a+red+cat"),
        ],
    )
    def test_prompt_is_refused_before_the_application_is_asked(self, client, site, kind, body):
        before = len(site.calls)
        answer = client.post("api/one", content=body, headers={"content-type": kind})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "content_policy_violation"
        assert len(site.calls) == before

    def test_prompt_in_the_query(self, client, site):
        assert client.get("picture", params={"prompt": "red"}).status_code == 400
        assert client.get("picture", params={"prompt": "green"}).status_code == 200

    def test_the_application_gets_the_whole_request(self, client):
        body = json.dumps({"prompt": "a cat", "x": "y" * 100_000}).encode()
        answer = client.post("echo", content=body, headers={"content-type": "application/json"})
        assert answer.content == body

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"{", 400, "invalid-request"),
            (b"[" * 5000, 400, "invalid-request"),
            (b" " * (MOST + 1), 413, "too-large"),
        ],
    )
    def test_bad_requests(self, client, body, status, code):
        answer = client.post("api/one", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)

    # Failures of the application

    def test_error_in_the_middle_of_a_picture(self, client):
        answer = client.get("raises/picture")
        assert answer.status_code == 500
        assert PNG[:100] not in answer.content

    def test_error_in_the_middle_of_something_else(self, client):
        with contextlib.suppress(httpx.RemoteProtocolError):  # HTTP/1.0 cannot tell
            assert client.get("raises/video").content == VIDEO[:1000]
