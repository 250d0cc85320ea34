"""JSON with assets in the places of pictures is the same document as if it were written anew."""

import base64
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.integrations import containers
from provenance.proxy import settle
from provenance.proxy.apis.openai_images import OpenAIImages
from tests.proxy.conftest import png

PICTURES = [png(seed, 32) for seed in range(3)]
B64 = [base64.b64encode(each).decode() for each in PICTURES]
MADE = SimpleNamespace(data=b"\x89PNG\r\n\x1a\nfinished" * 9, media_type="image/png")

written_as = st.sampled_from([*B64, *(f"data:image/png;base64,{text}" for text in B64)])
words = st.text(max_size=30) | st.sampled_from(
    ["image/png", "a/b", 'say "x"', "C:\\new", "ü", "\n"]
)
leaves = words | written_as | st.integers() | st.none() | st.booleans()
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
writers = st.builds(
    lambda ascii_only, indent: (
        lambda value: json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    ),
    st.booleans(),
    st.sampled_from([None, 2]),
)


def replaced(body: bytes) -> bytes | None:
    """The body with the same asset in every place; None without pictures."""
    found = settle._found(
        "application/json", settle._edited(OpenAIImages(), "application/json", body)
    )
    return found and found.replaced([MADE] * len(found.pictures))[1]


@given(st.dictionaries(st.text(max_size=9), documents, max_size=4), writers)
def test_it_is_the_same_document(document, write):
    expected = containers.find(document, strict=False)
    got = replaced(write(document).encode())
    if not expected.pictures:
        assert got is None
    else:
        assert json.loads(got) == expected.replaced([MADE] * len(expected.pictures))
        assert not any(text[16:80].encode() in got for text in B64)


def test_everything_else_keeps_its_bytes():
    body = b'{ "a" : 1e3,\n "b64_json":"%s" ,"c":"\xc3\xbc\\n", "d":["%s"]}\n' % (
        B64[0].encode(),
        B64[1].encode(),
    )
    new = base64.b64encode(MADE.data)
    assert replaced(body) == body.replace(B64[0].encode(), new).replace(B64[1].encode(), new)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"x":"{B64[0].replace("/", chr(92) + "/")}"}}',
        f'{{"b64":"{B64[0]}","type":"image/jpeg"}}',
        f'{{"x":"\\u0069{B64[0][1:]}"}}',
        f'{{"x":"say \\"no\\"","y":"{B64[0]}"}}',
    ],
)
def test_what_is_written_otherwise_is_written_anew(body):
    got = replaced(body.encode())
    assert B64[0][16:80].encode() not in got
    assert base64.b64encode(MADE.data) in got
    assert json.loads(got).get("type", "image/png") == "image/png"


def test_the_same_picture_several_times_and_one_that_begins_alike():
    longer = B64[0].rstrip("=") + "AAAA"
    body = json.dumps({"a": [B64[0], longer, B64[0]]}).encode()
    assert json.loads(replaced(body))["a"] == [base64.b64encode(MADE.data).decode()] * 3


def test_a_text_that_is_written_as_another_one_reads_is_not_taken_for_it():
    """JPEG XL counts above 4,096 letters: one text is shorter by what its escapes stand for."""
    shorter = "\\" * 20 + base64.b64encode(b"\xff\x0a" + bytes(3060)).decode()[:4080]
    body = f'{{"b":"{shorter}","a":{json.dumps(shorter)}}}'.encode()
    document = json.loads(body)
    assert len(document["b"]) < len(document["a"]) == 4100
    got = json.loads(replaced(body))
    assert got == {"b": document["b"], "a": "\\" * 20 + base64.b64encode(MADE.data).decode()}


def test_one_that_is_finished_stays():
    edited = settle._edited(
        OpenAIImages(), "application/json", json.dumps({"a": [B64[0], B64[1]]}).encode()
    )
    found = settle._found("application/json", edited)
    got = json.loads(found.replaced([None, MADE])[1])
    assert got["a"] == [B64[0], base64.b64encode(MADE.data).decode()]
