"""Makes generated pictures safe to publish and easy to recognise. Offline, with your own keys.

    generate -> moderate -> watermark -> sign            Pipeline: one call around any backend
    verify <- credentials, watermark, claims, looks      Verifier: what is known of any picture

    from provenance import Pipeline, Verifier

    pipeline = Pipeline.from_config()                    # after `provenance init`
    asset = pipeline("generated.png", prompt="a lighthouse at dusk")
    asset.save("published.png")

Importing this package loads numpy and nothing heavier; models and native libraries are loaded by
the first call that needs them.
"""

import logging

from provenance._version import __version__
from provenance.config import Config
from provenance.errors import Blocked, HeldForReview, ProvenanceError
from provenance.evidence import (
    Box,
    Evidence,
    Origin,
    Outcome,
    Report,
    Result,
    Status,
    Verdict,
    Weight,
)
from provenance.picture import Asset, Encoding, Picture
from provenance.pipeline import Pipeline
from provenance.verify.verifier import Verifier

# A library says nothing on its own: whoever wants the details of a failure adds a handler.
logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = [
    "Asset",
    "Blocked",
    "Box",
    "Config",
    "Encoding",
    "Evidence",
    "HeldForReview",
    "Origin",
    "Outcome",
    "Picture",
    "Pipeline",
    "ProvenanceError",
    "Report",
    "Result",
    "Status",
    "Verdict",
    "Verifier",
    "Weight",
    "__version__",
]
