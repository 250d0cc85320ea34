"""AWS KMS: as `moto` plays it, and at an endpoint of ours for what moto does not do as AWS does.

moto hashes messages that are marked as digests once more, and salts PSS as long as it can.
"""

from __future__ import annotations

import base64
import http.server
import json
import threading
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from provenance.errors import SigningFailed
from provenance.sign.callback import pss
from provenance.sign.kms import KmsSigner
from tests import signed
from tests.sign.chains import issued

REGION = "eu-central-1"
SPECS = {"es256": "ECC_NIST_P256", "es384": "ECC_NIST_P384"}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of botocore and moto


@pytest.fixture
def kms(monkeypatch):
    """A client of a KMS in this process."""
    boto3 = pytest.importorskip("boto3")
    moto = pytest.importorskip("moto")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        yield boto3.client("kms", region_name=REGION)


def made(kms, spec: str) -> tuple[str, bytes, str]:
    """A new key's id, and a chain for it with its root."""
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    return key, *issued(public)


@pytest.mark.parametrize("algorithm", SPECS)
def test_every_algorithm_is_signed_and_trusted(algorithm, kms):
    key, leaf, root = made(kms, SPECS[algorithm])
    signer = KmsSigner(key, leaf, region=REGION)
    assert signer.algorithm == algorithm
    assert signed.codes(signed.signed(by=signer).data, root) == ["trusted"]


@contextmanager
def endpoint(key):
    """The action Sign of the KMS API over HTTP, with PSS and digests as AWS has them."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            message = base64.b64decode(body["Message"])
            hashed = hashes.SHA256()
            if body["MessageType"] == "DIGEST":
                hashed = utils.Prehashed(hashed)
            if body["SigningAlgorithm"] == "RSASSA_PSS_SHA_256":
                found = key.sign(message, pss(), hashed)
            elif body["SigningAlgorithm"] == "ECDSA_SHA_256":
                found = key.sign(message, ec.ECDSA(hashed))
            else:
                found = key.sign(message)
            answer = json.dumps({"Signature": base64.b64encode(found).decode()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["es256", "ps256", "ed25519"],
)
def test_short_messages_go_whole_and_long_ones_as_digests(key, monkeypatch):
    pytest.importorskip("boto3")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    leaf, root = issued(key)
    with endpoint(key) as (url, asked):
        signer = KmsSigner("key", leaf, region=REGION, endpoint_url=url)
        assert signed.codes(signed.signed(by=signer).data, root) == ["trusted"]
        assert signer.signature(bytes(4097))
    long = "RAW" if signer.algorithm == "ed25519" else "DIGEST"
    assert [a["MessageType"] for a in asked] == ["RAW", long]


def test_a_key_that_is_not_there_or_disabled_is_named(kms):
    key, leaf, _ = made(kms, "ECC_NIST_P256")
    with pytest.raises(SigningFailed, match="the KMS key nope gave no signature: NotFoundExcep"):
        signed.signed(by=KmsSigner("nope", leaf, region=REGION))
    _, other, _ = made(kms, "ECC_NIST_P256")
    with pytest.raises(SigningFailed, match="check that the certificate belongs to the key"):
        signed.signed(by=KmsSigner(key, other, region=REGION))


def test_a_kms_that_is_down_is_given_up_in_time(monkeypatch):
    pytest.importorskip("boto3")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    leaf = signed.chain().certificates
    signer = KmsSigner(
        "key", leaf, region=REGION, endpoint_url="http://127.0.0.1:9/", timeout_s=0.2
    )
    with pytest.raises(SigningFailed, match="gave no signature: EndpointConnectionError"):
        signed.signed(by=signer)


def test_without_a_region_it_says_so(monkeypatch, tmp_path):
    pytest.importorskip("boto3")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(SigningFailed, match=r"NoRegionError; check .* region and credentials"):
        signed.signed(by=KmsSigner("key", signed.chain().certificates))
