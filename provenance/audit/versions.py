"""Names what an audit's rows depend on beside the data: models, thresholds, policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files

from provenance import __version__
from provenance.audit.plan import Asked, Pixels
from provenance.config import Config
from provenance.errors import ConfigError
from provenance.weights.interface import WeightsMissing


def versions(asked: Asked, config: Config | None) -> Mapping[str, str]:
    """What is used, by stage; what cannot be used says why.

    Raises:
        ConfigError: a policy or key cannot be used.
    """
    used = {"provenance": __version__}
    if asked.pixels is Pixels.NONE:
        return used
    if asked.moderation:
        from provenance.moderate import build, policy_file

        policy = config.policy if config else policy_file.preset("standard")
        used["policy"] = str(policy)
        judges = build.moderator(replace(policy, on_missing="report"))
        used["moderation"] = ", ".join(judges.checked)
    if asked.detector:
        used["detector"] = _detector()
    if asked.watermark:
        marks = config.watermarkers() if config else ()
        used["watermark"] = ", ".join(m.algorithm for m in marks) or "no key"
    if asked.tells:
        for name in ("hands", "text"):
            metrics = files("provenance_models").joinpath(name, "metrics.json").read_bytes()
            used[name] = hashlib.sha256(metrics).hexdigest()[:12]  # of judge and threshold
    return used


def _detector() -> str:
    from provenance.detect.backbone import MODEL
    from provenance.weights.store import Store

    try:
        Store.standard().get(MODEL)
    except WeightsMissing:
        return f"not checked: run provenance models pull {MODEL}"
    except ConfigError as error:
        return f"not checked: {error}"
    text = files("provenance_models").joinpath("pixels", "metrics.json").read_text("utf-8")
    metrics = json.loads(text)
    threshold = metrics["levels"][0]["threshold"]
    return f"{MODEL} head {metrics['head_sha256'][:12]} threshold {threshold:g}"
