"""A signing service over HTTP, by a real server on this machine: right, slow, wrong and hostile."""

from __future__ import annotations

import base64
import http.server
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils

from provenance.errors import KeyUnusable, SigningFailed
from provenance.sign.callback import pss
from provenance.sign.remote import RemoteSigner, Service
from tests import signed
from tests.sign.chains import PEM, certificate, issued
from tests.sign.test_timestamp import listening

P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()
TOKEN = "token-that-nobody-may-see"

Reply = tuple[int, bytes]


def honest(asked: dict[str, Any]) -> Reply:
    """A service of four keys that follows the protocol."""
    kind = asked["algorithm"]
    if kind == "ed25519":
        found = ED.sign(base64.b64decode(asked["data"]))
    elif "data" in asked:
        found = P256.sign(base64.b64decode(asked["data"]), ec.ECDSA(hashes.SHA256()))
    else:
        digest = base64.b64decode(asked["digest"])
        if kind == "ps256":
            found = RSA.sign(digest, pss(), utils.Prehashed(hashes.SHA256()))
        elif kind == "es384":
            found = P384.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA384())))
        else:
            found = P256.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    return 200, json.dumps({"signature": base64.b64encode(found).decode()}).encode()


@contextmanager
def serving(reply: Callable[[dict[str, Any]], Reply] = honest, tls: Any = None):
    """The service's URL, and the requests that it got."""
    requests: list[tuple[dict[str, str], dict[str, Any]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.append((dict(self.headers), asked))
            status, body = reply(asked)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}/sign", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def failing(reply, match: str, **options: Any) -> list:
    """Signing fails with `match`, without the token; the requests that the service got."""
    with serving(reply) as (url, requests):
        signer = RemoteSigner(Service(url, TOKEN, **options), issued(P256)[0])
        with pytest.raises(SigningFailed, match=match) as info:
            signed.signed(by=signer)
    assert TOKEN not in str(info.value)
    assert TOKEN not in repr(signer) + repr(signer._service)
    return requests


@pytest.mark.parametrize("key", [P256, P384, RSA, ED], ids=["es256", "es384", "ps256", "ed25519"])
def test_every_algorithm_is_signed_and_trusted(key):
    leaf, root = issued(key)
    with serving() as (url, requests):
        made = signed.signed(by=RemoteSigner(Service(url, TOKEN, key="release"), leaf))
    assert signed.codes(made.data, root) == ["trusted"]
    ((headers, asked),) = requests
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked["protocol"] == "provenance.sign/1"
    assert asked["key"] == "release"
    assert ("data" in asked) == (key is ED)


def test_the_bytes_themselves_can_be_sent():
    leaf, root = issued(P256)
    with serving() as (url, requests):
        made = signed.signed(by=RemoteSigner(Service(url, send_data=True), leaf))
    assert signed.codes(made.data, root) == ["trusted"]
    assert "digest" not in requests[0][1]
    assert "Authorization" not in requests[0][0]


def test_a_hiccup_is_retried_under_the_same_idempotency_key():
    answers = [(503, b""), (429, b"")]
    leaf, root = issued(P256)
    with serving(lambda asked: answers.pop() if answers else honest(asked)) as (url, requests):
        made = signed.signed(by=RemoteSigner(Service(url), leaf))
    assert signed.codes(made.data, root) == ["trusted"]
    assert len(requests) == 3
    assert len({headers["Idempotency-Key"] for headers, _ in requests}) == 1


def test_each_signature_has_an_idempotency_key_of_its_own():
    with serving() as (url, requests):
        signer = RemoteSigner(Service(url), issued(P256)[0])
        for _ in range(2):
            signed.signed(by=signer)
    assert len({headers["Idempotency-Key"] for headers, _ in requests}) == 2


@pytest.mark.parametrize(
    ("status", "match", "count"),
    [
        (401, "it refused the token .HTTP status 401", 1),
        (403, "it refused the token", 1),
        (404, "there is nothing at this URL", 1),
        (307, "it redirects .HTTP status 307., which is not followed", 1),
        (400, "HTTP status 400", 1),
        (500, "HTTP status 500", 2),
    ],
)
def test_a_refusal_is_named_and_not_quoted(status, match, count):
    body = f"your token is {TOKEN}".encode()
    assert len(failing(lambda asked: (status, body), match, retries=1)) == count


@pytest.mark.parametrize(
    "body",
    [b"", b"garbage", b"[]", b"{}", b'{"signature": 7}', b'{"signature": "!"}', b"[" * 9999],
)
def test_garbage_is_no_signature(body):
    failing(lambda asked: (200, body), "answered without a signature")


def test_a_wrong_or_huge_answer():
    wrong = base64.b64encode(bytes(64)).decode()
    reply = (200, json.dumps({"signature": wrong}).encode())
    failing(lambda asked: reply, "64 bytes that are not a es256 signature")
    failing(lambda asked: (200, bytes(20_000)), "more than 16,384 bytes", retries=0)


def test_a_slow_service_is_given_up_in_time():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b" " * 999
    for reply in (b"", head):
        with listening(reply) as url:
            signer = RemoteSigner(Service(url, timeout_s=0.5), issued(P256)[0])
            start = time.monotonic()
            with pytest.raises(SigningFailed, match="gave no signature: no answer within"):
                signed.signed(by=signer)
            assert time.monotonic() - start < 5


def test_a_service_that_is_down():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    signer = RemoteSigner(Service(f"http://127.0.0.1:{port}/", retries=0), issued(P256)[0])
    with pytest.raises(SigningFailed, match="the connection was refused"):
        signed.signed(by=signer)
    unknown = Service("https://signer.invalid/", retries=0, timeout_s=5)
    with pytest.raises(SigningFailed, match=r"its name is not known|the connection failed"):
        signed.signed(by=RemoteSigner(unknown, issued(P256)[0]))


def test_tls_is_verified(tmp_path):
    import ssl

    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = certificate("root", root_key.public_key(), "root", root_key, authority=True)
    leaf = certificate(
        "127.0.0.1",
        key.public_key(),
        "root",
        root_key,
        usages=[ExtendedKeyUsageOID.SERVER_AUTH],
        names=[x509.IPAddress(__import__("ipaddress").ip_address("127.0.0.1"))],
    )
    from tests.sign.chains import pem

    (tmp_path / "server.pem").write_bytes(leaf.public_bytes(PEM) + pem(key))
    (tmp_path / "ca.pem").write_bytes(root.public_bytes(PEM))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem")
    chain, anchor = issued(P256)
    with serving(tls=tls) as (url, requests):
        stranger = RemoteSigner(Service(url, TOKEN, retries=0), chain)
        with pytest.raises(SigningFailed, match="its TLS certificate is not trusted"):
            signed.signed(by=stranger)
        assert requests == []
        known = RemoteSigner(Service(url, TOKEN, ca_file=tmp_path / "ca.pem"), chain)
        assert signed.codes(signed.signed(by=known).data, anchor) == ["trusted"]
    with pytest.raises(KeyUnusable, match="cannot be read; expected a PEM file"):
        RemoteSigner(Service(url, ca_file=tmp_path / "missing"), chain)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://signer.example.com/"},
        {"url": "file:///etc/passwd"},
        {"url": "https://user:hidden@signer.example.com/"},
        {"url": "https://signer.example.com/", "timeout_s": -1},
        {"url": "https://signer.example.com/", "token": "hidden\r\nX: y"},
    ],
)
def test_settings_that_make_no_sense(options):
    with pytest.raises(ValueError) as info:
        Service(**options)
    assert "hidden" not in str(info.value)
