"""What an operator sees of a server: a line in the log for each request, metrics, traces.

Neither shows a prompt, a key, a query or anything of a picture.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from provenance.errors import Blocked, HeldForReview, ProvenanceError
from provenance.picture import Asset

REQUEST_ID: ContextVar[str] = ContextVar("provenance_request_id", default="")
"""Of the request that is being answered."""

ACCESS = logging.getLogger("provenance.access")

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """Counts for Prometheus, of one server."""

    def __init__(self) -> None:
        self._all = CollectorRegistry()
        self.requests = Counter(
            "provenance_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._all,
        )
        self.seconds = Histogram(
            "provenance_request_seconds",
            "From a request's head to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._all,
        )
        self.running = Gauge(
            "provenance_requests_running", "Requests being answered.", registry=self._all
        )
        self.pictures = Counter(
            "provenance_pictures",
            "Pictures by what became of them: protected, blocked, held, failed.",
            ("outcome",),
            registry=self._all,
        )
        self.stages = Histogram(
            "provenance_stage_seconds",
            "Stages of the pipeline.",
            ("stage",),
            buckets=_SECONDS,
            registry=self._all,
        )

    def protected(self, asset: Asset) -> None:
        """Count a finished picture and its stages."""
        self.pictures.labels("protected").inc()
        for stage, seconds in asset.timings.items():
            self.stages.labels(stage).observe(seconds)

    def refused(self, error: Exception) -> None:
        """Count a picture that was not let out."""
        kinds = {Blocked: "blocked", HeldForReview: "held"}
        self.pictures.labels(kinds.get(type(error), "failed")).inc()

    def text(self) -> tuple[bytes, str]:
        """All of them in Prometheus's text format, and its media type."""
        return generate_latest(self._all), CONTENT_TYPE_LATEST


class JsonLines(logging.Formatter):
    """One JSON object for each record, on a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The record, with the request it belongs to and the fields of the access log."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {"request_id": REQUEST_ID.get()} if REQUEST_ID.get() else {}
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            # A trace holds code, not values; a message of ours holds no secret (errors.py).
            shown = isinstance(record.exc_info[1], ProvenanceError)
            line["exception"] = (
                str(record.exc_info[1]) if shown else self.formatException(record.exc_info)
            )
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to(stream: TextIO, style: str) -> None:
    """Write the log of this package to a stream. For programs; a library leaves logging alone.

    Args:
        stream: such as standard error.
        style: `json`, `text` or `off`.
    """
    root = logging.getLogger("provenance")
    for handler in [h for h in root.handlers if not isinstance(h, logging.NullHandler)]:
        root.removeHandler(handler)
    if style == "off":
        return
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        JsonLines()
        if style == "json"
        else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def tell(fields: Mapping[str, Any]) -> None:
    """Write the line of one request."""
    ACCESS.info(
        "%s %s %s", fields["method"], fields["path"], fields["status"], extra={"fields": fields}
    )
