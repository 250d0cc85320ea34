"""Which words of a request are checked; whatever the shape, none is missed or raises."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import ProvenanceError
from provenance.proxy import asked, events, kinds, words
from provenance.server.errors import Refusal

TREES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("prompt"), inner),
    max_leaves=20,
)


def found(value, fields=()):
    return words.prompts(asked.Asked("POST", "/any", fields=fields, json=value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"prompt": "a"}, ["a"]),
        ({"prompt": ["a", "b"]}, ["a", "b"]),
        ({"prompt_2": "a", "hr_prompt": "b", "PROMPT": "c"}, ["a", "b", "c"]),
        ({"input": {"prompt": "a"}}, ["a"]),
        ({"prompt": {"text": "a"}}, ["a"]),
        ({"text_prompts": [{"text": "a", "weight": 1}]}, ["a"]),
        ({"inputs": "a"}, ["a"]),
        ({"prompt_strength": "a", "prompt_id": "b", "text": "c"}, []),
        ([[[{"prompt": "a"}]]], ["a"]),
        (None, []),
    ],
)
def test_names(value, expected):
    assert found(value) == expected


def test_negatives_stay_with_their_prompts():
    (prompt,) = found({"prompt": "a", "negative_prompt": "b"})
    assert (prompt, prompt.negative) == ("a", "b")
    (alone,) = found({"negative_prompt": "b"})
    assert (alone, alone.negative) == ("", "b")
    (form,) = found(None, [("text_prompts[0][text]", "a")])
    assert form == "a"


@given(TREES)
def test_any_json(value):
    try:
        found(value)
    except Refusal as refusal:
        assert refusal.status == 400


@given(st.binary(max_size=300), st.sampled_from(["", "application/json", "text/plain",
       "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]))  # fmt: skip
def test_any_body(body, kind):
    try:
        asked.read(asked.Head("POST", "/any", b"", kind), [body])
    except Refusal as refusal:
        assert refusal.status in (400, 415)


@given(st.binary(max_size=300), st.sampled_from(["", "image/png", "text/plain", "video/mp4"]))
def test_any_answer_is_of_some_kind(head, said):
    try:
        kinds.kind_of(said, head)
    except ProvenanceError as refusal:
        assert refusal.status == 502


@given(st.lists(st.dictionaries(st.text(), st.text(), max_size=3), max_size=5), st.integers(1, 50))
def test_events_come_out_as_they_went_in(said, size):
    import asyncio

    raw = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in said)

    async def run():
        async def pieces():
            for at in range(0, len(raw), size):
                yield raw[at : at + size]

        return [event async for event in events.events(pieces(), 10**6, lines=False)]

    got = asyncio.run(run())
    assert [json.loads(event.data) for event in got] == said
    assert b"".join(event.raw for event in got) == raw
    assert all(json.loads(events.Event.of(e.with_data(e.data)).data) == json.loads(e.data)
               for e in got)  # fmt: skip


@pytest.mark.parametrize("name", ["_prompt{}x", "prompt{}1{}x", "a_prompt{}text{}x", "{}"])
@pytest.mark.parametrize("filling", [".", "_", "1", ".1", "_prompt", "prompt"])
def test_long_names_take_no_longer(name, filling):
    long = name.replace("{}", filling * 40_000)
    begun = time.process_time()
    words.prompts(asked.Asked("POST", "/", json={long: "a hill"}))
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "begins",
    [
        b"\xff\x0a",
        b"\0\0\1\0\1\0",
        b"8BPS\0\1",
        b"v/1\x01",
        b"qoif\0\0",
        b"DDS |\0\0\0",
        b"#?RADIANCE",
    ],
)
def test_pictures_that_are_not_read_are_refused_whatever_they_are_called(begins):
    with pytest.raises(Refusal, match="cannot be protected"):
        kinds.kind_of("application/octet-stream", begins + bytes(300))
