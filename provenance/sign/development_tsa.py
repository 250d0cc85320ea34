"""A time-stamp authority for development: RFC 3161 on this machine, trusted by nobody but its root.

    with DevelopmentAuthority.create().serve() as url:
        sign(encoded, statement, signer, anchors, timestamp=Timestamp(url))

Its time is this machine's, and its keys live as long as the object.
"""

from __future__ import annotations

import hashlib
import http.server
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance.sign.timestamp_token import Response

POLICY = "1.3.6.1.4.1.62558.99.1"
"""Names no policy of anybody: a development authority has none."""

MAX_REQUEST = 4096
DAYS = 365


@dataclass(frozen=True, slots=True)
class DevelopmentAuthority:
    """Answers time-stamp requests.

    Attributes:
        anchors: the root in PEM: what a verifier trusts for time-stamps, and for nothing else.
    """

    anchors: bytes
    _certificate: x509.Certificate = field(repr=False)
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def create(cls, name: str = "Provenance development") -> DevelopmentAuthority:
        """Make a fresh root and a certificate for time-stamping alone (RFC 3161, section 2.3)."""
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _issue(f"{name} time-stamp root", root_key, None, root_key)
        leaf = _issue(f"{name} time-stamp authority", key, root, root_key)
        return cls(root.public_bytes(serialization.Encoding.PEM), leaf, key)

    def answer(self, request: bytes) -> bytes:
        """The DER TimeStampResp to a DER TimeStampReq; a refusal if it is none."""
        try:
            asked = tsp.TimeStampReq.load(request, strict=True)
            imprint, nonce = asked["message_imprint"], asked["nonce"].native
            _ = imprint.native
        except (ValueError, TypeError, KeyError):
            refusal = {"status": "rejection", "fail_info": {"bad_data_format"}}
            return bytes(Response({"status": refusal}).dump())
        content = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": imprint,
                "serial_number": secrets.randbits(63),
                "gen_time": datetime.now(UTC).replace(microsecond=0),
                **({} if nonce is None else {"nonce": nonce}),
            }
        )
        token = {"content_type": "signed_data", "content": self._signed(content.dump())}
        granted = {"status": {"status": "granted"}, "time_stamp_token": token}
        return bytes(Response(granted).dump())

    def _signed(self, content: bytes) -> Any:
        """CMS SignedData, with the certificate named as ESSCertIDv2 wants it (RFC 5816)."""
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        certificate = asn1_x509.Certificate.load(der)
        named = {"cert_hash": hashlib.sha256(der).digest()}
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
                {"type": "signing_certificate_v2", "values": [{"certs": [named]}]},
            ]
        )
        signature = self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        issuer = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": issuer}),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": signature,
        }
        return cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": cms.ParsableOctetString(content),
                },
                "certificates": [certificate],
                "signer_infos": [signer],
            }
        )

    @contextmanager
    def serve(self, port: int = 0, answer: Callable[[bytes], bytes] | None = None) -> Iterator[str]:
        """Answer HTTP requests on 127.0.0.1 until the `with` ends.

        Args:
            port: 0 for a free one.
            answer: stands in for `self.answer`, for tests of what goes wrong.

        Yields:
            The URL.
        """
        give = answer or self.answer

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self) -> None:
                size = self.headers.get("Content-Length", "")
                if not size.isdecimal() or int(size) > MAX_REQUEST:
                    self.send_error(413)
                    return
                body = give(self.rfile.read(int(size)))
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                del format, args

        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _issue(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """A root, or the authority's own certificate if an issuer is given."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.now(UTC) - timedelta(minutes=5)
    root = issuer is None
    usage = x509.KeyUsage(not root, False, False, False, False, root, root, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(root, 0 if root else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
        )
    )
    if not root:
        stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(stamping, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())
