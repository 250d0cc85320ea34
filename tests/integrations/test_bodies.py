"""`bodies`: every picture in a body is found and replaced, and no other byte is touched."""

from __future__ import annotations

import base64
import io
import json
import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from provenance.errors import InputError, TooLarge, UnreadablePicture, UnsupportedPicture
from provenance.integrations._starts import ENOUGH, begins_picture
from provenance.integrations.bodies import Kind, kind_of, pictures_in, protected
from provenance.picture import Asset


def file(form: str = "PNG", side: int = 96, seed: int = 0, **options: object) -> bytes:
    """A small picture file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


FORMS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF", "BMP")
FILES = {form: file(form) for form in FORMS}
PNG, JPEG = FILES["PNG"], FILES["JPEG"]
OTHER = file("PNG", seed=1)


def asset(data: bytes = OTHER, media_type: str = "image/png") -> Asset:
    """Stands in for a finished picture; only what is written into bodies is asked."""
    return Asset(data, b"", media_type, 96, 96, "urn:c2pa:x", "00", None, None, {})  # type: ignore[arg-type]


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def address(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{text(data)}"


class TestPictures:
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize(
        "said",
        ["image/png", "image/x-anything", "application/octet-stream", "", "text/html", "video/mp4"],
    )
    def test_is_told_by_its_bytes_whatever_is_said(self, form, said):
        found = pictures_in(said, FILES[form])
        assert found.pictures == (FILES[form],)
        assert found.replaced([asset()]) == ("image/png", OTHER)
        assert found.replaced([None]) == (said, FILES[form])

    def test_what_is_said_to_be_a_picture_is_one(self):
        assert pictures_in("image/png", b"no picture at all").pictures == (b"no picture at all",)
        assert pictures_in("image/x-icon", b"\0\0\1\0").pictures

    def test_wrong_number_of_assets_is_an_error(self):
        with pytest.raises(ValueError, match="2 assets for 1"):
            pictures_in("image/png", PNG).replaced([asset(), asset()])

    @pytest.mark.parametrize("said", ["image/png", "application/json", "text/html", ""])
    def test_nothing_is_not_a_picture(self, said):
        assert pictures_in(said, b"") is None


class TestBeginnings:
    @pytest.mark.parametrize("form", FORMS)
    def test_every_beginning_of_a_picture_may_be_one(self, form):
        data = FILES[form]
        for size in range(1, ENOUGH):
            assert begins_picture(data[:size]) in (None, True), size
        assert begins_picture(data[:ENOUGH]) is True

    @given(st.binary(min_size=ENOUGH))
    def test_enough_bytes_decide(self, data):
        assert begins_picture(data) is not None

    @pytest.mark.parametrize(
        "head", [b"{", b"<!doctype", b"event: x", b"%PDF-1.7", b"\0\0\0\x18ftypisom" + bytes(20)]
    )
    def test_other_things_are_told_early(self, head):
        assert begins_picture(head) is False


class TestJson:
    @pytest.mark.parametrize("form", FORMS)
    def test_base64_and_addresses(self, form):
        data = FILES[form]
        body = {
            "created": 1,
            "data": [{"b64_json": text(data)}, {"url": address(data)}, {"url": "https://x/y.png"}],
            "usage": {"total": 1.5, "é": None},
        }
        found = pictures_in("application/json; charset=utf-8", json.dumps(body).encode())
        assert found.pictures == (data, data)
        kind, new = found.replaced([asset(), asset()])
        assert kind == "application/json; charset=utf-8"
        body["data"] = [{"b64_json": text(OTHER)}, {"url": address(OTHER)}, body["data"][2]]
        assert json.loads(new) == body

    @pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json", "text/json"])
    def test_kinds(self, kind):
        assert pictures_in(kind, json.dumps([text(PNG)]).encode()).pictures == (PNG,)

    @pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
    def test_encodings(self, coding):
        found = pictures_in(
            "application/json; charset=utf-16", json.dumps([text(PNG)]).encode(coding)
        )
        kind, new = found.replaced([asset()])
        assert (kind, json.loads(new)) == ("application/json", [text(OTHER)])

    def test_escaped_as_php_and_dotnet_do(self):
        escaped = json.dumps({"i": text(JPEG)}).replace("/", "\\/").replace("+", "\\u002B")
        assert pictures_in("application/json", escaped.encode()).pictures == (JPEG,)

    def test_document_in_a_document(self):
        body = {"arguments": json.dumps({"image": text(PNG), "n": [1]}), "other": '{"a": 1}'}
        found = pictures_in("application/json", json.dumps(body).encode())
        assert found.pictures == (PNG,)
        new = json.loads(found.replaced([asset()])[1])
        assert json.loads(new["arguments"]) == {"image": text(OTHER), "n": [1]}
        assert new["other"] == '{"a": 1}'

    def test_markdown_in_a_message(self):
        said = f"Here: ![a cat]({address(PNG)}) and ![another]({address(JPEG, 'image/jpeg')})!"
        body = {"choices": [{"message": {"content": said}}]}
        found = pictures_in("application/json", json.dumps(body).encode())
        assert found.pictures == (PNG, JPEG)
        new = json.loads(found.replaced([asset(), asset()])[1])
        assert new["choices"][0]["message"]["content"] == (
            f"Here: ![a cat]({address(OTHER)}) and ![another]({address(OTHER)})!"
        )

    def test_one_finished_already_stays(self):
        body = json.dumps([text(PNG), text(JPEG)]).encode()
        new = pictures_in("application/json", body).replaced([None, asset()])[1]
        assert json.loads(new) == [text(PNG), text(OTHER)]

    @pytest.mark.parametrize(
        "body",
        [
            f'{{"a": "{text(PNG)}", "a": "x"}}',
            f'{{"{text(PNG)}": 1}}',
            f'{{"a": "{text(PNG)}", ',
            f'{{"a": "{text(PNG)}", "b": {"[" * 5000}{"]" * 5000}}}',
            f'{{"a": "{text(PNG)}", "b": {"9" * 5000}}}',
        ],
    )
    def test_where_it_cannot_be_replaced_it_is_refused(self, body):
        with pytest.raises(InputError):
            pictures_in("application/json", body.encode())

    def test_too_many(self):
        tiny = text(file(side=1))
        with pytest.raises(TooLarge):
            pictures_in("application/json", json.dumps([tiny] * 300).encode())

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b'{"a": 1, "a": 2}',
            b"[" * 100_000,
            b'{"x": NaN, "y": 1e999, "z": ' + b"9" * 5000 + b"}",
            b"\xff\xfe\xfd",
            b'"\\ud800"',
            b'["/workspace/a/long/path/that/looks/like/base64/of/something"]',
            json.dumps([text(b"\0\0\0\x18ftypisom" + bytes(500))]).encode(),
            json.dumps([text(b"%PDF-1.7" + bytes(500))]).encode(),
            json.dumps(list(range(5000))).encode(),
        ],
    )
    def test_no_picture(self, body):
        assert pictures_in("application/json", body) is None

    def test_damaged_base64_counts(self):
        found = pictures_in("application/json", json.dumps([text(PNG)[:1001]]).encode())
        assert found.pictures[0].startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        "kind",
        ['image/png;charset="utf-8"', "image/png;x=" + "y" * 200, "image/png" + ";x=y" * 12],
    )
    def test_addresses_with_parameters_that_browsers_take(self, kind):
        written = f"data:{kind};base64,{text(PNG)}"
        found = pictures_in("application/json", json.dumps({"a": written}).encode())
        assert found.pictures == (PNG,)
        assert json.loads(found.replaced([asset()])[1]) == {"a": address(OTHER)}

    @pytest.mark.parametrize(
        "words",
        [
            "here: {}",
            "base64,{}",
            "look ![]({})",
            "see\n\n{}\n",
            f"{address(PNG)} {{}}",
            "da\tta:x,{}",
        ],
    )
    @pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
    def test_base64_among_words_is_refused(self, words, form):
        body = json.dumps({"a": words.format(text(FILES[form]))}).encode()
        with pytest.raises(InputError, match="among the words"):
            pictures_in("application/json", body)

    @pytest.mark.parametrize(
        "words",
        ["as iVBORw0KGgo they begin", "a/9j/" + "a" * 500, text(bytes(5000)), "a " + "/9j/" * 9],
    )
    def test_letters_that_are_no_picture_pass(self, words):
        assert pictures_in("application/json", json.dumps({"a": words}).encode()) is None

    @pytest.mark.parametrize("kind", ["text/html", "text/plain; charset=utf-8", ""])
    def test_json_by_another_name(self, kind):
        """What a handler of Flask returns as text is called HTML."""
        found = pictures_in(kind, b" " + json.dumps({"a": [text(PNG)]}).encode())
        assert found.pictures == (PNG,)
        assert json.loads(found.replaced([asset()])[1]) == {"a": [text(OTHER)]}

    def test_much_json_without_a_picture_passes(self):
        deep = "[" * 200 + "]" * 200
        assert pictures_in("application/json", deep.encode()) is None

    def test_pictures_are_decoded_once(self):
        """Letters may be written as numbers, which says nothing of the picture."""
        written = "".join(f"\\u{ord(letter):04x}" for letter in text(PNG))
        found = pictures_in("application/json", f'{{"a": "{written}", "b": "\\n"}}'.encode())
        assert found.pictures == (PNG,)


class TestStreams:
    def test_a_byte_order_mark_before_the_first_event(self):
        body = b"\xef\xbb\xbfdata: " + json.dumps({"a": text(PNG)}).encode() + b"\n\n"
        assert pictures_in("text/event-stream", body).pictures == (PNG,)

    def test_events(self):
        said = {"type": "image_generation.partial_image", "b64_json": text(PNG)}
        body = (
            ": keep-alive\n\n"
            'event: a\ndata: {"x":  1}\n\n'
            f"event: b\nid: 7\ndata: {json.dumps(said)}\n\n"
            "data: [DONE]\n\n"
        ).encode()
        found = pictures_in("text/event-stream", body)
        assert found.pictures == (PNG,)
        new = found.replaced([asset()])[1].decode().split("\n\n")
        old = body.decode().split("\n\n")
        assert [new[0], new[1], new[3], new[4]] == [old[0], old[1], old[3], old[4]]
        fields = dict(line.split(": ", 1) for line in new[2].split("\n"))
        assert (fields["event"], fields["id"]) == ("b", "7")
        assert json.loads(fields["data"]) == {**said, "b64_json": text(OTHER)}

    def test_data_over_several_lines(self):
        half = len(text(PNG)) // 2
        pretty = json.dumps({"a": text(PNG)}, indent=1).replace("\n", "\r\ndata: ")
        for body in (
            f"data:{text(PNG)[:half]}\ndata:{text(PNG)[half:]}\n\n",
            f"data: {pretty}\r\n\r\n",
            f"data: {text(PNG)}",
            f"data: ![x]({address(PNG)})\r\r",
        ):
            found = pictures_in("text/event-stream", body.encode())
            assert found.pictures == (PNG,)
            new = found.replaced([asset()])[1]
            assert pictures_in("text/event-stream", new).pictures == (OTHER,)

    @pytest.mark.parametrize("before", ["", "\x1e"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_lines(self, before, end):
        lines = ['{"a":  1}', json.dumps({"b": text(PNG)}), "", "not json"]
        body = "".join(before + line + end for line in lines).encode()
        kind = "application/json-seq" if before else "application/x-ndjson"
        found = pictures_in(kind, body)
        assert found.pictures == (PNG,)
        new = found.replaced([asset()])[1].decode()
        lines[1] = json.dumps({"b": text(OTHER)}, separators=(",", ":"))
        assert new == "".join(before + line + end for line in lines)


class TestTexts:
    @pytest.mark.parametrize(
        "kind", ["text/html", "image/svg+xml", "text/markdown", "", "text/plain"]
    )
    def test_addresses(self, kind):
        body = f'<p>\xe9</p> <img src="{address(PNG)}"> <b>ü</b>'.encode("latin-1")
        found = pictures_in(kind, body)
        assert found.pictures == (PNG,)
        assert found.replaced([asset()]) == (
            kind,
            body.replace(text(PNG).encode(), text(OTHER).encode()),
        )

    def test_ornaments_stay(self):
        tiny = address(file(side=64))
        assert pictures_in("text/html", f'<img src="{tiny}">'.encode()) is None
        body = f"<img src='{tiny}'><img src='{address(PNG)}'>".encode()
        found = pictures_in("text/html", body)
        assert found.pictures == (PNG,)
        assert found.replaced([asset()])[1].decode() == (
            f"<img src='{tiny}'><img src='{address(OTHER)}'>"
        )

    def test_base64_alone(self):
        assert pictures_in("text/plain", text(PNG).encode()).pictures == (PNG,)
        assert pictures_in("text/plain", base64.encodebytes(PNG)).pictures == (PNG,)

    @pytest.mark.parametrize("kind", ["text/css", "text/javascript", "application/javascript"])
    def test_parts_of_a_site_are_left_alone(self, kind):
        assert kind_of(kind) is Kind.OTHER
        assert pictures_in(kind, f"a {{background: url({address(PNG)})}}".encode()) is None

    def test_drawing_is_left_alone(self):
        assert pictures_in("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>') is None

    def test_utf_16_is_refused(self):
        with pytest.raises(UnreadablePicture):
            pictures_in("text/html", f'<img src="{address(PNG)}">'.encode("utf-16"))
        assert pictures_in("text/html", "<img>".encode("utf-16")) is None


class TestParts:
    BODY = (
        b'preamble\r\n--b\r\nContent-Type: application/json\r\n\r\n{"a":  1}\r\n'
        b"--b\r\nContent-Type: image/jpeg\r\nX-Name: y\r\nContent-Length: 3\r\n\r\n"
        + JPEG
        + b"\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(PNG)
        + b"--b--\r\nepilogue"
    )

    def test_parts(self):
        found = pictures_in('multipart/mixed; boundary="b"', self.BODY)
        assert found.pictures == (JPEG, PNG)
        new = found.replaced([asset(), asset()])[1]
        assert pictures_in("multipart/mixed; boundary=b", new).pictures == (OTHER, OTHER)
        assert new.startswith(self.BODY[: self.BODY.index(b"image/jpeg")])
        assert b"Content-Type: image/png\r\nX-Name: y\r\nContent-Length: %d" % len(OTHER) in new
        assert new.endswith(b"--b--\r\nepilogue")
        assert found.replaced([None, None])[1].count(JPEG) == 1

    def test_part_that_lies(self):
        body = b"--b\n\n" + PNG + b"\n--b--"
        assert pictures_in("multipart/form-data; boundary=b", body).pictures == (PNG,)

    def test_no_boundary_is_refused(self):
        for kind in ("multipart/mixed", "multipart/mixed; boundary=c"):
            with pytest.raises(UnreadablePicture):
                pictures_in(kind, self.BODY)

    def test_nested_too_deep(self):
        body = b"x"
        for _ in range(5):
            body = b"--b\n\n" + body + b"\n--b--"
            body = body.replace(
                b"--b\n\n", b"--b\nContent-Type: multipart/mixed; boundary=b\n\n", 1
            )
        with pytest.raises((UnsupportedPicture, UnreadablePicture)):
            pictures_in("multipart/mixed; boundary=b", body)

    def test_no_picture(self):
        assert pictures_in("multipart/mixed; boundary=b", b"--b\r\n\r\nhello\r\n--b--\r\n") is None


KINDS = st.sampled_from(
    [
        "application/json",
        "application/x-ndjson",
        "text/event-stream",
        "text/html",
        "text/plain; charset=utf-16",
        "multipart/mixed; boundary=b",
        "application/pdf",
        "",
    ]
)
TREES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(KINDS, st.binary() | TREES.map(lambda tree: json.dumps(tree).encode()))
def test_what_has_no_picture_has_none(kind, body):
    assume(not any(begins_picture(line) for line in body.splitlines()))
    try:
        assert pictures_in(kind, body) is None
    except UnreadablePicture:
        assert kind.startswith("multipart")


@given(TREES, TREES, st.sampled_from([text(PNG), address(PNG)]))
def test_pictures_are_found_in_any_tree(before, after, picture):
    body = json.dumps({"a": before, "b": [picture], "c": after}).encode()
    found = pictures_in("application/json", body)
    assert found.pictures == (PNG,)
    new = json.loads(found.replaced([asset()])[1])
    assert new["b"] in ([text(OTHER)], [address(OTHER)])
    assert json.dumps([new["a"], new["c"]]) == json.dumps([before, after])


def test_protected_through_a_pipeline(pipeline, verifier, scene):
    buffer = io.BytesIO()
    Image.fromarray(scene).save(buffer, "PNG")
    done = pipeline(scene)
    body = json.dumps({"data": [{"b64_json": text(buffer.getvalue())}, text(done.data)]}).encode()
    _, new = protected(pipeline, pictures_in("application/json", body))
    first, second = pictures_in("application/json", new).pictures
    assert verifier.verify(first).verdict.outcome == "verified"
    assert second == done.data


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'"' + b'\\"' * 200_000),  # a string that never ends
        ("application/json", b'"{\\"' * 200_000),
        ("application/json", b'{"a":' * 200_000),
        ("text/event-stream", b"data:x\n\n" * 50_000),
        ("application/x-ndjson", b"{}\n" * 100_000),
        ("multipart/mixed; boundary=b", b"--b\n\n" * 50_000),
        ("multipart/mixed; boundary=b", b"--b\r\n" + b"content-type:\r\n " * 50_000),
    ],
)
def test_hostile_texts_take_no_longer_than_others(kind, body):
    begun = time.process_time()
    assert pictures_in(kind, body) is None
    assert time.process_time() - begun < 3
