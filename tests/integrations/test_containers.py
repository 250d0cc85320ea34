"""Pictures are found in any tree, and come back in their places, as what they were."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import time
from collections import OrderedDict, deque, namedtuple
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from provenance.errors import ConfigError, InputError, TooLarge, UnsupportedPicture
from provenance.integrations import containers
from provenance.integrations._arrays import ValueRange
from provenance.integrations.containers import find
from provenance.picture import Asset, Picture

PIXELS = np.random.default_rng(1).integers(0, 256, (24, 40, 3), dtype=np.uint8)


def written(kind: str = "PNG", pixels: np.ndarray = PIXELS) -> bytes:
    """A file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def asset_of(picture: Any, kind: str = "PNG") -> Asset:
    """Stands in for the pipeline: the picture turned negative, as a file."""
    made = picture if isinstance(picture, np.ndarray) else None
    if made is None:
        taken = Picture.from_pil(picture) if isinstance(picture, Image.Image) else picture
        made = (taken if isinstance(taken, Picture) else Picture.open(taken)).pixels
    elif made.dtype != np.uint8:
        made = np.rint(made * 255).astype(np.uint8)
    data = written(kind, 255 - (made[:, :, 0] if made.ndim == 3 and made.shape[2] == 1 else made))
    kept: Any = None
    return Asset(
        data=data,
        manifest=b"",
        media_type=f"image/{kind.lower()}",
        width=made.shape[1],
        height=made.shape[0],
        manifest_id="urn:c2pa:x",
        watermark_id="00",
        decision=kept,
        report=kept,
        timings={},
    )


def through(value: Any, **how: Any) -> tuple[Any, list[Asset]]:
    """The value with every picture turned negative."""
    found = find(value, **how)
    assets = [asset_of(picture) for picture in found.pictures]
    return found.replaced(assets), assets


PNG = written()
B64 = base64.b64encode(PNG).decode()
"""Of the same picture in each form."""


