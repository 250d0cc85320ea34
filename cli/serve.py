"""`provenance serve`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from provenance_cli.options import ConfigFile

if TYPE_CHECKING:
    from provenance.config import Config
    from provenance.registry.interface import Registry


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    config: ConfigFile = None,
    public_url: Annotated[
        str, typer.Option(help="Where clients reach it, if elsewhere: https://example.org/c2pa")
    ] = "",
) -> None:
    """Let others find your manifests: C2PA's Soft Binding Resolution API. Ctrl-C ends it.

    Everybody who reaches it may ask; TLS and authentication belong before it.
    """
    from provenance.config import Config
    from provenance.errors import ConfigError
    from provenance_cli.render import say

    try:
        from provenance.server import run
        from provenance.server.app import BASE, create_app
        from provenance.server.limits import ServiceLimits
    except ModuleNotFoundError as error:
        raise ConfigError(
            "serving needs packages that are not installed: pip install 'provenance-kit[server]'"
        ) from error

    settings = Config.load(config)
    _check(public_url)
    with closing(_registry(settings)) as registry, run.listen(host, port) as listener:
        registry.count()  # now, rather than at the first question
        limits = ServiceLimits.within(settings.limits)
        app = create_app(registry, settings.watermarkers(), limits, public_url=public_url)
        address, bound = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        say(f"answering at http://{shown}:{bound}{BASE}; Ctrl-C ends it")
        run.run(app, listener)


def _registry(settings: Config) -> Registry:
    """The registry of [registry].

    Raises:
        ConfigError: there is none.
    """
    from provenance.errors import ConfigError

    registry = settings.registry()
    if registry is None:
        raise ConfigError(
            f"{settings.path} keeps no registry, so there is nothing to serve; "
            'write url = "registry.db" below [registry]'
        )
    return registry


def _check(url: str) -> None:
    """Refuse what is no address of a service."""
    from provenance.errors import ConfigError

    try:
        parts = urlsplit(url)
        wrong = bool(url) and (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.username is not None
            or bool(parts.query or parts.fragment)
        )
    except ValueError:
        wrong = True
    if wrong:
        raise ConfigError(
            f"--public-url is {url}; expected http:// or https://, a host, and at most a path"
        )
