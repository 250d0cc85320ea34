"""OpenTelemetry spans: one for each request, and below it one for each stage of a picture.

Where they go is said by OpenTelemetry's own variables, such as `OTEL_EXPORTER_OTLP_ENDPOINT`. Needs
the extra `telemetry`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from provenance.errors import ConfigError
from provenance.picture import Asset

_NANO = 1_000_000_000


class Traces:
    """Makes spans with a tracer.

    Args:
        provider: OpenTelemetry's tracer provider; one that exports by OTLP over HTTP by default.

    Raises:
        ConfigError: the packages are not installed.
    """

    def __init__(self, provider: Any = None) -> None:
        try:
            from opentelemetry import propagate, trace
        except ModuleNotFoundError as error:
            raise ConfigError(
                "[service] traces needs packages that are not installed: "
                "pip install 'provenance-kit[telemetry]'"
            ) from error
        self._api, self._propagate = trace, propagate
        self._provider = provider or _exporting()
        self._tracer = self._provider.get_tracer("provenance")

    @contextmanager
    def request(self, name: str, headers: Mapping[str, str]) -> Iterator[Any]:
        """A span for a request, below the caller's if its headers name one."""
        parent = self._propagate.extract(dict(headers))
        kind = self._api.SpanKind.SERVER
        with self._tracer.start_as_current_span(name, parent, kind) as span:
            yield span

    def protected(self, asset: Asset) -> None:
        """Spans for the stages of a picture that has just been finished, one after the other."""
        at = time.time_ns() - int(_NANO * sum(asset.timings.values()))
        for stage, seconds in asset.timings.items():
            span = self._tracer.start_span(f"provenance {stage}", start_time=at)
            at += int(_NANO * seconds)
            span.end(at)

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


def _exporting() -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise ConfigError(
            "[service] traces needs packages that are not installed: "
            "pip install 'provenance-kit[telemetry]'"
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "provenance"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
