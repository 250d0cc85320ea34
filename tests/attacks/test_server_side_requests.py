"""A picture that names an address does not make us go there (CWE-918).

A PNG or JPEG can name a remote manifest in XMP (`dcterms:provenance`, C2PA 2.2 section 11.5), and
c2pa's defaults fetch it, also from inside a network: 127.0.0.1, 169.254.169.254.
"""

from __future__ import annotations

import contextlib
import http.server
import io
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from provenance import _c2pa
from provenance.errors import SigningFailed
from provenance.evidence import Status
from provenance.sign.file import carried
from provenance.sign.interface import Parent, Statement
from provenance.sign.sign import sign
from provenance.verify.verifier import Verifier
from tests import signed


class Server(http.server.HTTPServer):
    """Counts who came."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.hits.append(self.path)  # type: ignore[attr-defined]
        self.send_error(404)

    def log_message(self, *arguments: object) -> None:
        """Be silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def lure(server: Server, scene: np.ndarray) -> bytes:
    """A picture that names the server as the place of its manifest."""
    address = f"http://127.0.0.1:{server.server_port}/manifest.c2pa"
    info = PngInfo()
    info.add_itxt(
        "XML:com.adobe.xmp",
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" '
        f'dcterms:provenance="{address}"/></rdf:RDF></x:xmpmeta>',
    )
    buffer = io.BytesIO()
    Image.fromarray(scene).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def test_the_attack_works_with_c2pas_defaults(server, lure):
    """Holds the lure to be a lure: without it the tests below would prove nothing."""
    c2pa = _c2pa.load()
    with pytest.raises(c2pa.C2paError), c2pa.Context.from_dict({}) as context:
        c2pa.Reader(None, io.BytesIO(lure), context=context)
    assert server.hits == ["/manifest.c2pa"]


def test_verifying_goes_nowhere(server, lure):
    report = Verifier.standard(anchors=signed.anchors()).verify(lure)
    (evidence,) = report.find("credentials")
    assert evidence.code == "credentials.remote"
    assert evidence.status is Status.UNCHECKED
    assert report.verdict.outcome == "unknown"
    assert server.hits == []


def test_looking_for_a_history_goes_nowhere(server, lure):
    found = carried(lure, "image/png")
    assert found is not None
    assert found.code == "credentials.remote"
    assert server.hits == []


def test_taking_it_as_a_parent_goes_nowhere(server, lure):
    statement = Statement(signed.GENERATOR, parent=Parent(lure, "image/png"))
    with contextlib.suppress(SigningFailed):
        sign(signed.encoded(), statement, signed.signer(), signed.anchors())
    assert server.hits == []


def test_the_whole_pipeline_goes_nowhere(server, lure, pipeline):
    assert pipeline(lure).report.verdict.outcome == "verified"
    assert server.hits == []
