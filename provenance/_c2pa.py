"""The only door to c2pa-python: loads its native library safely, and holds our settings.

Left to itself, `import c2pa` looks for its library in the *current folder* first, so that
`cd downloads && verify picture.png` would run a planted `libc2pa_c.so`. An absolute path in
C2PA_LIBRARY_NAME, set for the duration of the import, closes that.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from provenance._per_process import PerProcess
from provenance.errors import ConfigError, ProvenanceError

MAX_MANIFEST_JSON = 1 << 20
"""c2pa-rs refuses a manifest definition above this many bytes."""

C2PA_EKU = "1.3.6.1.4.1.62558.2.1"
"""Extended key usage for claim signing, C2PA 2.2 section 14.5.1."""

_ACCEPTED_EKUS = "\n".join(
    (
        C2PA_EKU,
        "1.3.6.1.5.5.7.3.4",  # emailProtection, C2PA 1.x and 2.x
        "1.3.6.1.5.5.7.3.36",  # documentSigning, RFC 9336
    )
)

_LIBRARY = {"darwin": "libc2pa_c.dylib", "win32": "c2pa_c.dll"}.get(sys.platform, "libc2pa_c.so")


def load() -> ModuleType:
    """Import c2pa with the native library of its own package, and no other.

    Raises:
        ProvenanceError: the package or its library is not where it was installed.
    """
    return _loaded()


def _load() -> ModuleType:
    spec = importlib.util.find_spec("c2pa")
    library = Path(spec.origin).parent / "libs" / _LIBRARY if spec and spec.origin else None
    if library is None or not library.is_file():
        raise ProvenanceError(
            f"the C2PA library was looked for at {library} and is not there; "
            "reinstall with: pip install --force-reinstall c2pa-python"
        )
    before = os.environ.get("C2PA_LIBRARY_NAME")
    os.environ["C2PA_LIBRARY_NAME"] = str(library)
    try:
        return importlib.import_module("c2pa")
    finally:
        if before is None:
            del os.environ["C2PA_LIBRARY_NAME"]
        else:
            os.environ["C2PA_LIBRARY_NAME"] = before


_loaded = PerProcess(_load)
"""One thread at a time: the environment is everybody's."""


SIGNERS, TIMESTAMPS = "urn:provenance:anchors:", "urn:provenance:timestamps:"
"""How the two kinds of anchors are told apart in results. c2pa 0.91 takes an anchor of either kind
for claims, so that a result must be looked at before it is believed."""


def context(anchors: Sequence[str] = (), timestamp_anchors: Sequence[str] = ()) -> Any:
    """A c2pa context with our settings, to be closed by the caller.

    Args:
        anchors: PEM bundles of root or intermediate certificates; c2pa passes over what it cannot
            read in them, so they are to be checked before.
        timestamp_anchors: the same, of time-stamp authorities.
    """
    return load().Context.from_dict(settings(anchors, timestamp_anchors))


def check_anchors(bundle: str) -> str:
    """Return the bundle if all of it can be read: c2pa would pass over a damaged certificate.

    Raises:
        ConfigError: it holds no certificate, or a damaged one.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        load_pem_x509_certificates(bundle.encode())
    except ValueError as error:
        raise ConfigError(
            "the trust anchors hold no certificate, or a damaged one; expected certificates in PEM"
        ) from error
    return bundle


def settings(anchors: Sequence[str] = (), timestamp_anchors: Sequence[str] = ()) -> dict[str, Any]:
    """Settings for reading and signing: no network, no thumbnails, the given trust anchors.

    Thumbnails cost 95 % of signing's CPU time and most of its bytes, and show what was cropped.
    Signing does not verify by itself: the finished bytes are read back by the whole verifier.

    Args:
        anchors: PEM bundles of root or intermediate certificates.
        timestamp_anchors: the same, of time-stamp authorities.
    """
    trust: dict[str, Any] = {"trust_config": _ACCEPTED_EKUS}
    listed = [
        {"trust_anchors": pem, "trust_uri": f"{uri}{n}", "trust_kind": kind}
        for uri, kind, bundles in (
            (SIGNERS, "manifest", anchors),
            (TIMESTAMPS, "tsa", timestamp_anchors),
        )
        for n, pem in enumerate(bundles)
    ]
    if listed:
        trust["anchors"] = listed
    return {
        "trust": trust,
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
        "core": {"allowed_network_hosts": []},
        "builder": {"thumbnail": {"enabled": False}},
    }
