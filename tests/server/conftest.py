"""Pictures that a real pipeline issued, and a service over its registry."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from provenance import Asset, Config, Picture, Pipeline, Verifier, home
from provenance.codec.encode import encode
from provenance.picture import Encoding
from provenance.server.app import create_app
from provenance.server.page.shell import Notice
from provenance.sign.interface import Statement
from provenance.sign.sign import sign
from provenance.verify.remote import NotFetched
from tests.conftest import make_scene
from tests.server.service import Service, serving
from tests.signed import GENERATOR, signer

PROMPT = "a lighthouse that nobody may read about"


@pytest.fixture(scope="session")
def issuer(tmp_path_factory) -> Config:
    """A configuration with keys and a registry of its own."""
    made = home.create(tmp_path_factory.mktemp("issuer"), name="test-generator")
    return Config.load(made.config)


@pytest.fixture(scope="session")
def assets(issuer) -> tuple[Asset, Asset]:
    """A picture, and one that was made from another and so has a parent. Both are recorded."""
    pipeline = Pipeline.from_config(issuer)
    first = pipeline(make_scene(512, 640), prompt=PROMPT, encoding=".png")
    older = encode(Picture.from_array(make_scene(512, 512, seed=3)), Encoding("PNG"))
    second = pipeline(sign(older, Statement(GENERATOR), signer()).data)
    return first, second


@pytest.fixture(scope="session")
def registry(issuer, assets):
    """What the pipeline recorded."""
    kept = issuer.registry()
    yield kept
    kept.close()


@pytest.fixture(scope="session")
def service(issuer, registry):
    """The service over it."""
    app = create_app(registry, issuer.watermarkers(), public_url="https://example.org/c2pa/")
    with serving(app) as running:
        yield running


@pytest.fixture(scope="session")
def everything(issuer, registry):
    """The service with all of its parts: it verifies, protects, fetches, and has the page."""
    app = create_app(
        registry,
        issuer.watermarkers(),
        verifier=Verifier.from_config(issuer, looks=False),
        pipeline=Pipeline.from_config(replace(issuer, registry_url="", log_path=None)),
        fetch=fetch,
        notice=Notice("Example Pictures", "mailto:help@example.org", looks=False),
    )
    with serving(app) as running:
        yield running


FETCHED: dict[str, bytes] = {}
"""What is behind addresses, instead of the Internet."""


def fetch(url: str) -> bytes:
    if url not in FETCHED:
        raise NotFetched("the address leads into a private network")
    return FETCHED[url]


@pytest.fixture
def visitor(everything: Service):
    with everything.client() as made:
        yield made


@pytest.fixture
def client(service: Service):
    with service.client() as made:
        yield made


def jpeg(picture: Image.Image, quality: int = 80) -> bytes:
    """A JPEG without any metadata."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def opened(asset: Asset) -> Image.Image:
    return Image.open(io.BytesIO(asset.data)).convert("RGB")


def unissued(seed: int = 99) -> Picture:
    return Picture.from_array(make_scene(400, 520, seed=seed))
