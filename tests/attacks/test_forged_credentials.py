"""Attempts to have a picture called verified that is not what its signer signed."""

from __future__ import annotations

import http.server
import io
import json
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provenance import _c2pa
from provenance.evidence import Outcome, Status
from provenance.sign.development import DevelopmentChain, create
from provenance.sign.interface import Statement
from provenance.sign.local import LocalSigner
from provenance.sign.manifest import definition
from provenance.verify.verifier import Verifier
from tests import signed


def verified(data: bytes, *trusted: str) -> bool:
    report = Verifier.standard(anchors=trusted or signed.anchors()).verify(data)
    return report.verdict.outcome is Outcome.VERIFIED


def test_the_same_names_in_another_certificate_are_not_the_signer():
    """Anybody can make a certificate that says the same; only the key is the signer's."""
    twin = create("Test signers")
    forged = signed.signed(by=LocalSigner(twin.certificates, twin.key)).data
    assert signed.codes(forged, *signed.anchors()) == ["untrusted-signer"]
    assert not verified(forged)


def test_the_signers_chain_does_not_carry_over_to_another_key():
    """The trusted root, appended to a stranger's chain, proves nothing."""
    stranger = create("Stranger")
    chain = stranger.certificates + signed.chain().anchors
    forged = signed.signed(by=LocalSigner(chain, stranger.key)).data
    assert not verified(forged)


def test_a_manifest_moved_to_another_picture():
    moved = signed.with_store(signed.encoded(seed=8).data, signed.signed().manifest)
    assert signed.codes(moved, *signed.anchors()) == ["altered"]
    assert not verified(moved)


def test_two_manifest_stores():
    parts = signed.chunks(signed.signed().data)
    store = next(part for part in parts if part[0] == b"caBX")
    twice = signed.joined([parts[0], store, *parts[1:]])
    assert signed.codes(twice, *signed.anchors()) == ["unreadable"]


def test_a_trusted_parent_does_not_vouch_for_its_child():
    """A stranger opens a trusted picture and signs what they made of it."""
    stranger = create("Stranger")
    parent = signed.signed(seed=1)
    child = signed.signed(
        seed=2, parent=parent.data, by=LocalSigner(stranger.certificates, stranger.key)
    )
    (evidence, *_) = signed.examined(child.data, *signed.anchors())
    assert evidence.status is Status.CLAIMED
    assert not verified(child.data)


def test_one_bit_anywhere_in_what_is_signed():
    """Seeded bits of every signed box: the claim, each assertion and the signature itself."""
    made = signed.signed()
    store = signed.store_of(made.data)
    chance = random.Random(2)
    for label in ("c2pa.claim.v2", "c2pa.actions.v2", "c2pa.hash.data"):
        box = signed.content(store, label)
        for at in chance.sample(box, 8):
            forged = signed.with_store(made.data, signed.flipped(store, at))
            first = signed.examined(forged, *signed.anchors())[0]
            assert first.status is Status.FAILED, (label, at - box.start)
    # The signature is the last 64 bytes of its box; before it comes padding that nothing signs.
    signature = signed.content(store, "c2pa.signature")
    for at in chance.sample(signature[-64:], 8):
        forged = signed.with_store(made.data, signed.flipped(store, at))
        assert signed.examined(forged, *signed.anchors())[0].status is Status.FAILED


def test_one_bit_anywhere_in_the_pixels():
    data = signed.signed("JPEG").data
    chance = random.Random(3)
    start = data.rindex(b"\xff\xda") + 14
    for at in chance.sample(range(start, len(data) - 2), 12):
        assert signed.codes(signed.flipped(data, at), *signed.anchors()) == ["altered"]


def test_bits_and_cuts_anywhere_never_raise():
    """Mutants of each format: an answer for every one, and never better than for the original."""
    chance = random.Random(4)
    for kind in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF"):
        data = signed.signed(kind).data
        for _ in range(25):
            at = chance.randrange(16, len(data))
            mutant = chance.choice(
                [signed.flipped(data, at), data[:at], data[:at] + data[at + 1 :]]
            )
            (first, *_) = signed.examined(mutant, *signed.anchors())
            assert first.code.startswith("credentials.")


# An expired key and a time-stamp authority of one's own


CONFIGURATION = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[stamper]
basicConstraints = critical, CA:false
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
serial = serial
signer_cert = stamper.pem
certs = authority.pem
signer_key = stamper.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Iterator[str]:
    """The address of a time-stamp authority that anybody could run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder: Path = tmp_path_factory.mktemp("authority")
    (folder / "o.cnf").write_text(CONFIGURATION)
    (folder / "serial").write_text("01")

    def call(line: str) -> None:
        subprocess.run([openssl, *line.split()], cwd=folder, check=True, capture_output=True)

    key = "-newkey rsa:2048 -nodes -config o.cnf -subj /O=Home/CN=stamps"
    call(f"req -x509 {key} -keyout authority.key -out authority.pem -extensions authority")
    call(f"req -new {key} -keyout stamper.key -out stamper.csr")
    call(
        "x509 -req -in stamper.csr -CA authority.pem -CAkey authority.key -CAcreateserial "
        "-out stamper.pem -days 9 -extfile o.cnf -extensions stamper"
    )

    class Stamps(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "query").write_bytes(body)
            call("ts -reply -queryfile query -out answer -config o.cnf -section tsa")
            answer = (folder / "answer").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments: object) -> None:
            """Be silent."""

    with http.server.HTTPServer(("127.0.0.1", 0), Stamps) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def stamped(chain: DevelopmentChain, address: str, version: int) -> bytes:
    """A picture signed with c2pa alone: whoever holds the key need not use our code."""
    wanted = definition(Statement(signed.GENERATOR), "")
    del wanted["label"]
    wanted["claim_version"] = version
    c2pa = _c2pa.load()
    target = io.BytesIO()
    information = c2pa.C2paSignerInfo(b"es256", chain.certificates, chain.key, address.encode())
    with (
        c2pa.Context.from_dict({**_c2pa.settings(), "core": {}}) as context,
        c2pa.Signer.from_info(information) as handle,
        c2pa.Builder(json.dumps(wanted), context) as builder,
    ):
        builder.sign(handle, "image/png", io.BytesIO(signed.encoded().data), target)
    return target.getvalue()


def test_an_expired_key_with_a_home_made_time_stamp_is_not_trusted(authority):
    """c2pa-rs 0.91 takes any authority for claims in version 1, and then says *Trusted*."""
    start = datetime.now(UTC) - timedelta(days=1) + timedelta(seconds=3)
    leaked = create("Leaked", start=start, days=1)
    root = leaked.anchors.decode()
    pictures = [stamped(leaked, authority, version) for version in (1, 2)]
    assert [signed.codes(p, root) for p in pictures] == [["trusted"], ["trusted"]]
    assert signed.examined(pictures[0], root)[0].details["signed_at"] is None
    time.sleep(max(0.0, (leaked.expires - datetime.now(UTC)).total_seconds()) + 1.1)
    assert [signed.codes(p, root) for p in pictures] == [["expired"], ["expired"]]
    assert not any(verified(p, root) for p in pictures)
