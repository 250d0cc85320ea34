"""Any function that generates: same arguments, same types, and nothing unprotected comes out."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import functools
import inspect
import io
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provenance import Asset, Blocked, Config, Encoding, Pipeline, Verifier
from provenance.errors import (
    ConfigError,
    InputError,
    ModerationFailed,
    OutputError,
    TooSmall,
    UnsupportedPicture,
)
from provenance.integrations import callables
from provenance.integrations.callables import assets_of, protect
from provenance.moderate.interface import Action, Policy, Rule
from provenance.moderate.moderator import Moderator
from provenance.pipeline import Statements
from provenance.sign.interface import Generator
from provenance.testing import FakeWatermarker

LADDER = {Action.FLAG: 0.5, Action.BLOCK: 0.8}
RULE = Rule(LADDER, LADDER)
LOSSLESS = Encoding("WEBP", lossless=True)


class Scores:
    """Scores everything alike; remembers what it saw."""

    name = "test-scores"
    categories = ("nudity",)

    def __init__(self, *scores: float) -> None:
        self._scores = list(scores)
        self.seen: list[Any] = []

    def scores(self, subject: object) -> Mapping[str, float]:
        self.seen.append(subject)
        return {"nudity": self._scores.pop(0) if len(self._scores) > 1 else self._scores[0]}


def quick(
    config: Config,
    *,
    pictures: Scores | None = None,
    prompts: Scores | None = None,
    rule: Rule = RULE,
    recorder: Any = None,
) -> Pipeline:
    """A real pipeline with a mark that costs nothing."""
    watermarker = FakeWatermarker()
    return Pipeline(
        moderator=Moderator(
            Policy("test", {"nudity": rule}),
            (pictures or Scores(0.1),),
            (prompts,) if prompts else (),
        ),
        watermarker=watermarker,
        signer=config.signer(),
        verifier=Verifier.standard(anchors=config.anchors(), watermarkers=[watermarker]),
        says=Statements(Generator("test")),
        anchors=config.anchors(),
        recorder=recorder,
    )


@pytest.fixture(scope="session")
def fast(config: Config) -> Pipeline:
    """A pipeline that lets everything through."""
    return quick(config)


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    """A small picture."""
    return np.random.default_rng(5).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """A file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def shown(value: Any) -> np.ndarray:
    """Pixels of what came back."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Image.Image):
        return np.asarray(value.convert("RGB"))
    if isinstance(value, str) and value.startswith("data:"):
        value = value.partition(",")[2]
    if isinstance(value, str) and len(value) > 1_000:
        value = base64.b64decode(value, validate=True)
    if isinstance(value, bytes):
        value = io.BytesIO(value)
    return np.asarray(Image.open(value).convert("RGB"))


def is_marked(pixels: np.ndarray) -> bool:
    """Whether the fake mark is there."""
    from provenance.picture import Picture

    return FakeWatermarker().extract(Picture.from_array(pixels)).payload is not None


def run(coroutine: Any) -> Any:
    """To its end, with the loop's own warnings as errors."""
    return asyncio.run(coroutine, debug=True)


Pair = namedtuple("Pair", ["image", "seed"])


@dataclasses.dataclass(frozen=True)
class Output:
    """A result."""

    images: list[Any]
    seed: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class SlottedOutput:
    """Likewise."""

    images: list[Any]
    seed: int = 1


