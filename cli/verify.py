"""`provenance verify` and `verify`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli import exit_codes, failures
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.config import Config
    from provenance.evidence import Outcome


def verify(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, or - for stdin.")],
    online: Annotated[
        bool,
        typer.Option("--online", help="Fetch credentials from an address that a file names."),
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what is known of each picture: credentials, watermark, claims.

    Exit code: 0 verified, 1 a check failed, 2 error, 3 nothing found that can be relied upon.
    Nothing found means unknown: it says nothing about where a picture comes from.
    """
    from provenance.codec.limits import Limits
    from provenance.verify.verifier import Verifier
    from provenance_cli.files import read_stdin
    from provenance_cli.progress import progress
    from provenance_cli.render import LEGEND, line, report_text, say

    settings = _settings(config)
    verifier = (
        Verifier.from_config(settings, online=online)
        if settings
        else Verifier.standard(online=online)
    )
    limits = settings.limits if settings else Limits()
    codes = []
    for number, name in enumerate(progress(files, "verify")):
        try:
            source = read_stdin(limits) if name == "-" else Path(name)
            report = verifier.verify(source, name=name)
        except Exception as error:  # one bad file must not stop the others
            codes.append(failures.code(error))
            if as_json:
                typer.echo(line({"name": name, "error": failures.record(error)}))
            say(f"{name}: {failures.sentence(error)}")
            continue
        codes.append(_code(report.verdict.outcome))
        if as_json:
            typer.echo(line(report.to_dict()))
        else:
            typer.echo(("\n" if number else "") + report_text(report))
    if not as_json and set(codes) - {exit_codes.ERROR}:
        typer.echo("\n  " + LEGEND)
    raise typer.Exit(exit_codes.worst(codes))


def _settings(path: Path | None) -> Config | None:
    """The configuration, or None if there is none: `verify` works without, and says so."""
    from provenance.config import VARIABLE, Config, find

    if path is None and not os.environ.get(VARIABLE) and not find().exists():
        return None
    return Config.load(path)


def _code(outcome: Outcome) -> int:
    from provenance.evidence import Outcome

    return {
        Outcome.VERIFIED: exit_codes.OK,
        Outcome.FAILED: exit_codes.FAILED,
        Outcome.UNKNOWN: exit_codes.NO_EVIDENCE,
    }[outcome]
