"""Time-stamps: a deadline of our own, checked answers, and the rule for when there are none."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance import _c2pa
from provenance.errors import SigningFailed
from provenance.sign.callback import CallbackSigner
from provenance.sign.development_tsa import DevelopmentAuthority
from provenance.sign.interface import Statement
from provenance.sign.relay import MAX_ANSWER, relay
from provenance.sign.sign import Signed, sign
from provenance.sign.timestamp import Timestamp
from provenance.sign.timestamp_token import BadToken, check
from tests import signed
from tests.sign.chains import PEM, pem


@pytest.fixture(scope="module")
def authority() -> DevelopmentAuthority:
    return DevelopmentAuthority.create()


def stamped(timestamp: Timestamp) -> Signed:
    return sign(
        signed.encoded(),
        Statement(signed.GENERATOR),
        signed.signer(),
        signed.anchors(),
        timestamp=timestamp,
    )


def codes(data: bytes, *anchors: str) -> set[str]:
    """c2pa's own codes for the time-stamp."""
    c2pa = _c2pa.load()
    with (
        _c2pa.context(anchors) as context,
        c2pa.Reader(None, io.BytesIO(data), context=context) as r,
    ):
        results = json.loads(r.json())["validation_results"]["activeManifest"]
    found = {e["code"] for kind in results.values() for e in kind}
    return {code for code in found if code.startswith("timeStamp")}


def request(nonce: int | None = 7) -> bytes:
    asked = {
        "version": "v1",
        "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": bytes(32)},
        "cert_req": True,
    }
    return tsp.TimeStampReq(asked if nonce is None else {**asked, "nonce": nonce}).dump()


def test_a_stamp_is_in_the_file_and_holds(authority):
    with authority.serve() as url:
        made = stamped(Timestamp(url))
    assert made.stamp.failure == ""
    assert abs(made.stamp.time - datetime.now(UTC)) < timedelta(minutes=1)
    assert signed.codes(made.data, *signed.anchors()) == ["trusted"]
    root = authority.anchors.decode()
    assert {"timeStamp.validated", "timeStamp.trusted"} <= codes(made.data, root)


def test_without_an_authority_none_is_asked():
    assert signed.signed().stamp is None


def test_a_callback_signer_gets_a_stamp_too(authority):
    key = serialization.load_pem_private_key(signed.chain().key, None)
    signer = CallbackSigner(
        lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())), signed.chain().certificates
    )
    with authority.serve() as url:
        made = sign(signed.encoded(), Statement(signed.GENERATOR), signer, timestamp=Timestamp(url))
    assert made.stamp.time is not None
    assert "timeStamp.validated" in codes(made.data)


# What goes wrong


def _other(authority: DevelopmentAuthority, change) -> bytes:
    """The answer to a changed request."""

    def answer(body: bytes) -> bytes:
        asked = tsp.TimeStampReq.load(body)
        change(asked)
        return authority.answer(asked.dump(force=True))

    return answer


def _nonce(asked) -> None:
    asked["nonce"] = asked["nonce"].native + 1


def _imprint(asked) -> None:
    asked["message_imprint"]["hashed_message"] = bytes(32)


def _forged(authority: DevelopmentAuthority):
    def answer(body: bytes) -> bytes:
        good = authority.answer(body)
        return good[:-1] + bytes([good[-1] ^ 1])

    return answer