FORMS = {
    "pil": Image.fromarray,
    "array": lambda p: p,
    "float": lambda p: p.astype(np.float32) / 255,
    "bytes": png,
    "jpeg": lambda p: png(p, "PNG"),
    "base64": lambda p: base64.b64encode(png(p)).decode(),
    "data url": lambda p: f"data:image/png;base64,{base64.b64encode(png(p)).decode()}",
}
AROUND = {
    "itself": (lambda v: v, lambda v: v),
    "list": (lambda v: [v, v], lambda v: v[1]),
    "tuple": (lambda v: (v, 5), lambda v: v[0]),
    "dict": (lambda v: {"images": [v], "seed": 3}, lambda v: v["images"][0]),
    "namedtuple": (lambda v: Pair(v, 3), lambda v: v.image),
    "dataclass": (lambda v: Output([v]), lambda v: v.images[0]),
    "slots": (lambda v: SlottedOutput([v]), lambda v: v.images[0]),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("form", FORMS)
def test_same_types_come_back_marked_with_the_assets_beside(fast, pixels, form, around):
    put, get = AROUND[around]
    made = put(FORMS[form](pixels))
    result = protect(fast)(lambda: made)()
    assert isinstance(result, type(made))
    assert type(result).__name__ == type(made).__name__
    assets = assets_of(result)
    assert result.assets == assets
    assert len(assets) == (2 if around == "list" else 1)
    asset = assets[-1]
    assert asset.report.verdict.outcome == "verified"
    inner = shown(get(result))
    inner = np.rint(inner * 255).astype(np.uint8) if inner.dtype != np.uint8 else inner
    assert is_marked(inner)
    assert np.array_equal(inner, shown(asset.data))
    assert not is_marked(pixels)


def test_results_are_used_like_the_originals(fast, pixels):
    result = protect(fast)(lambda: {"images": [base64.b64encode(png(pixels)).decode()], "n": 1})()
    assert json.loads(json.dumps(result)) == result
    again = pickle.loads(pickle.dumps(result))
    assert again == result
    assert type(again) is dict
    for made in (pixels, (pixels,), [pixels], png(pixels)):
        kept = pickle.loads(pickle.dumps(protect(fast)(lambda made=made: made)()))
        assert type(kept) is type(made)
        assert assets_of(kept) == ()
    text = protect(fast)(lambda: base64.b64encode(png(pixels)).decode())()
    assert base64.b64decode(text) == text.assets[0].data
    assert type(text + "") is str


def test_pydantic_models(fast, pixels):
    pydantic = pytest.importorskip("pydantic")

    class Closed(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(frozen=True)
        b64_json: str

    class Open(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        b64_json: str

    text = base64.b64encode(png(pixels)).decode()
    for kind in (Closed, Open):
        result = protect(fast)(lambda kind=kind: kind(b64_json=text))()
        (asset,) = assets_of(result)
        assert type(result) is kind
        assert base64.b64decode(result.b64_json) == asset.data
        assert set(json.loads(result.model_dump_json())) == {"b64_json"}
        assert set(result.model_dump()) == {"b64_json"}


def test_a_field_called_assets_keeps_its_content(fast, pixels):
    @dataclasses.dataclass
    class Mine:
        image: Any
        assets: str

    result = protect(fast)(lambda: Mine(pixels, "mine"))()
    assert result.assets == "mine"
    assert isinstance(assets_of(result)[0], Asset)


@pytest.mark.parametrize(
    "made",
    [
        None,
        17,
        "a hill",
        {"image": 1},
        object(),
        {"image": object()},
        [[], {}],
        {"images": []},
        "https://example.org/a.png",
        b"",
        b"no picture",
        np.zeros(7),
        lambda: None,
    ],
    ids=range(13),
)
def test_what_is_not_known_is_an_error(fast, made):
    with pytest.raises(InputError):
        protect(fast)(lambda: made)()


@pytest.mark.parametrize("made", [[], ()])
def test_no_pictures_are_no_pictures(fast, made):
    assert protect(fast)(lambda: made)() == made


def test_broken_base64_is_an_error(fast, pixels):
    text = base64.b64encode(png(pixels)).decode()
    with pytest.raises(InputError):
        protect(fast)(lambda: {"b64_json": text[: len(text) // 2]})()


class TestKinds:
    """Every way in which a function can be one."""

    def test_decorator_and_function(self, fast, pixels):
        @protect(fast, encoding=LOSSLESS)
        def paint(prompt: str, *, steps: int = 3) -> bytes:
            """Paint."""
            assert steps
            return png(pixels)

        assert paint("x").assets[0].media_type == "image/webp"
        assert (paint.__name__, paint.__doc__) == ("paint", "Paint.")
        assert str(inspect.signature(paint)) == "(prompt: 'str', *, steps: 'int' = 3) -> 'bytes'"
        assert is_marked(protect(fast, lambda: pixels)())

    def test_methods(self, fast, pixels):
        class Model:
            @protect(fast)
            def paint(self, prompt):
                return self.made(prompt)

            @classmethod
            @protect(fast)
            def drawn(cls, prompt):
                return pixels

            @staticmethod
            @protect(fast)
            def sketched(prompt):
                return pixels

            def made(self, prompt):
                return pixels

            def __call__(self, prompt):
                return pixels

        model = Model()
        for call in (
            model.paint,
            Model.drawn,
            Model.sketched,
            protect(fast)(model.made),
            protect(fast)(model),
            protect(fast)(functools.partial(model.made, "x")),
        ):
            arguments = (
                () if isinstance(getattr(call, "__wrapped__", 0), functools.partial) else "x"
            )
            assert is_marked(call(*arguments))

    def test_class_is_refused(self, fast):
        with pytest.raises(ConfigError, match="is a class"):
            protect(fast)(Output)

    def test_coroutine(self, fast, pixels):
        @protect(fast)
        async def paint(prompt):
            await asyncio.sleep(0)
            return {"image": pixels}

        assert inspect.iscoroutinefunction(paint)
        result = run(paint("x"))
        assert is_marked(result["image"])
        assert len(result.assets) == 1

    def test_asynchronous_objects_and_partials(self, fast, pixels):
        class Model:
            async def __call__(self, prompt):
                return pixels

        for call in (protect(fast)(Model()), protect(fast)(functools.partial(Model(), prompt="x"))):
            assert inspect.iscoroutinefunction(call)
            arguments = {} if isinstance(call.__wrapped__, functools.partial) else {"prompt": "x"}
            assert is_marked(run(call(**arguments)))

    def test_function_that_returns_something_to_wait_for(self, fast, pixels):
        async def paint():
            return pixels

        async def paints():
            yield pixels

        async def main():
            assert is_marked(await protect(fast)(lambda made: made)(paint()))
            items = protect(fast)(lambda made: made)(paints())
            assert [is_marked(each) async for each in items] == [True]

        run(main())
        assert [is_marked(e) for e in protect(fast)(lambda: iter([pixels, pixels]))()] == [True] * 2

    def test_generator(self, fast, pixels):
        closed = []

        @protect(fast)
        def paint(prompt):
            try:
                got = yield pixels
                yield {"got": got, "image": pixels}
                yield None
            finally:
                closed.append(True)

        assert inspect.isgeneratorfunction(paint)
        items = paint("x")
        assert is_marked(next(items))
        assert items.send("word")["got"] == "word"
        assert next(items) is None
        items.close()
        assert closed == [True]

    def test_generator_stops_at_the_first_that_is_refused(self, config, pixels):
        made, closed = [], []

        def paint(prompt):
            try:
                for n in range(5):
                    made.append(n)
                    yield pixels
            finally:
                closed.append(True)

        items = protect(quick(config, pictures=Scores(0.1, 0.1, 0.9)))(paint)("x")
        out = [next(items), next(items)]
        with pytest.raises(Blocked):
            next(items)
        assert list(items) == []
        assert all(map(is_marked, out))
        assert made == [0, 1, 2]
        assert closed == [True]

    def test_generator_that_returns_at_its_end(self, fast, pixels):
        def paint():
            yield pixels
            return pixels

        items = protect(fast)(paint)()
        next(items)
        with pytest.raises(StopIteration) as end:
            next(items)
        assert is_marked(end.value.value)

    def test_asynchronous_generator(self, fast, pixels):
        closed = []

        @protect(fast)
        async def paint(prompt):
            try:
                for _ in range(3):
                    await asyncio.sleep(0)
                    yield [pixels]
            finally:
                closed.append(True)

        assert inspect.isasyncgenfunction(paint)

        async def main():
            items = paint("x")
            first = await anext(items)
            await items.aclose()
            return first, [item async for item in paint("x")]

        first, all_of_them = run(main())
        assert is_marked(first[0])
        assert [is_marked(item[0]) for item in all_of_them] == [True] * 3
        assert closed == [True, True]

    def test_asynchronous_generator_stops_too(self, config, pixels):
        made = []

        async def paint():
            for n in range(5):
                made.append(n)
                yield pixels

        async def main():
            items = protect(quick(config, pictures=Scores(0.1, 0.9)))(paint)()
            await anext(items)
            with pytest.raises(Blocked):
                await anext(items)
            with pytest.raises(StopAsyncIteration):
                await anext(items)

        run(main())
        assert made == [0, 1]

    def test_item_without_a_picture_is_an_error(self, fast, pixels):
        items = protect(fast)(lambda: iter(["50 %", pixels]))()
        with pytest.raises(UnsupportedPicture, match="no picture"):
            next(items)

    def test_errors_surface_as_themselves(self, fast):
        def fails():
            raise ZeroDivisionError

        async def fails_later():
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            protect(fast)(fails)()
        with pytest.raises(ZeroDivisionError):
            run(protect(fast)(fails_later)())

    def test_wrong_arguments_are_the_callers_mistake(self, fast, pixels):
        with pytest.raises(TypeError, match="prompt"):
            protect(fast)(lambda prompt: pixels)()

    def test_one_failing_picture_of_a_batch_returns_none(self, config, pixels):
        with pytest.raises(TooSmall):
            protect(quick(config))(lambda: {"a": pixels, "b": pixels[:5, :5]})()


class TestEventLoop:
    """Asynchronous functions never hold the loop up, and may be cancelled."""

    def test_loop_is_free_and_threads_are_few(self, config, pixels):
        class Watched(Scores):
            most = now = 0
            threads: set[int] = set()  # noqa: RUF012
            lock = threading.Lock()

            def scores(self, subject):
                with self.lock:
                    Watched.now += 1
                    Watched.most = max(Watched.most, Watched.now)
                    Watched.threads.add(threading.get_ident())
                time.sleep(0.01)
                with self.lock:
                    Watched.now -= 1
                return {"nudity": 0.1}

        async def paint(prompt):
            return pixels

        async def main():
            watched = Watched(0.1)
            generate = protect(quick(config, pictures=watched, prompts=watched))(paint)
            await asyncio.gather(*(generate("x") for _ in range(12)))
            return threading.get_ident()

        assert asyncio.run(main()) not in Watched.threads
        assert Watched.most <= (os.cpu_count() or 1)

    def test_prompt_is_refused_before_anything_runs(self, config, pixels):
        calls = []

        async def paint(prompt):
            calls.append(prompt)
            return pixels

        async def paints(prompt):
            calls.append(prompt)
            yield pixels

        def draws(prompt):
            calls.append(prompt)
            yield pixels

        pipeline = quick(config, prompts=Scores(0.9))
        with pytest.raises(Blocked):
            run(protect(pipeline)(paint)("x"))
        with pytest.raises(Blocked):
            run(anext(protect(pipeline)(paints)("x")))
        with pytest.raises(Blocked):
            next(protect(pipeline)(draws)("x"))
        assert calls == []

    def test_regenerates(self, config, pixels):
        rule = Rule({Action.REGENERATE: 0.5}, LADDER)
        calls = []

        async def paint(prompt):
            calls.append(prompt)
            return [pixels]

        pipeline = quick(config, pictures=Scores(0.9, 0.1), rule=rule)
        result = run(protect(pipeline)(paint)("x"))
        assert calls == ["x", "x"]
        assert is_marked(result[0])

    def test_cancelled_while_generating(self, fast, pixels):
        stopped = []

        async def paint():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                stopped.append(True)
                raise

        async def main():
            task = asyncio.create_task(protect(fast)(paint)())
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        run(main())
        assert stopped == [True]

    def test_cancelled_while_protecting_leaves_no_unmarked_file(self, config, pixels, tmp_path):
        begun, go_on = threading.Event(), threading.Event()

        class Waits(Scores):
            def scores(self, subject):
                begun.set()
                assert go_on.wait(30)
                return {"nudity": 0.9}

        async def paint(n):
            path = tmp_path / f"{n}.png"
            path.write_bytes(png(pixels))
            return path

        async def main():
            generate = protect(quick(config, pictures=Waits(0.9)))(paint)
            count = 3 * (os.cpu_count() or 1)
            tasks = [asyncio.create_task(generate(n)) for n in range(count)]
            await asyncio.to_thread(begun.wait, 30)
            while len(list(tmp_path.iterdir())) < count:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            go_on.set()
            for _ in range(300):
                if not list(tmp_path.iterdir()):
                    break
                await asyncio.sleep(0.05)
            return [task.cancelled() for task in tasks]

        assert all(run(main()))
        assert list(tmp_path.iterdir()) == []


class TestFiles:
    """A file that a generator leaves is the protected one, or none."""

    @staticmethod
    def writer(path: Path, data: bytes, given: type = Path) -> Any:
        def paint():
            path.write_bytes(data)
            return given(path)

        return paint

    @pytest.mark.parametrize("given", [Path, str])
    def test_in_its_place(self, fast, pixels, tmp_path, given):
        path = tmp_path / "a.png"
        result = protect(fast)(self.writer(path, png(pixels), given))()
        assert result == given(path)
        assert isinstance(result, given)
        assert path.read_bytes() == result.assets[0].data
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize(("name", "encoding"), [("a.gif", None), ("a.png", LOSSLESS)])
    def test_another_format_gets_another_suffix(self, fast, pixels, tmp_path, name, encoding):
        path = tmp_path / name
        kind = path.suffix[1:].upper()
        result = protect(fast, encoding=encoding)(self.writer(path, png(pixels, kind)))()
        assert result == path.with_suffix(".webp" if encoding else ".png")
        assert list(tmp_path.iterdir()) == [result]
        assert result.read_bytes() == result.assets[0].data

    def test_behind_a_link(self, fast, pixels, tmp_path):
        (tmp_path / "real").mkdir()
        real, link = tmp_path / "real" / "a.png", tmp_path / "link.png"
        link.symlink_to(real)
        result = protect(fast)(self.writer(link, png(pixels)))()
        assert link.is_symlink()
        assert real.read_bytes() == result.assets[0].data

    @pytest.mark.parametrize("around", [lambda p: p, lambda p: {"a": object(), "path": p}])
    def test_refused_picture_is_deleted(self, config, pixels, tmp_path, around):
        path = tmp_path / "a.png"
        paint = self.writer(path, png(pixels))
        with pytest.raises((Blocked, InputError)):
            protect(quick(config, pictures=Scores(0.9)))(lambda: around(paint()))()
        assert list(tmp_path.iterdir()) == []

    def test_file_that_was_there_before_is_not_touched(self, fast, pixels, tmp_path):
        path = tmp_path / "original.png"
        path.write_bytes(png(pixels))
        before = path.read_bytes()
        reader = callables.find
        with pytest.raises(UnsupportedPicture, match="was there before"):
            reader(path, files_since=time.time() + 60)
        assert path.read_bytes() == before

    def test_disk_error_leaves_no_unmarked_file(self, fast, pixels, tmp_path):
        one, two = tmp_path / "a.png", tmp_path / "b.gif"

        def paint():
            one.write_bytes(png(pixels))
            two.write_bytes(png(pixels, "GIF"))
            two.with_suffix(".png").mkdir()  # in the way
            return [one, two]

        with pytest.raises(OutputError):
            protect(fast)(paint)()
        assert not two.exists()
        assert is_marked(shown(str(one)))

    def test_regenerated_into_the_same_file(self, config, pixels, tmp_path):
        rule = Rule({Action.REGENERATE: 0.5}, LADDER)
        path, n = tmp_path / "a.png", iter(range(9))

        def paint():
            path.write_bytes(png(np.roll(pixels, next(n))))
            return path

        result = protect(quick(config, pictures=Scores(0.9, 0.1), rule=rule))(paint)()
        assert path.read_bytes() == result.assets[0].data

    @pytest.mark.parametrize("name", ["a.txt", "missing.png", ""])
    def test_path_without_a_picture(self, fast, tmp_path, name):
        (tmp_path / "a.txt").write_text("words")
        with pytest.raises(InputError):
            protect(fast)(lambda: tmp_path / name)()

    def test_video_behind_a_text_is_refused(self, fast, pixels, tmp_path):
        path = tmp_path / "a.mp4"
        path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(99))
        with pytest.raises(UnsupportedPicture):
            protect(fast)(lambda: {"image": pixels, "video": str(path)})()


class TestTwice:
    """What is finished is passed on, not marked again."""

    @pytest.mark.parametrize("around", ["itself", "list", "dict", "dataclass", "namedtuple"])
    @pytest.mark.parametrize("form", FORMS)
    def test_nested(self, fast, pixels, form, around):
        made = AROUND[around][0](FORMS[form](pixels))
        inner = protect(fast)(lambda: made)()
        outer = protect(fast)(lambda: inner)()
        assert outer is inner
        assert assets_of(outer) == assets_of(inner)

    def test_asset_and_its_bytes(self, fast, pixels):
        asset = fast(pixels)
        assert protect(fast)(lambda: asset)() is asset
        result = protect(fast)(lambda: [asset, asset.data, pixels])()
        assert result[0] is asset
        assert result[1] == asset.data
        assert [each.manifest_id for each in result.assets[:2]] == [asset.manifest_id] * 2
        assert result.assets[1].watermark_id == asset.watermark_id
        assert result.assets[2].manifest_id != asset.manifest_id
        assert is_marked(result[2])

    def test_file(self, fast, pixels, tmp_path):
        path = tmp_path / "a.png"

        def paint():
            fast(pixels).save(path)
            return path

        result = protect(fast)(paint)()
        assert result.assets[0].data == path.read_bytes()

    @pytest.mark.parametrize("form", ["pil", "array"])
    def test_altered_pixels_are_marked_again(self, fast, pixels, form):
        inner = protect(fast)(lambda: FORMS[form](pixels))()
        if form == "pil":
            inner.putpixel((50, 40), (1, 2, 3))
        else:
            inner[40, 50] = (1, 2, 3)
        outer = protect(fast)(lambda: inner)()
        assert assets_of(outer) != assets_of(inner)
        assert np.array_equal(shown(outer), shown(outer.assets[0].data))

    def test_somebody_elses_asset_is_protected(self, fast, pixels, tmp_path):
        from provenance import home

        stranger = quick(Config.load(home.create(tmp_path / "other", name="stranger").config))
        theirs = stranger(pixels)
        result = protect(fast)(lambda: theirs)()
        assert isinstance(result, Asset)
        assert result.manifest_id != theirs.manifest_id


class TestTensors:
    """Of torch, without importing it for anybody else."""

    @pytest.mark.parametrize("layout", ["CHW", "NCHW", "NHWC"])
    def test_they_stay_tensors_and_are_not_marked_twice(self, fast, pixels, layout):
        torch = pytest.importorskip("torch")
        plain = torch.from_numpy(pixels.copy())
        tensor = plain if layout == "NHWC" else plain.permute(2, 0, 1)
        made = tensor if layout == "CHW" else tensor[None]
        inner = protect(fast)(lambda: {"images": made})()
        assert inner["images"].shape == made.shape
        assert len(inner.assets) == 1
        assert protect(fast)(lambda: inner)() is inner
        relation = TestInputs.history(fast, lambda image: pixels, made)[0]
        assert relation == ["inputTo"]

    def test_torch_is_not_imported(self):
        code = (
            "import sys, numpy as np\n"
            "from provenance.integrations.callables import protect\n"
            "from provenance.integrations.containers import find\n"
            "find([np.zeros((9, 9, 3), np.uint8)])\n"
            "assert not {'torch', 'pydantic', 'attr'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


class TestPrompts:
    """What a picture is generated from is moderated, wherever it stands."""

    @pytest.mark.parametrize(
        ("function", "arguments"),
        [
            (lambda prompt: 0, ("bad",)),
            (lambda seed, *, prompt="bad": 0, (3,)),
            (lambda text: 0, ("bad",)),
            (lambda request: 0, ({"prompt": "bad"},)),
            (lambda request: 0, ({"input": {"prompt": "bad"}},)),
            (lambda requests: 0, ([{"prompt": "good"}, {"prompt": "bad"}],)),
            (lambda request: 0, (Output([], "x"),)),
        ],
        ids=range(7),
    )
    def test_in_every_place(self, config, function, arguments):
        prompts = Scores(0.9)

        @dataclasses.dataclass
        class Request:
            prompt: str

        arguments = tuple(Request("bad") if isinstance(a, Output) else a for a in arguments)
        with pytest.raises(Blocked):
            protect(quick(config, prompts=prompts))(function)(*arguments)

    def test_of_a_method_without_the_name(self, config, pixels):
        class Model:
            @protect(quick(config, prompts=Scores(0.9)))
            def paint(self, text):
                return pixels

        with pytest.raises(Blocked):
            Model().paint("x")

    def test_under_a_name_of_your_own(self, config, pixels):
        prompts = Scores(0.1)
        paint = protect(quick(config, prompts=prompts), prompt="caption")
        paint(lambda seed, caption, style: pixels)(1, "a hill", "style")
        assert prompts.seen == ["a hill"]
        with pytest.raises(ModerationFailed):
            paint(lambda caption: pixels)({"a": 1})
        with pytest.raises(ConfigError, match="no argument 'caption'; it has text"):
            paint(lambda text: pixels)

    def test_functions_without_a_known_signature(self, fast, pixels):
        made = iter([pixels])
        assert is_marked(protect(fast)(made.__next__)())


class TestInputs:
    """What a generator is given to see becomes the history of its result."""

    @staticmethod
    def history(pipeline: Pipeline, function: Any, *args: Any, edits: Any = None, **kw: Any) -> Any:
        """Relations of the ingredients, and the actions."""
        asset = protect(pipeline, edits=edits)(function)(*args, **kw).assets[0]
        details = asset.report.evidence[0].details
        relations = [i["relationship"] for i in details.get("ingredients", ())]
        return relations, [a["action"] for a in details["actions"]]

    @pytest.mark.parametrize("form", [*FORMS, "path", "text", "stream"])
    def test_img2img(self, fast, pixels, tmp_path, form):
        path = tmp_path / "in.png"
        path.write_bytes(png(pixels))
        given = {"path": path, "text": str(path), "stream": io.BytesIO(png(pixels))}
        image = given.get(form) or FORMS[form](pixels)
        relations, actions = self.history(fast, lambda prompt, image: pixels, "x", image)
        assert relations == ["inputTo"]
        assert "c2pa.edited" not in actions

    def test_inpainting(self, fast, pixels):
        image = Image.fromarray(pixels)
        function = lambda prompt, image, mask_image: image  # noqa: E731
        relations, actions = self.history(fast, function, "x", image, image.convert("L"))
        assert sorted(relations) == ["inputTo", "parentOf"]
        assert "c2pa.edited" in actions

    def test_named_edit(self, fast, pixels):
        function = lambda picture, style_image: pixels  # noqa: E731
        relations, actions = self.history(fast, function, pixels, pixels, edits="picture")
        assert sorted(relations) == ["inputTo", "parentOf"]
        assert "c2pa.edited" in actions

    def test_many(self, fast, pixels):
        image = Image.fromarray(pixels)

        def paint(prompt, control_image, ip_adapter_image=None, **more):
            return pixels

        relations, _ = self.history(
            fast,
            paint,
            "x",
            [image, image],
            request={"reference": pixels, "options": {"init_image": png(pixels)}},
            anything=image,
        )
        assert relations == ["inputTo"] * 5

    def test_what_is_no_input(self, fast, pixels):
        def paint(prompt, latents, image=None, num_images=4, image_size=(64, 64), out="x.png"):
            return pixels

        relations, _ = self.history(fast, paint, "x", np.zeros((4, 64, 64)))
        assert relations == []

    def test_array_that_cannot_be_read_is_said(self, fast, pixels):
        with pytest.raises(UnsupportedPicture, match="values from -1 to 1"):
            protect(fast)(lambda image: pixels)(np.linspace(-1, 1, 48 * 64 * 3).reshape(48, 64, 3))

    def test_history_of_protected_pixels_is_kept(self, fast, pixels):
        first = protect(fast)(lambda: Image.fromarray(pixels))()
        second = protect(fast)(lambda image: pixels)(first)
        assert first.assets[0].manifest_id.encode() in second.assets[0].data


class TestRange:
    """Of floats."""

    def test_stated(self, fast, pixels):
        made = (pixels.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        result = protect(fast, value_range=(-1, 1))(lambda: made)()
        assert (result.shape, result.dtype) == (made.shape, made.dtype)
        back = np.rint((result[0].transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)
        assert np.array_equal(back, shown(result.assets[0].data))
        assert is_marked(back)

    def test_not_stated(self, fast, pixels):
        with pytest.raises(UnsupportedPicture, match="value_range"):
            protect(fast)(lambda: pixels.astype(np.float32) / 127.5 - 1)()

    def test_none(self, fast):
        with pytest.raises(ConfigError):
            protect(fast, value_range=(1, -1))(lambda: 0)


class TestWrap:
    """`Pipeline.wrap`: the same, with assets in place of what was returned."""

    def test_of_every_kind(self, fast, pixels):
        async def paint():
            return pixels

        def paints():
            yield [pixels]

        assert isinstance(run(fast.wrap(paint)()), Asset)
        assert [len(item) for item in fast.wrap(paints)()] == [1]
        (asset,) = fast.wrap(lambda: {"images": [pixels]})()
        assert isinstance(asset, Asset)

    def test_files_do_not_stay_unmarked(self, fast, pixels, tmp_path):
        path = tmp_path / "a.png"
        asset = fast.wrap(TestFiles.writer(path, png(pixels)))()
        assert path.read_bytes() == asset.data

    def test_finished_ones_are_passed_on(self, fast, pixels):
        asset = fast(pixels)
        assert fast.wrap(lambda: asset)() is asset


def test_standard_pipeline(pipeline, scene):
    """With the real mark, end to end."""
    result = protect(pipeline)(lambda prompt: {"images": [Image.fromarray(scene)]})("a hill")
    asset = result.assets[0]
    assert asset.report.verdict.outcome == "verified"
    assert pipeline.issued(asset.data)
    assert np.array_equal(np.asarray(result["images"][0]), shown(asset.data))


def test_example(config, tmp_path):
    example = Path(__file__).parents[2] / "examples" / "protect_a_function.py"
    done = subprocess.run(
        [sys.executable, example],
        cwd=tmp_path,
        env={**os.environ, "PROVENANCE_CONFIG": str(config.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Output: 2 pictures, seed 0" in done.stdout
    assert "made from 1 picture: inputTo" in done.stdout
    assert done.stdout.count("watermark ") == 2
