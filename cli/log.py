"""`provenance log verify|head|export|prove|check`: the history of what was issued and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli import exit_codes
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.registry.log import Log
    from provenance.registry.proof import Head

app = typer.Typer(no_args_is_help=True, help="Check, export and prove what was issued and refused.")

HeadOption = Annotated[
    str | None,
    typer.Option("--head", metavar="SIZE:ROOT", help="A head that you noted before; see log head."),
]


@app.command()
def verify(head: HeadOption = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Find entries that were edited, removed, moved or cut off.

    A log cut short at a whole entry looks sound by itself: note its head elsewhere, and give it.
    Exit code: 0 it holds, 1 it does not.
    """
    from provenance_cli.render import line, plain

    result = _log(config).verify(_head(head))
    if as_json:
        findings = [{"index": f.index, "problem": f.problem} for f in result.findings]
        record = {"holds": result.holds, "head": str(result.head), "findings": findings}
        typer.echo(line(record))
    else:
        for finding in result.findings:
            typer.echo(plain(f"! entry {finding.index}: {finding.problem}"))
        typer.echo(f"{'holds' if result.holds else 'does not hold'}  {result.head}")
    if not result.holds:
        raise typer.Exit(exit_codes.FAILED)


@app.command()
def head(config: ConfigFile = None) -> None:
    """Print the head: note it elsewhere, and a cut log is noticed."""
    typer.echo(str(_log(config).head()))


@app.command()
def export(config: ConfigFile = None) -> None:
    """Print all entries, one JSON object a line."""
    from provenance_cli.render import line

    for entry in _log(config).export():
        typer.echo(line(entry.to_dict()))


@app.command()
def prove(
    entry: Annotated[str, typer.Argument(metavar="ID", help="Manifest id, or entry number.")],
    config: ConfigFile = None,
) -> None:
    """Print a proof that an entry is in the log; whoever has it needs no log to check it."""
    from provenance.errors import InputError
    from provenance_cli.render import line

    proof = _log(config).prove(int(entry) if entry.isdecimal() else entry)
    if proof is None:
        raise InputError(f"the log has no entry {entry}; provenance log export lists them")
    typer.echo(line(proof.to_dict()))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="PROOF", help="A file that log prove printed.")],
    head: HeadOption = None,
) -> None:
    """Check a proof against a head. Exit code: 0 it holds, 1 it does not."""
    from provenance.codec.decode import read_bytes
    from provenance.errors import InputError
    from provenance.registry.proof import Proof, check_proof
    from provenance_cli.render import line

    try:
        proof = Proof.from_dict(json.loads(read_bytes(file)))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file} is no proof; expected what provenance log prove prints"
        ) from error
    entry = check_proof(proof, _head(head))
    if entry is None:
        typer.echo("does not hold")
        raise typer.Exit(exit_codes.FAILED)
    typer.echo(line(entry.to_dict()))


def _head(text: str | None) -> Head | None:
    from provenance.errors import InputError
    from provenance.registry.proof import Head

    try:
        return Head.parse(text) if text else None
    except ValueError as error:
        raise InputError(
            f"'{text}' is no head; expected what provenance log head prints"
        ) from error


def _log(path: Path | None) -> Log:
    from provenance.config import Config
    from provenance.errors import ConfigError

    config = Config.load(path)
    log = config.log()
    if log is None:
        raise ConfigError(f"the log is switched off in {config.path}; set [registry] log")
    return log