class TestTexts:
    """What is a picture among texts, and what is not."""

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
    def test_base64_of_every_format_is_found(self, kind):
        data = written(kind)
        found = find({"b64_json": base64.b64encode(data).decode()}, strict=False)
        assert found.pictures == [data]

    @pytest.mark.parametrize(
        "text",
        [
            B64,
            B64.rstrip("="),
            base64.urlsafe_b64encode(PNG).decode(),
            base64.urlsafe_b64encode(PNG).decode().rstrip("="),
            base64.encodebytes(PNG).decode(),
            f"\n  {B64}\n",
            f"data:image/png;base64,{B64}",
            f"DATA:Image/PNG;charset=utf-8;Base64,{B64}",
            f"data:;base64,{B64}",
            f"data:application/octet-stream;base64,{B64}",
            f"data:image/png;base64,{B64}".replace("+", "%2B").replace("/", "%2F"),
            f"data:image/png;base64,{base64.encodebytes(PNG).decode()}",
            f"data: image/png; base64 , {B64}",
            f"\ufeff{B64}",
            f'"{B64}"',
        ],
        ids=range(15),
    )
    def test_every_way_to_write_it(self, text):
        (picture,) = find([text], strict=False).pictures
        assert picture == PNG

    def test_comes_back_as_it_was_written(self):
        safe = base64.urlsafe_b64encode(PNG).decode()
        assert "-" in safe
        value = [B64, safe, safe.rstrip("="), f"data:image/gif;base64,{B64}"]
        (one, two, three, four), assets = through(value, strict=False)
        assert base64.b64decode(one, validate=True) == assets[0].data
        assert base64.urlsafe_b64decode(two) == assets[1].data
        assert "=" not in three
        assert four == f"data:image/png;base64,{base64.b64encode(assets[3].data).decode()}"

    def test_addresses_inside_a_text(self):
        text = f"See ![a](data:image/png;base64,{B64}) and <img src='data:image/png;base64,{B64}'>."
        new, assets = through({"content": text}, strict=False)
        one, two = (base64.b64encode(asset.data).decode() for asset in assets)
        assert new["content"] == (
            f"See ![a](data:image/png;base64,{one}) and <img src='data:image/png;base64,{two}'>."
        )

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a hill",
            "BM",
            "BMW and other cars on a road by the sea",
            "GIF87a",
            "/world/data/images/2024/Output/run17/checkpoint",
            "/world/" + "A" * 200,
            "II*",
            "data:",
            "data:text/plain;base64,aGVsbG8gd29ybGQgaGVsbG8=",
            "data:text/plain,hello",
            "<svg onload=x>",
            "Use data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmciLz4= in CSS",
            "iVBORw0KGgo",
            base64.b64encode(b"%PDF-1.7 and a long document that is no picture").decode(),
            base64.b64encode(b"ID3" + bytes(99)).decode(),
            base64.b64encode(b"\0\0\0\x18ftypmp42" + bytes(99)).decode(),
            "é" * 500,
            "\ud800" * 500,
        ],
    )
    def test_other_texts_are_left_alone(self, text):
        assert find({"x": text}, strict=False).pictures == []

    @settings(deadline=None)
    @given(st.text(max_size=64))
    def test_no_short_text_is_a_picture(self, text):
        assert find(text, strict=False).pictures == []

    @settings(deadline=None)
    @given(st.text(st.characters(codec="ascii", categories=["L", "N", "Zs", "P"]), max_size=300))
    def test_no_sentence_is_a_picture(self, text):
        assert find([text], strict=False).replaced([]) == [text]

    @pytest.mark.parametrize(
        "text",
        [
            B64[: len(B64) // 2],
            B64[:41],
            B64[:40] + "!!!" + B64[60:],
            f"data:image/png;base64,{B64[:99]}",
            "data:image/png;base64,",
            "data:image/png;base64,@@@@",
            "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E",
            "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmciLz4=",
            base64.b64encode(b"\0\0\0\x18ftypheic" + bytes(99)).decode(),
            base64.b64encode(b"\xff\x0a" + bytes(4_000)).decode(),
            base64.b64encode(b"8BPS" + bytes(99)).decode(),
        ],
        ids=range(11),
    )
    def test_broken_or_foreign_pictures_are_pictures_that_are_refused(self, pipeline, text):
        found = find({"b64_json": text}, strict=False)
        assert len(found.pictures) == 1
        with pytest.raises(InputError):
            pipeline.protect(found.pictures)

    @pytest.mark.parametrize(
        "text",
        ["data:" * 400_000, "data:;" * 400_000, ":" * 2_000_000, " " * 2_000_000, "/9j/" * 500_000],
        ids=range(5),
    )
    def test_cost_is_linear(self, text):
        started = time.process_time()
        find([text], strict=False)
        assert time.process_time() - started < 2

    def test_texts_may_be_left_out(self):
        assert find([B64], texts=False).pictures == []


def test_media_type_beside_a_file_becomes_the_assets():
    value = {
        "inlineData": {"mimeType": "image/gif", "data": B64},
        "url": f"data:image/gif;base64,{B64}",
        "mimeType": "image/gif",
    }
    new, _ = through(value, strict=False)
    assert new["inlineData"]["mimeType"] == "image/png"
    assert new["mimeType"] == "image/gif"


def test_json_stays_as_it_is_but_for_the_pictures():
    value = {"created": 17, "data": [{"b64_json": B64, "revised_prompt": "a hill"}, None, 1.5, []]}
    before = json.dumps(value)
    new, assets = through(value, strict=False)
    assert base64.b64decode(new["data"][0].pop("b64_json")) == assets[0].data
    assert new == {"created": 17, "data": [{"revised_prompt": "a hill"}, None, 1.5, []]}
    assert json.dumps(value) == before


def test_without_pictures_the_very_value_comes_back():
    value = {"a": [1, {"b": None}]}
    assert find(value, strict=False).replaced([]) is value


def test_none_leaves_a_picture_as_it_is():
    image = Image.fromarray(PIXELS)
    value = [PNG, B64, image, np.stack([PIXELS, PIXELS])]
    new = find(value).replaced([None] * 5)
    assert new[0] is PNG
    assert new[1] is B64
    assert new[2] is image
    assert new[3] is value[3]
    mixed = find(value).replaced([None] * 4 + [asset_of(PIXELS)])
    assert np.array_equal(mixed[3][0], PIXELS)
    assert np.array_equal(mixed[3][1], 255 - PIXELS)


def test_number_of_assets_must_fit():
    with pytest.raises(ValueError, match="1 assets were given for 0"):
        find([]).replaced([None])


Named = namedtuple("Named", ["images", "seed"])


@dataclasses.dataclass
class Plain:
    """As generators return it."""

    images: list[Any]
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Frozen:
    """Likewise."""

    images: list[Any]
    seed: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    """Likewise."""

    images: list[Any]
    seed: int = 0


class Ordered(OrderedDict):
    """Keeps each entry as an attribute too, as `BaseOutput` of diffusers does."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        super().__setattr__(key, value)


class Result:
    """Of a class that nobody knows."""

    def __init__(self, images):
        self.images = images
        self.seed = 3


class TestTrees:
    """Containers keep their types."""

    @pytest.mark.parametrize(
        ("value", "get"),
        [
            (PNG, lambda v: v),
            ([PNG], lambda v: v[0]),
            ((PNG, 1), lambda v: v[0]),
            (deque([PNG], maxlen=3), lambda v: v[0]),
            ({PNG}, lambda v: next(iter(v))),
            (frozenset([PNG]), lambda v: next(iter(v))),
            ({"a": {"b": PNG}}, lambda v: v["a"]["b"]),
            (MappingProxyType({"a": PNG}), lambda v: v["a"]),
            (OrderedDict(a=PNG), lambda v: v["a"]),
            (Ordered(images=PNG), lambda v: v.images),
            (Ordered(images=PNG), lambda v: v["images"]),
            (Named([PNG], 3), lambda v: v.images[0]),
            (Plain([PNG]), lambda v: v.images[0]),
            (Frozen([PNG]), lambda v: v.images[0]),
            (Slotted([PNG]), lambda v: v.images[0]),
            (SimpleNamespace(image=PNG), lambda v: v.image),
            (Result([PNG]), lambda v: v.images[0]),
        ],
        ids=range(17),
    )
    def test_type_is_kept_and_the_original_too(self, value, get):
        new, assets = through(value)
        assert type(new) is type(value)
        assert get(new) == assets[0].data
        assert get(value) == PNG

    def test_pydantic(self):
        pydantic = pytest.importorskip("pydantic")

        class Model(pydantic.BaseModel):
            model_config = pydantic.ConfigDict(
                arbitrary_types_allowed=True, frozen=True, extra="allow"
            )
            images: list[bytes]
            _kept: bytes = pydantic.PrivateAttr(PNG)

        value = Model(images=[PNG], more=PNG)
        new, assets = through(value)
        assert isinstance(new, Model)
        assert [*new.images, new.more, new._kept] == [asset.data for asset in assets]
        assert value.images == [PNG]
        assert value.more == PNG

    def test_attribute_that_is_no_field_is_not_forgotten(self):
        value = Plain([PNG])
        value.cached = PNG + b" "
        new, assets = through(value)
        assert new.cached == assets[1].data

    def test_one_object_in_two_places_is_two_pictures(self):
        image = Image.fromarray(PIXELS)
        assert len(find([image, image]).pictures) == 2

    def test_but_not_if_a_class_keeps_it_in_both_its_items_and_its_attributes(self):
        new, assets = through(Ordered(images=[Image.fromarray(PIXELS)] * 2))
        assert len(assets) == 2
        assert new.images is new["images"]
        assert new.images[0].assets == (assets[0],)

    def test_unknown_things_are_refused_with_their_place(self):
        with pytest.raises(UnsupportedPicture, match=r"the value at \['a'\]\[1\]\.image is a obj"):
            find({"a": [1, SimpleNamespace(image=object())]})

    def test_and_left_alone_if_not_strict(self):
        thing = object()
        assert find([thing, b"no picture"], strict=False).replaced([])[0] is thing

    def test_address_of_a_picture_elsewhere_is_refused(self):
        with pytest.raises(UnsupportedPicture, match="is an address"):
            find({"url": "https://example.org/a.png"})

    def test_deep_and_circular_trees_are_refused(self):
        value: list[Any] = [PNG]
        value.append(value)
        with pytest.raises(TooLarge, match="nested deeper than 64"):
            find(value)

    def test_as_deep_as_allowed(self):
        value: Any = PNG
        for _ in range(containers.DEEPEST):
            value = [value]
        new, _ = through(value)
        for _ in range(containers.DEEPEST):
            (new,) = new
        assert isinstance(new, bytes)

    def test_too_many_values(self, monkeypatch):
        monkeypatch.setattr(containers, "MOST_VALUES", 100)
        with pytest.raises(TooLarge, match="more than 100 values"):
            find(list(range(100)), strict=False)

    def test_too_many_pictures(self):
        with pytest.raises(TooLarge, match="more than 1,024 pictures"):
            find(np.zeros((1_025, 8, 8, 3), np.uint8))


class TestArrays:
    """Layout, type and range stay; what is not clear is refused."""

    @pytest.mark.parametrize("channels", [1, 3, 4])
    @pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
    @pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
    @pytest.mark.parametrize("first", [False, True])
    def test_round_trip(self, channels, dtype, batch, first):
        rng = np.random.default_rng(channels)
        array = rng.integers(0, 256, (*batch, 24, 40, channels), dtype=np.uint8)
        if dtype != np.uint8:
            array = (array / 255).astype(dtype)
        if first:
            array = np.moveaxis(array, -1, -3)
        new, assets = through(array)
        assert (new.shape, new.dtype) == (array.shape, array.dtype)
        assert len(assets) == int(np.prod(batch, dtype=int))
        # A fourth channel that is not opaque stays with the colours, so that all can be compared.
        expected = 255 - array if dtype == np.uint8 else 1 - array.astype(np.float64)
        assert np.abs(new.astype(np.float64) - expected).max() <= (0 if dtype == np.uint8 else 2e-3)

    def test_gray(self):
        new, _ = through(PIXELS[:, :, 0])
        assert np.array_equal(new, 255 - PIXELS[:, :, 0])

    @pytest.mark.parametrize(("black", "white"), [(-1, 1), (0, 255), (0, 1)])
    def test_stated_range(self, black, white):
        array = (black + PIXELS.astype(np.float32) / 255 * (white - black)).astype(np.float32)
        new, _ = through(array, values=ValueRange(black, white))
        assert np.allclose(new, black + white - array, atol=1e-4 * (white - black))

    def test_what_is_outside_a_stated_range_is_cut(self):
        array = np.full((24, 24, 3), 1.3, np.float32)
        new, _ = through(array, values=ValueRange(-1, 1))
        assert np.array_equal(new, np.full_like(array, -1))

    @pytest.mark.parametrize("values", [(-0.2, 0.9), (0, 1.5), (0, 255)])
    def test_range_that_is_not_stated_is_not_guessed(self, values):
        array = np.linspace(*values, 24 * 24 * 3, dtype=np.float32).reshape(24, 24, 3)
        with pytest.raises(UnsupportedPicture, match="value_range"):
            find(array)

    @pytest.mark.parametrize(
        "array",
        [
            np.zeros(3, np.uint8),
            np.zeros((), np.uint8)[None],
            np.zeros((0, 4, 3), np.uint8),
            np.zeros((3, 24, 3), np.uint8),
            np.zeros((2, 4, 24, 3), np.uint8),
            np.zeros((24, 24, 2), np.uint8),
            np.zeros((5, 24, 24), np.uint8),
            np.zeros((24, 24), bool),
            np.zeros((24, 24), np.int64),
            np.zeros((24, 24), complex),
            np.zeros((24, 24), object),
            np.full((24, 24), np.nan),
            np.full((24, 24), np.inf),
        ],
        ids=range(13),
    )
    def test_what_is_no_picture_or_not_clear_is_refused(self, array):
        with pytest.raises(UnsupportedPicture):
            find([array])

    @pytest.mark.parametrize("values", [(1, 1), (1, 0), (0, np.nan), (-np.inf, 1)])
    def test_range_that_is_none(self, values):
        with pytest.raises(ConfigError):
            ValueRange(*values)

    @pytest.mark.parametrize("dtype", ["uint8", "float32", "float16", "bfloat16"])
    def test_tensors(self, dtype):
        torch = pytest.importorskip("torch")
        plain = torch.from_numpy(np.stack([PIXELS, PIXELS]).transpose(0, 3, 1, 2).copy())
        kind = getattr(torch, dtype)
        tensor = plain if kind is torch.uint8 else (plain / 255).to(kind).requires_grad_()
        new, assets = through(tensor)
        assert (new.shape, new.dtype, new.device) == (tensor.shape, tensor.dtype, tensor.device)
        assert len(assets) == 2
        expected = 255 - plain if kind is torch.uint8 else 1 - plain / 255
        assert (new.float() - expected.float()).abs().max() <= 1 / 128

    def test_sparse_tensor_is_refused(self):
        torch = pytest.importorskip("torch")
        with pytest.raises(UnsupportedPicture, match="sparse"):
            find(torch.zeros(24, 24).to_sparse())


class TestPictures:
    """Single pictures of other kinds."""

    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
    def test_pillow_keeps_its_mode(self, mode):
        new, _ = through([Image.fromarray(PIXELS).convert(mode)])
        assert new[0].mode == mode

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_bytes_keep_their_type(self, kind):
        new, assets = through(kind(PNG))
        assert type(new) is kind
        assert bytes(new) == assets[0].data

    def test_others(self):
        asset = asset_of(PIXELS)
        value = [io.BytesIO(PNG), Picture.from_array(PIXELS), asset]
        new, assets = through(value)
        assert new[0].getvalue() == assets[0].data
        assert np.array_equal(new[1].pixels, 255 - PIXELS)
        assert new[2] is assets[2]


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.sampled_from([PNG, B64, f"data:image/png;base64,{B64}"]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=5), inner, max_size=4),
        inner.map(lambda each: Plain([each])),
        inner.map(lambda each: Frozen([each])),
        inner.map(lambda each: Named(each, 1)),
        inner.map(lambda each: Ordered(a=each)),
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(TREES)
def test_any_tree_keeps_all_but_its_pictures(value):
    """Twice negative is the original."""
    once, assets = through(value)
    twice, again = through(once)
    assert len(assets) == len(again)
    assert same(twice, value)
    assert [asset.data for asset in assets] == find(once).pictures


def same(one: Any, two: Any) -> bool:
    """Equal in type and content, pictures by their pixels."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[k], two[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if dataclasses.is_dataclass(one):
        return same(vars(one), vars(two))
    pictures = find(one, strict=False).pictures
    if pictures:
        (mine,), (other,) = pictures, find(two).pictures
        return np.array_equal(Picture.open(mine).pixels, Picture.open(other).pixels)
    return bool(one == two)
