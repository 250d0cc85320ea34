"""Manifests that lie elsewhere: fetched only when asked, and never from the user's own network."""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from provenance import _c2pa
from provenance.codec.limits import Limits
from provenance.evidence import Evidence
from provenance.sign.interface import Statement
from provenance.sign.manifest import definition
from provenance.verify import remote
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Subject
from provenance.verify.remote import ManifestFetcher, NotFetched, is_public
from tests import signed
from tests.tls import tls_certificate


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("64:ff9b:1::a00:1", False),
        ("::7f00:1", False),
        ("::ffff:0:10.0.0.1", False),
        ("fec0::1", False),
        ("192.0.0.192", False),
    ],
)
def test_only_public_addresses_are_public(address, public):
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "file:///etc/passwd",
        "ftp://example.com/x",
        "https:///x",
        "https://user:secret@example.com/x",
        "https://example.com:99999/x",
        "https://example.com/x y",
        "https://example.com/x\r\nHost: other",
    ],
)
def test_malformed_and_other_addresses_are_not_asked(url, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("was resolved"))
    with pytest.raises(NotFetched):
        ManifestFetcher()(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "0x7f000001", "2130706433"])
def test_own_machine_is_refused_however_it_is_written(host):
    with pytest.raises(NotFetched, match=r"private network|did not answer"):
        ManifestFetcher()(f"https://{host}/manifest")


@pytest.fixture
def server(tmp_path) -> Iterator[tuple[str, ssl.SSLContext, dict[str, bytes], list[str]]]:
    certificate, key = tls_certificate(tmp_path)
    pages: dict[str, bytes] = {}
    hits: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/manifest")
                self.end_headers()
                return
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            if self.path == "/slow":
                for _ in range(50):
                    self.wfile.write(b".")
                    self.wfile.flush()
                    time.sleep(0.1)
                return
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.handle_error = lambda *_: None  # type: ignore[method-assign]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    trusting = ssl.create_default_context(cafile=str(certificate))
    yield f"https://127.0.0.1:{httpd.server_port}", trusting, pages, hits
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def fetcher(context: ssl.SSLContext) -> ManifestFetcher:
    return ManifestFetcher(permitted=lambda _: True, context=context)


def test_bytes_are_had(server):
    url, context, pages, _ = server
    pages["/manifest?x=1"] = b"store"
    assert fetcher(context)(f"{url}/manifest?x=1") == b"store"


def test_redirects_errors_and_strangers_are_refused(server):
    url, context, _, hits = server
    for path in ("/moved", "/none"):
        with pytest.raises(NotFetched, match="answered"):
            fetcher(context)(url + path)
    assert hits == ["/moved", "/none"]
    with pytest.raises(NotFetched, match="did not answer"):
        fetcher(ssl.create_default_context())(f"{url}/manifest")


def test_too_much_and_too_slow_are_cut(server, monkeypatch):
    url, context, pages, _ = server
    pages["/big"], pages["/slow"] = b"#" * 2000, b""
    monkeypatch.setattr(remote, "MAX_BYTES", 1000)
    with pytest.raises(NotFetched, match="has over"):
        fetcher(context)(f"{url}/big")
    monkeypatch.setattr(remote, "DEADLINE", 0.5)
    start = time.monotonic()
    with pytest.raises(NotFetched):
        assert fetcher(context)(f"{url}/slow") == b"." * 50
    assert time.monotonic() - start < 3


def elsewhere(address: str) -> tuple[bytes, bytes]:
    """A picture that names an address, and the manifest store that belongs there."""
    c2pa = _c2pa.load()
    out = io.BytesIO()
    wanted = definition(
        Statement(signed.GENERATOR), "urn:c2pa:0a1b2c3d-1111-4222-8333-444455556666"
    )
    with (
        _c2pa.context() as context,
        signed.signer().open() as handle,
        c2pa.Builder(wanted, context) as builder,
    ):
        builder.set_no_embed()
        builder.set_remote_url(address)
        source = io.BytesIO(signed.encoded("JPEG").data)
        store = builder.sign(handle, "image/jpeg", source, out)
    return out.getvalue(), bytes(store)


def examined(data: bytes, **options: object) -> Evidence:
    check = CredentialsCheck(signed.anchors(), **options)
    return check.examine(Subject(data, "image/jpeg", Limits()))[0]


def test_remote_credentials_are_judged_like_embedded_ones(server):
    url, context, pages, hits = server
    data, pages["/manifest"] = elsewhere(f"{url}/manifest")
    assert examined(data).code == "credentials.remote"
    assert hits == []
    assert examined(data, fetch=fetcher(context)).code == "credentials.trusted"
    pages["/manifest"] = b"rubbish"
    assert examined(data, fetch=fetcher(context)).code == "credentials.unreadable"


def test_remote_credentials_of_another_picture_do_not_fit(server):
    url, context, pages, _ = server
    data, store = elsewhere(f"{url}/manifest")
    pages["/manifest"] = store
    changed = bytearray(data)
    changed[-40] ^= 1
    found = examined(bytes(changed), fetch=fetcher(context))
    assert found.code in {"credentials.altered", "credentials.damaged"}


def test_refusal_to_fetch_is_told():
    data, _ = elsewhere("https://127.0.0.1:9/manifest")
    found = examined(data, fetch=ManifestFetcher())
    assert found.code == "credentials.remote"
    assert "private network" in found.details["error"]


def test_anchor_of_a_timestamp_authority_makes_no_signer_trusted():
    """c2pa 0.91 takes it for one."""
    data = signed.signed().data
    check = CredentialsCheck((), signed.anchors())
    assert check.examine(Subject(data, "image/png", Limits()))[0].code == (
        "credentials.untrusted-signer"
    )
