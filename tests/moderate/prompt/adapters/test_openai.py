"""The endpoint by a real server on this machine: right, refusing, slow, wrong."""

from __future__ import annotations

import http.server
import json
import threading
import time
from contextlib import contextmanager

import pytest

from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.prompt import Prompt
from provenance.moderate.prompt.adapters.openai import OpenAIModeration

KEY = "key-that-nobody-may-see"
SCORES = {
    "sexual": 0.1,
    "sexual/minors": 0.01,
    "violence": 0.2,
    "violence/graphic": 0.3,
    "self-harm": 0.05,
    "self-harm/intent": 0.4,
    "self-harm/instructions": 0.0,
    "hate": 0.9,
}


@contextmanager
def serving(status=200, body=None, wait=0.0):
    """The endpoint's URL, and the requests that it got."""
    content = json.dumps({"results": [{"category_scores": SCORES}]}).encode()
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((dict(self.headers), json.loads(sent)))
            time.sleep(wait)
            answer = content if body is None else body
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/moderations", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_its_scores_get_our_names():
    with serving() as (url, asked):
        classifier = OpenAIModeration(url=url)
        scores = classifier.scores(Prompt("a cät", "blurry"))
    assert scores == {
        "sexual": 0.1,
        "sexual-minors": 0.01,
        "violence": 0.2,
        "gore": 0.3,
        "self-harm": 0.4,
    }
    assert set(scores) == set(classifier.categories)
    headers, body = asked[0]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body == {"model": "omni-moderation-latest", "input": "a cät"}
    assert classifier.name == "openai/omni-moderation-latest"


@pytest.mark.parametrize("status", [301, 401, 429, 500])
def test_a_refusal_holds_the_prompt_back(status):
    with (
        serving(status) as (url, _),
        pytest.raises(ModerationFailed, match=f"status {status}") as e,
    ):
        OpenAIModeration(url=url).scores("a cat")
    assert KEY not in str(e.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"results": []}',
        b'{"results": [{"category_scores": {"sexual": 0.1}}]}',
        json.dumps({"results": [{"category_scores": SCORES | {"sexual": "0.1"}}]}).encode(),
        json.dumps({"results": [{"category_scores": SCORES | {"sexual": 1.5}}]}).encode(),
        json.dumps({"results": [{"category_scores": SCORES | {"sexual": True}}]}).encode(),
        b'{"results": [{"category_scores": {"sexual": NaN}}]}',
        b"[" * 100_000,
        b"x" * 300_000,
    ],
    ids=range(11),
)
def test_an_odd_answer_holds_the_prompt_back(body):
    with serving(body=body) as (url, _), pytest.raises(ModerationFailed):
        OpenAIModeration(url=url).scores("a cat")


def test_a_slow_answer_holds_the_prompt_back():
    with serving(wait=0.6) as (url, _), pytest.raises(ModerationFailed, match="no answer within"):
        OpenAIModeration(url=url, timeout_s=0.2).scores("a cat")


def test_no_server_holds_the_prompt_back():
    with serving() as (url, _):
        pass
    with pytest.raises(ModerationFailed, match="cannot be asked"):
        OpenAIModeration(url=url).scores("a cat")


@pytest.mark.parametrize("value", ["", "two\nlines", "kéy"])
def test_no_usable_key_is_a_matter_of_configuration(monkeypatch, value):
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        OpenAIModeration().scores("a cat")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "http://moderation.example.com/v1"}, "in the clear"),
        ({"url": "ftp://example.com"}, "expected a URL"),
        ({"timeout_s": 0}, "time-out"),
        ({"timeout_s": float("nan")}, "time-out"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        OpenAIModeration(**settings)


def test_what_is_no_text_is_never_sent():
    with serving() as (url, asked), pytest.raises(ModerationFailed, match="expected text"):
        OpenAIModeration(url=url).scores(None)
    assert not asked
