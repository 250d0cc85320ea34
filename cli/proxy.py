"""`provenance proxy`."""

from __future__ import annotations

from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli.options import ConfigFile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from provenance.config import Config
    from provenance.registry.interface import Registry


def proxy(
    upstream: Annotated[
        str, typer.Option(help="The server of generated pictures: http://localhost:7860")
    ],
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8100,
    config: ConfigFile = None,
    public_url: Annotated[
        str, typer.Option(help="Where clients reach the proxy, if elsewhere: https://example.org")
    ] = "",
    results: Annotated[
        Path | None,
        typer.Option(help="Folder for pictures that are handed out by address; else a temporary."),
    ] = None,
    keep_minutes: Annotated[
        int, typer.Option(min=1, help="How long such a picture can be had.")
    ] = 60,
    inline: Annotated[
        bool,
        typer.Option("--inline", help="Put such pictures into the answer, as data: addresses."),
    ] = False,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            help="Another server that pictures may be fetched from although its address is not "
            "public: http://minio:9000. May be given several times."
        ),
    ] = None,
    ready_path: Annotated[
        str, typer.Option(help="Path of the upstream that readiness asks for.")
    ] = "/",
) -> None:
    """Stand before a server of generated pictures: no picture leaves unprotected. Ctrl-C ends it.

    OpenAI's image, chat and responses APIs, Stability, AUTOMATIC1111, ComfyUI, and whatever else
    answers with pictures. Let nobody but the proxy reach the upstream. Keys, TLS, origins and logs
    are set in [service].
    """
    from provenance.config import Config
    from provenance.errors import ConfigError
    from provenance_cli.render import say

    try:
        from provenance.proxy.app import METRICS_PATH, create_proxy, needs_key
        from provenance.proxy.limits import ProxyLimits
        from provenance.proxy.store import Results
        from provenance.proxy.upstream import checked
        from provenance.server import run
        from provenance.server.operations import Operations
    except ModuleNotFoundError as error:
        raise ConfigError(
            "the proxy needs packages that are not installed: pip install 'provenance-kit[server]'"
        ) from error

    from provenance.pipeline import Pipeline

    for option, url in (
        ("--upstream", upstream),
        *((("--public-url", public_url),) if public_url else ()),
        *(("--trust", url) for url in trust or ()),
    ):
        checked(url, option)  # now, since a pipeline takes a while
    settings = Config.load(config)
    service = settings.service()
    with _registry(settings) as registry, run.listen(host, port) as listener:
        operations = Operations(service)
        app = create_proxy(
            Pipeline.from_config(settings),
            upstream,
            limits=ProxyLimits.within(settings.limits, service),
            results=Results(results, 60.0 * keep_minutes) if results else None,
            delivery="inline" if inline else "served",
            public_url=public_url,
            trusted=trust or (),
            ready_path=ready_path,
            check=None if registry is None else registry.count,
            on_asset=operations.protected,
            on_refused=operations.refused,
        )
        scheme = "https" if service.tls_certificate else "http"
        address, bound = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        say(f"answering at {scheme}://{shown}:{bound} for {upstream}; Ctrl-C ends it")
        with closing(operations):
            around = operations.around(app, needs_key, metrics_path=METRICS_PATH)
            run.run(around, listener, service)


def _registry(settings: Config) -> AbstractContextManager[Registry | None]:
    """What readiness asks; None where there is no registry, or records may wait for it."""
    if settings.registry_queue is not None:
        return nullcontext()
    registry = settings.registry()
    if registry is None:
        return nullcontext()
    registry.count()  # now, rather than at the first picture
    return closing(registry)
