"""`provenance log verify|head|export|prove|check`: the history of what was issued and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance_cli import exit_codes
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.config import Config
    from provenance.errors import InputError
    from provenance.registry.log import Log
    from provenance.registry.proof import Head
    from provenance.registry.signed_head import SignedHead

app = typer.Typer(no_args_is_help=True, help="Check, export and prove what was issued and refused.")

HeadOption = Annotated[
    str | None,
    typer.Option("--head", metavar="SIZE:ROOT", help="A head that you noted before; see log head."),
]
SignedOption = Annotated[
    bool, typer.Option("--signed", help="Sign the head with the key that signs your pictures.")
]


@app.command()
def verify(
    head: HeadOption = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A signed head, from log head --signed or log export --signed."
        ),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Find entries that were edited, removed, moved or cut off.

    A log cut short at a whole entry looks sound by itself: note its head elsewhere, and give it.
    Exit code: 0 it holds, 1 it does not.
    """
    from provenance.errors import InputError
    from provenance_cli.render import line, plain

    if head and against:
        raise InputError("--head and --against are both given; choose one of them")
    known = _config(config)
    expected = _trusted(_signed_head(against), known) if against else _head(head)
    result = _log(known).verify(expected)
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
def head(signed: SignedOption = False, config: ConfigFile = None) -> None:
    """Print the head: note it elsewhere, and a cut log is noticed."""
    known = _config(config)
    found = _log(known).head()
    typer.echo(_sign(found, known) if signed else str(found))


@app.command()
def export(signed: SignedOption = False, config: ConfigFile = None) -> None:
    """Print all entries, one JSON object a line; with --signed, their signed head after them."""
    from itertools import islice

    from provenance_cli.render import line

    known = _config(config)
    log = _log(known)
    # Taken first, and only its entries are printed: more may be written meanwhile.
    last = log.head() if signed else None
    for entry in islice(log.export(), last.size if last else None):
        typer.echo(line(entry.to_dict()))
    if last:
        typer.echo(_sign(last, known))


@app.command()
def prove(
    entry: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Manifest id, or entry number.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE:ROOT", help="Prove instead that the log goes on from this head."
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Print a proof that an entry is in the log; whoever has it needs no log to check it."""
    from provenance.errors import InputError
    from provenance_cli.render import line

    if (entry is None) == (since is None):
        raise InputError("expected either an entry or --since with a head")
    log = _log(_config(config))
    if entry is not None:
        proof = log.prove(int(entry) if entry.isdecimal() else entry)
        if proof is None:
            raise InputError(f"the log has no entry {entry}; provenance log export lists them")
        typer.echo(line(proof.to_dict()))
        return
    first = _head(since)
    growth = log.prove_growth(first) if first else None
    if growth is None:
        raise InputError(
            f"the log does not go on from {since}, or that is the head of an empty log; "
            "provenance log verify --head finds out what happened to it"
        )
    typer.echo(line(growth.to_dict()))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="PROOF", help="A file that log prove printed.")],
    head: HeadOption = None,
) -> None:
    """Check a proof against a head. Exit code: 0 it holds, 1 it does not.

    Of an entry, against the head that it is part of; of growth, against the older head.
    """
    from provenance.registry.proof import Growth, Proof, check_growth, check_proof
    from provenance_cli.render import line

    data = _record(file, "proof", "what provenance log prove prints")
    try:
        proof = Growth.from_dict(data) if "first" in data else Proof.from_dict(data)
    except ValueError as error:
        raise _no(file, "proof", "what provenance log prove prints") from error
    if isinstance(proof, Growth):
        shown = {"second": str(proof.second)} if check_growth(proof, _head(head)) else None
    else:
        entry = check_proof(proof, _head(head))
        shown = entry.to_dict() if entry else None
    if shown is None:
        typer.echo("does not hold")
        raise typer.Exit(exit_codes.FAILED)
    typer.echo(line(shown))


def _record(file: Path, what: str, expected: str) -> dict[str, Any]:
    """The JSON object in the last line of a file."""
    from provenance.codec.decode import read_bytes

    lines = read_bytes(file).splitlines()
    try:
        record = json.loads(lines[-1])
    except (ValueError, IndexError, RecursionError) as error:
        raise _no(file, what, expected) from error
    if not isinstance(record, dict):
        raise _no(file, what, expected)
    return record


def _no(file: Path, what: str, expected: str) -> InputError:
    from provenance.errors import InputError

    return InputError(f"{file} is no {what}; expected {expected}")


def _signed_head(file: Path) -> SignedHead:
    from provenance.registry.signed_head import SignedHead

    expected = "what provenance log head --signed or log export --signed prints"
    try:
        return SignedHead.from_dict(_record(file, "signed head", expected))
    except ValueError as error:
        raise _no(file, "signed head", expected) from error


def _trusted(signed: SignedHead, config: Config) -> Head:
    """The head, if it is signed by somebody on the trust list."""
    from provenance.errors import InputError
    from provenance.keys import revoked_serials
    from provenance.registry.signed_head import why_refused

    why = why_refused(signed, config.anchors(), revoked_serials(config))
    if why:
        raise InputError(
            f"the head cannot be relied upon: {why}; give its SIZE:ROOT as --head if you know "
            "from elsewhere that it is right"
        )
    return signed.head


def _sign(head: Head, config: Config) -> str:
    from provenance.registry.signed_head import sign_head
    from provenance_cli.render import line

    return line(sign_head(head, config.signer()).to_dict())


def _head(text: str | None) -> Head | None:
    from provenance.errors import InputError
    from provenance.registry.proof import Head

    try:
        return Head.parse(text) if text else None
    except ValueError as error:
        raise InputError(
            f"'{text}' is no head; expected what provenance log head prints"
        ) from error


def _config(path: Path | None) -> Config:
    from provenance.config import Config

    return Config.load(path)


def _log(config: Config) -> Log:
    from provenance.errors import ConfigError

    log = config.log()
    if log is None:
        raise ConfigError(f"the log is switched off in {config.path}; set [registry] log")
    return log