BAD = {
    "garbage": (lambda a: lambda body: b"garbage", "is no RFC 3161 time-stamp"),
    "empty": (lambda a: lambda body: b"", "is no RFC 3161 time-stamp"),
    "the request": (lambda a: lambda body: body, "is no RFC 3161 time-stamp"),
    "cut": (lambda a: lambda body: a.answer(body)[:-50], "is no RFC 3161 time-stamp"),
    "refusal": (lambda a: lambda body: a.answer(b"?"), "it refused: rejection bad_data_format"),
    "wrong nonce": (lambda a: _other(a, _nonce), "another nonce than our request"),
    "other bytes": (lambda a: _other(a, _imprint), "for other bytes than ours"),
    "forged": (_forged, "signature of its time-stamp does not hold"),
    "endless": (lambda a: lambda body: bytes(MAX_ANSWER + 1), "more than 65,536 bytes"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_answer_fails_and_says_why(kind, authority):
    make, why = BAD[kind]
    with authority.serve(answer=make(authority)) as url, pytest.raises(SigningFailed, match=why):
        stamped(Timestamp(url))


@pytest.mark.parametrize("kind", ["garbage", "wrong nonce"])
def test_or_it_is_signed_without_and_says_so(kind, authority):
    make, why = BAD[kind]
    with authority.serve(answer=make(authority)) as url:
        made = stamped(Timestamp(url, "sign-without"))
    assert made.stamp.time is None
    assert why in made.stamp.failure
    assert made.stamp.authority == url
    assert signed.codes(made.data, *signed.anchors()) == ["trusted"]
    assert codes(made.data) == set()


@contextmanager
def listening(reply: bytes = b"", pause: float = 0.05):
    """A server that accepts, sends `reply` a byte at a time, and then is silent."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)  # closing it would not wake the thread
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            try:
                peer, _ = server.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with peer:
                try:
                    for byte in reply:
                        peer.send(bytes([byte]))
                        if done.wait(pause):
                            return
                    done.wait(10)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    finally:
        done.set()
        server.close()
        thread.join(5)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 999,
    ],
    ids=["silent", "trickling body", "trickling head"],
)
def test_our_deadline_holds_whatever_the_authority_does(reply):
    with listening(reply) as url:
        start = time.monotonic()
        with pytest.raises(SigningFailed, match=r"no answer within 0\.5 s"):
            stamped(Timestamp(url, timeout_s=0.5))
        assert time.monotonic() - start < 5
        made = stamped(Timestamp(url, "sign-without", timeout_s=0.2))
        assert "no answer within 0.2 s" in made.stamp.failure


def test_an_authority_that_is_down_or_redirects_or_fails():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SigningFailed, match="the connection was refused"):
        stamped(Timestamp(f"http://127.0.0.1:{port}/"))
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    with listening(head, 0) as url, pytest.raises(SigningFailed, match="HTTP status 302"):
        stamped(Timestamp(url))
    with (
        listening(b"SSH-2.0\r\n\r\n", 0) as url,
        pytest.raises(SigningFailed, match="no time-stamp by"),
    ):
        stamped(Timestamp(url, timeout_s=0.5))


def test_other_faults_are_not_blamed_on_the_authority(authority):
    from provenance.sign.sign import sign_bytes

    with authority.serve() as url, pytest.raises(SigningFailed, match="C2PA refused to sign"):
        sign_bytes(
            b"\x89PNG\r\n\x1a\n",
            "image/png",
            Statement(signed.GENERATOR),
            signed.signer(),
            timestamp=Timestamp(url, "sign-without"),
        )


def test_the_relay_serves_nobody_else(authority):
    with authority.serve() as url, relay(Timestamp(url)) as passing:
        base = passing.url.rsplit("/", 1)[0]
        with pytest.raises(urllib.error.HTTPError, match="502"):
            urllib.request.urlopen(f"{base}/", request(), timeout=5)
        with pytest.raises(urllib.error.HTTPError, match="413"):
            urllib.request.urlopen(passing.url, bytes(5000), timeout=5)
        assert passing.time is None
        with urllib.request.urlopen(passing.url, request(), timeout=5) as answer:
            assert check(request(), answer.read()) == passing.time
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(passing.url, request(), timeout=5)


def test_an_answer_with_a_nonce_that_was_not_asked_for_is_fine(authority):
    assert check(request(None), authority.answer(request(7)))
    with pytest.raises(BadToken, match="another nonce"):
        check(request(7), authority.answer(request(None)))


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://tsa.example.com/"},
        {"url": "tsa.example.com"},
        {"url": "http://user:secret@tsa.example.com/"},
        {"url": "http://tsa.example.com:99999/"},
        {"url": "http://tsa.example.com/", "on_failure": "ignore"},
        {"url": "http://tsa.example.com/", "timeout_s": 0},
        {"url": "http://tsa.example.com/", "timeout_s": float("nan")},
    ],
)
def test_settings_that_make_no_sense(options):
    with pytest.raises(ValueError) as info:
        Timestamp(**options)
    assert "secret" not in str(info.value)


def test_openssl_reads_our_development_answers(authority, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    (tmp_path / "q").write_bytes(request())
    (tmp_path / "r").write_bytes(authority.answer(request()))
    (tmp_path / "ca").write_bytes(authority.anchors)
    told = subprocess.run(
        ["openssl", "ts", "-verify", "-queryfile", "q", "-in", "r", "-CAfile", "ca"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Verification: OK" in told.stdout + told.stderr


PROXIED = """
import sys
from provenance.errors import SigningFailed
from provenance.sign.timestamp import Timestamp
from tests.sign.test_timestamp import stamped
try:
    print(stamped(Timestamp(sys.argv[1])).stamp.time)
except SigningFailed as error:
    print(error)
"""


PROXY = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}


@pytest.mark.parametrize("exempt", [None, "example.com", "127.0.0.1"])
def test_a_proxy_does_not_stand_between_us_and_ourselves(authority, exempt):
    """c2pa-rs heeds the proxy of the environment even for this machine, and reads it once."""
    plain = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    more = {} if exempt is None else {"no_proxy": exempt}
    with authority.serve() as url:
        told = subprocess.run(
            [sys.executable, "-c", PROXIED, url],
            env={**plain, **PROXY, **more},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
    assert "+00:00" in told.stdout


def test_the_environment_is_left_as_it_was(authority, monkeypatch):
    for name, value in PROXY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("no_proxy", "example.com")
    with authority.serve() as url:
        asked = Timestamp(url)
        with relay(asked), relay(asked):
            assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "example.com,127.0.0.1"
        assert "NO_PROXY" not in os.environ
        assert os.environ["no_proxy"] == "example.com"


def test_threads_have_a_relay_each(authority):
    before = threading.active_count()
    with authority.serve() as url, ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: stamped(Timestamp(url)), range(24)))
    assert all(m.stamp.time for m in made)
    assert threading.active_count() <= before


def test_an_error_of_the_key_is_not_blamed_on_the_authority(authority):
    class Locked(Exception):
        pass

    def fails(data: bytes) -> bytes:
        raise Locked

    signer = CallbackSigner(fails, signed.chain().certificates)
    with authority.serve() as url, pytest.raises(Locked):
        sign(
            signed.encoded(),
            Statement(signed.GENERATOR),
            signer,
            timestamp=Timestamp(url, "sign-without"),
        )


OPENSSL = """
[tsa]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha512
default_policy = 1.2.3.4
digests = sha256
"""


@pytest.mark.parametrize("usage", ["critical", "not critical"])
def test_answers_by_openssl_with_rsa(usage, tmp_path):
    """What most public authorities use; RFC 3161 wants the usage critical (section 2.3)."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "RSA time-stamps")])
    now = datetime.now(UTC)
    stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    signs = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + timedelta(days=1))
        .add_extension(stamping, critical=usage == "critical")
        .add_extension(signs, critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "tsa.pem").write_bytes(certificate.public_bytes(PEM))
    (tmp_path / "tsa.key").write_bytes(pem(key))
    (tmp_path / "cnf").write_text(OPENSSL)
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "q").write_bytes(request())
    told = subprocess.run(
        [
            "openssl",
            "ts",
            "-reply",
            "-config",
            "cnf",
            "-section",
            "tsa",
            "-queryfile",
            "q",
            "-out",
            "r",
        ],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    if told.returncode:  # it refuses such a certificate itself
        assert usage == "not critical"
        return
    answer = (tmp_path / "r").read_bytes()
    if usage == "critical":
        assert check(request(), answer) >= now.replace(microsecond=0)
        with pytest.raises(BadToken, match="does not hold"):
            check(request(), answer[:-1] + bytes([answer[-1] ^ 1]))
    else:
        with pytest.raises(BadToken, match="not for time-stamping alone"):
            check(request(), answer)
