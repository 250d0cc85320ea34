"""`provenance serve`."""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from provenance_cli.options import ConfigFile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from provenance.config import Config
    from provenance.registry.interface import Registry


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    config: ConfigFile = None,
    public_url: Annotated[
        str, typer.Option(help="Where clients reach it, if elsewhere: https://example.org/c2pa")
    ] = "",
    looks: Annotated[
        bool, typer.Option(help="Judge the pixels as well, which takes most of the time.")
    ] = True,
    fetch_urls: Annotated[
        bool,
        typer.Option(
            "--fetch-urls", help="Examine public https addresses that clients name as well."
        ),
    ] = False,
    protect: Annotated[
        bool,
        typer.Option(
            "--protect",
            help="Moderate, mark and sign pictures for clients. They need a key where [service] "
            "names clients; without that, everybody who reaches it may have pictures signed.",
        ),
    ] = False,
    operator: Annotated[
        str, typer.Option(help="Whose pictures the page says it knows; else the generator's name.")
    ] = "",
    feedback: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where the page sends people whose answer was wrong: https://… or mailto:…",
        ),
    ] = "",
) -> None:
    """Serve the verify page and the API: verify, look up, find manifests again. Ctrl-C ends it.

    The page is at the root, the API below /v1, where openapi.json describes it. C2PA's Soft Binding
    Resolution API is part of it. Keys, TLS, origins and logs are set in [service].
    """
    from provenance.config import Config
    from provenance.errors import ConfigError
    from provenance_cli.render import say

    try:
        from provenance.server import run
        from provenance.server.app import create_app, needs_key
        from provenance.server.limits import ServiceLimits
        from provenance.server.operations import Operations
        from provenance.server.page.shell import Notice
    except ModuleNotFoundError as error:
        raise ConfigError(
            "serving needs packages that are not installed: pip install 'provenance-kit[server]'"
        ) from error

    from provenance.pipeline import Pipeline
    from provenance.verify.remote import ManifestFetcher
    from provenance.verify.verifier import Verifier

    settings = Config.load(config)
    service = settings.service()
    _check("--public-url", public_url, ("http", "https"))
    _check("--feedback", feedback, ("https", "mailto"))
    limits = ServiceLimits.within(settings.limits, service)
    settings = replace(settings, limits=limits.pictures)
    with _open(settings) as registry, run.listen(host, port) as listener:
        if registry is not None:
            registry.count()  # now, rather than at the first question
        operations = Operations(service)
        app = create_app(
            registry,
            settings.watermarkers(),
            limits,
            public_url=public_url,
            verifier=Verifier.from_config(settings, looks=looks),
            fetch=ManifestFetcher() if fetch_urls else None,
            pipeline=Pipeline.from_config(settings) if protect else None,
            watcher=operations,
            notice=Notice(operator or settings.generator.name, feedback, looks, public_url),
        )
        scheme = "https" if service.tls_certificate else "http"
        address, bound = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        say(f"answering at {scheme}://{shown}:{bound}/, the API at /v1; Ctrl-C ends it")
        with closing(operations):
            run.run(operations.around(app, needs_key), listener, service)


def _open(settings: Config) -> AbstractContextManager[Registry | None]:
    """The registry of [registry], which is closed at the end; None if there is none."""
    registry = settings.registry()
    return nullcontext() if registry is None else closing(registry)


def _check(option: str, url: str, schemes: tuple[str, ...]) -> None:
    """Refuse what is no address."""
    from provenance.errors import ConfigError

    try:
        parts = urlsplit(url)
        named = parts.path if parts.scheme == "mailto" else parts.hostname
        wrong = bool(url) and (
            parts.scheme not in schemes
            or not named
            or parts.username is not None
            or bool(parts.query or parts.fragment)
        )
    except ValueError:
        wrong = True
    if wrong:
        wanted = " or ".join(f"{each}:" for each in schemes)
        raise ConfigError(f"{option} is {url}; expected {wanted}, a host, and at most a path")
