"""A signer whose key is in AWS KMS. Needs `pip install provenance-kit[kms]`.

The key never leaves KMS; certificates come from you, for KMS issues none. Credentials and region
are found as boto3 finds them.
"""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

from provenance._per_process import PerProcess
from provenance.errors import ProvenanceError, SigningFailed
from provenance.sign.callback import CallbackSigner, digest

_ALGORITHMS = {
    "es256": "ECDSA_SHA_256",
    "es384": "ECDSA_SHA_384",
    "ps256": "RSASSA_PSS_SHA_256",
    "ed25519": "ED25519_SHA_512",
}
"""AWS KMS API reference, Sign; PSS there has a salt as long as the hash."""


_MAX_MESSAGE = 4096
"""Bytes that KMS takes and hashes itself."""


class KmsSigner(CallbackSigner):
    """Signs with a key in AWS KMS, one request a signature.

    Args:
        key_id: id, ARN or alias of the key.
        certificates: the chain of its public key in PEM, leaf first.
        region: as configured for boto3 by default.
        endpoint_url: for another endpoint, such as one in your network.
        timeout_s: for connecting and for reading, each; boto3 tries three times.

    Raises:
        KeyUnusable: the chain cannot sign claims.
        ProvenanceError: boto3 is not installed.
    """

    def __init__(
        self,
        key_id: str,
        certificates: bytes,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self._key_id = key_id
        self._client = PerProcess(partial(_client, region, endpoint_url, timeout_s))
        super().__init__(self._ask, certificates, source=f"the KMS key {key_id}")
        _boto3()

    def _ask(self, data: bytes) -> bytes:
        whole = self.algorithm == "ed25519" or len(data) <= _MAX_MESSAGE
        try:
            answer = self._client().sign(
                KeyId=self._key_id,
                Message=data if whole else digest(data, self.algorithm),
                MessageType="RAW" if whole else "DIGEST",
                SigningAlgorithm=_ALGORITHMS[self.algorithm],
            )
        except Exception as error:
            if not type(error).__module__.startswith(("botocore", "boto3")):
                raise
            response = getattr(error, "response", None) or {}
            code = response.get("Error", {}).get("Code") or type(error).__name__
            raise SigningFailed(
                f"{self._source} gave no signature: {code}; check the key's id and state, the "
                "right kms:Sign, region and credentials"
            ) from error
        return bytes(answer["Signature"])


def _boto3() -> Any:
    try:
        return importlib.import_module("boto3")
    except ImportError as error:
        raise ProvenanceError(
            "signing with AWS KMS needs boto3; install it with: pip install provenance-kit[kms]"
        ) from error


def _client(region: str | None, endpoint_url: str | None, timeout_s: float) -> Any:
    """A client, which threads may share and forked processes may not."""
    boto3 = _boto3()
    config = importlib.import_module("botocore.config").Config(
        connect_timeout=timeout_s, read_timeout=timeout_s, retries={"total_max_attempts": 3}
    )
    session = boto3.session.Session(region_name=region)
    return session.client("kms", endpoint_url=endpoint_url, config=config)
