"""A backend, a pipeline, and the proxy between: real servers on loopback."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from PIL import Image

from provenance import Config, Pipeline, Verifier
from provenance.errors import Blocked, HeldForReview, ModerationFailed
from provenance.moderate.interface import Action, Policy, Rule
from provenance.moderate.moderator import Moderator
from provenance.picture import Asset
from provenance.pipeline import Statements
from provenance.proxy.app import create_proxy
from provenance.proxy.limits import ProxyLimits
from provenance.sign.interface import Generator
from provenance.testing import FakeWatermarker
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.mark import MarkCheck
from tests.conftest import make_scene
from tests.proxy.backends import Backend
from tests.server.service import Service, serving

LADDER = {Action.FLAG: 0.5, Action.BLOCK: 0.8}


class Words:
    """Blocks prompts with `forbidden` in them, and keeps what it was shown."""

    name = "words/1"
    categories = ("nudity",)

    def __init__(self) -> None:
        self.seen: list[str] = []

    def scores(self, prompt: str) -> Mapping[str, float]:
        self.seen.append(prompt)
        return {"nudity": 0.9 if "forbidden" in prompt else 0.0}


class Kept:
    """A recorder that keeps the names of what it is told."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.errors: list[Exception] = []
        self.fails: Exception | None = None

    def issued(self, record) -> None:
        if self.fails is not None:
            raise self.fails
        self.ids.append(record.manifest_id)

    def refused(self, error: Blocked | HeldForReview | ModerationFailed) -> None:
        self.errors.append(error)


def build(config: Config, words: Words, kept: Kept | None = None, **slots: object) -> Pipeline:
    """A pipeline with a mark that costs nothing, and words that it refuses."""
    marker = slots.pop("watermarker", None) or FakeWatermarker()
    parts = {
        "moderator": Moderator(Policy("test", {"nudity": Rule(LADDER, LADDER)}), (), (words,)),
        "watermarker": marker,
        "signer": config.signer(),
        "verifier": Verifier((CredentialsCheck(config.anchors()), MarkCheck(marker))),
        "says": Statements(Generator("test")),
        "anchors": config.anchors(),
        "recorder": kept,
    }
    return Pipeline(**{**parts, **slots})


def png(seed: int = 7, side: int = 96, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(make_scene(side, side, seed)).save(buffer, kind)
    return buffer.getvalue()


@dataclass
class Stage:
    """All that a test works with."""

    backend: Backend
    pipeline: Pipeline
    words: Words
    kept: Kept
    proxy: Service
    upstream: Service
    assets: list[Asset] = field(default_factory=list)

    def client(self, **options) -> httpx.Client:
        return self.proxy.client(**options)

    def ours(self, data: bytes) -> bool:
        return self.pipeline.issued(data)


@contextmanager
def staged(
    config: Config, backend: Backend | None = None, *, pipeline: Pipeline | None = None, **options
) -> Iterator[Stage]:
    """The proxy before a backend; options are those of `create_proxy`."""
    backend = backend or Backend(png())
    words, kept = Words(), Kept()
    pipeline = pipeline or build(config, words, kept)
    assets: list[Asset] = []
    options = {"limits": ProxyLimits(workers=2), "on_asset": assets.append, **options}
    with ExitStack() as stack:
        upstream = stack.enter_context(serving(backend.app()))
        backend.url = upstream.url
        proxy = stack.enter_context(serving(create_proxy(pipeline, upstream.url, **options)))
        yield Stage(backend, pipeline, words, kept, proxy, upstream, assets)


@pytest.fixture
def stage(config) -> Iterator[Stage]:
    with staged(config) as made:
        yield made


@pytest.fixture
def client(stage) -> Iterator[httpx.Client]:
    with stage.client() as made:
        yield made
