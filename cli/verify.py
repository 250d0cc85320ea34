"""`provenance verify` and `verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli import exit_codes
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.evidence import Outcome
    from provenance.verify.verifier import Verifier


def verify(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, or - for stdin.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what is known of each picture: credentials, watermark, claims.

    Exit code: 0 verified, 1 a check failed, 2 error, 3 nothing found that can be relied upon.
    Nothing found means unknown: it says nothing about where a picture comes from.
    """
    from provenance.errors import ProvenanceError
    from provenance_cli.progress import progress
    from provenance_cli.render import LEGEND, line, report_text, say

    verifier = _verifier(config)
    codes = []
    for number, name in enumerate(progress(files, "verify")):
        try:
            source = sys.stdin.buffer.read() if name == "-" else Path(name)
            report = verifier.verify(source, name=name)
        except ProvenanceError as error:
            codes.append(exit_codes.ERROR)
            if as_json:
                failure = {"kind": type(error).__name__, "message": str(error)}
                typer.echo(line({"name": name, "error": failure}))
            say(f"error: {name}: {error}")
            continue
        codes.append(_code(report.verdict.outcome))
        if as_json:
            typer.echo(line(report.to_dict()))
        else:
            typer.echo(("\n" if number else "") + report_text(report))
    if not as_json and set(codes) - {exit_codes.ERROR}:
        typer.echo("\n  " + LEGEND)
    raise typer.Exit(exit_codes.worst(codes))


def _verifier(path: Path | None) -> Verifier:
    """With the configuration if there is one; without it, `verify` still works and says so."""
    import os

    from provenance.config import VARIABLE, Config, find
    from provenance.verify.verifier import Verifier

    if path is None and not os.environ.get(VARIABLE) and not find().exists():
        return Verifier.standard()
    return Verifier.from_config(Config.load(path))


def _code(outcome: Outcome) -> int:
    from provenance.evidence import Outcome

    return {
        Outcome.VERIFIED: exit_codes.OK,
        Outcome.FAILED: exit_codes.FAILED,
        Outcome.UNKNOWN: exit_codes.NO_EVIDENCE,
    }[outcome]
