"""`provenance trust add|list|update|remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.trust import TrustList, TrustStore

app = typer.Typer(no_args_is_help=True, help="Say whose pictures you trust.")

Digest = Annotated[
    str | None, typer.Option("--sha256", help="Digest that the list must have; needed for a URL.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As provenance trust list shows it.")]


@app.command()
def add(
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="PEM bundle, or https URL.")],
    name: Annotated[str | None, typer.Option(help="To keep it under.")] = None,
    sha256: Digest = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Trust the signers under the certificates of a PEM bundle."""
    _show([_store(config).add(source, name=name, sha256=sha256)], as_json)


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the trust lists, and check that none was altered."""
    _show(list(_store(config).lists()), as_json)


@app.command()
def update(
    name: Name, sha256: Digest = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Take a list again from where it came; the old one stays if anything goes wrong."""
    _show([_store(config).update(name, sha256=sha256)], as_json)


@app.command()
def remove(name: Name, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Stop trusting a list; its file is renamed, not deleted."""
    _show([_store(config).remove(name)], as_json)


def _store(path: Path | None) -> TrustStore:
    from provenance.config import Config

    return Config.load(path).trust_store()


def _show(lists: list[TrustList], as_json: bool) -> None:
    from provenance.trust import to_dict
    from provenance_cli.render import entry, line, plain

    if not lists and not as_json:
        typer.echo("no trust lists; your own root is trusted by [trust] anchors")
    for known in lists:
        if as_json:
            typer.echo(line(to_dict(known)))
            continue
        typer.echo(plain(f"{known.name}  ({len(known.subjects)} certificates)"))
        typer.echo(entry("from", known.source))
        typer.echo(entry("sha256", known.sha256))
        typer.echo(entry("added", known.added))
        if known.expired:
            typer.echo(entry("expired", f"{known.expired} certificates are past their date"))
        for subject in known.subjects:
            typer.echo(entry("", subject))
