"""A signer behind HTTP: a small protocol that a signing service can answer in a few lines.

    POST <url>
    Authorization: Bearer <token>
    Idempotency-Key: <uuid, the same for each retry>
    Content-Type: application/json

    {"protocol": "provenance.sign/1", "algorithm": "es256", "key": "<as configured>",
     "digest": "<base64>"}                      or, for ed25519 and on wish, "data": "<base64>"

    200 {"signature": "<base64>"}               ECDSA as DER or r and s; RSA as PSS

The digest is SHA-256 (es384: SHA-384) of the COSE Sig_structure. A service that must see what it
signs asks for `data`, about 2 kB. Any other status refuses; 429 and 5xx are tried again until the
time is up. The picture never leaves this machine.
"""

from __future__ import annotations

import base64
import binascii
import json
import random
import ssl
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from provenance.errors import KeyUnusable, SigningFailed
from provenance.sign import _http
from provenance.sign.callback import CallbackSigner, digest

PROTOCOL = "provenance.sign/1"
MAX_ANSWER = 16 * 1024
_FIRST_PAUSE_S = 0.2
_BUSY = 429


@dataclass(frozen=True, slots=True)
class Service:
    """Where the signing service is, and how to speak with it.

    Attributes:
        url: https; http for this machine alone.
        token: sent as bearer token; secret.
        key: names the key, if the service has several.
        timeout_s: for one signature, retries included.
        retries: after refusals that may pass: no connection, 429, 5xx.
        send_data: send the bytes themselves, not their digest. Always so for ed25519.
        ca_file: PEM of the authorities of the service's TLS certificate; the system's by default.

    Raises:
        ValueError: one of these makes no sense.
    """

    url: str
    token: str = field(default="", repr=False)
    key: str = ""
    timeout_s: float = 10.0
    retries: int = 2
    send_data: bool = False
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        """Hold the promise that a token is never sent in the clear."""
        try:
            _http.check_url(self.url, secret=True)
        except ValueError as error:
            raise ValueError(f"the URL of the signing service cannot be used: {error}") from None
        if not 0 < self.timeout_s <= 300 or not 0 <= self.retries <= 10:
            raise ValueError("expected timeout_s up to 300 and at most 10 retries")
        if not self.token.isascii() or not self.token.isprintable():
            raise ValueError(
                "the token of the signing service has characters that HTTP cannot send"
            )


class RemoteSigner(CallbackSigner):
    """Signs through a service that speaks the protocol above.

    Args:
        service: where it is.
        certificates: the chain of its key in PEM, leaf first.

    Raises:
        KeyUnusable: the chain cannot sign claims.
    """

    def __init__(self, service: Service, certificates: bytes) -> None:
        self._service = service
        super().__init__(self._ask, certificates, source=f"the signing service {service.url}")
        self._tls: ssl.SSLContext | None = None
        if service.ca_file is not None:
            try:
                self._tls = ssl.create_default_context(cafile=str(service.ca_file))
            except OSError as error:
                raise KeyUnusable(
                    f"the authorities {service.ca_file} cannot be read; expected a PEM file"
                ) from error

    def _ask(self, data: bytes) -> bytes:
        """One signature, with retries under the same idempotency key."""
        service = self._service
        deadline = time.monotonic() + service.timeout_s
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        if service.token:
            headers["Authorization"] = f"Bearer {service.token}"
        body = self._request(data)
        pause, why = _FIRST_PAUSE_S, ""
        for attempt in range(service.retries + 1):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                answer = _http.post(
                    service.url,
                    body,
                    headers,
                    timeout_s=left,
                    limit=MAX_ANSWER,
                    context=self._tls,
                )
            except _http.RequestFailed as error:
                why = str(error)
            else:
                if answer.status == 200:
                    return self._signature(answer)
                why = _refusal(answer)
                if answer.status != _BUSY and answer.status < 500:
                    break
            if attempt < service.retries:
                # Jitter, so that many clients do not come back at the same moment.
                time.sleep(max(0.0, min(pause * random.uniform(0.5, 1), left)))  # noqa: S311
                pause *= 2
        raise SigningFailed(f"{self._source} gave no signature: {why}")

    def _request(self, data: bytes) -> bytes:
        whole = self._service.send_data or self.algorithm == "ed25519"
        sent = data if whole else digest(data, self.algorithm)
        return json.dumps(
            {
                "protocol": PROTOCOL,
                "algorithm": self.algorithm,
                "key": self._service.key,
                "data" if whole else "digest": base64.b64encode(sent).decode("ascii"),
            }
        ).encode("ascii")

    def _signature(self, answer: _http.Answer) -> bytes:
        try:
            found = json.loads(answer.body)["signature"]
            return base64.b64decode(found, validate=True)
        except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
            raise SigningFailed(
                f'{self._source} answered without a signature; expected {{"signature": base64}}'
            ) from error


def _refusal(answer: _http.Answer) -> str:
    """The status in words; what the service writes is not repeated: it may quote the token."""
    if answer.status in {401, 403}:
        return f"it refused the token (HTTP status {answer.status}); check it, and its rights"
    if 300 <= answer.status < 400:
        return (
            f"it redirects (HTTP status {answer.status}), which is not followed; use the final URL"
        )
    if answer.status == 404:
        return "there is nothing at this URL (HTTP status 404)"
    return f"it answered with HTTP status {answer.status}"
