"""`provenance doctor`."""

from __future__ import annotations

import typer

from provenance_cli import exit_codes
from provenance_cli.options import AsJson, ConfigFile

_SIGNS = {"ok": "+", "warning": "~", "problem": "!"}


def doctor(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Examine keys, certificates, trust, libraries and models, and protect a trial picture.

    Exit code: 0 no problem, 1 at least one.
    """
    from provenance.doctor import Level, examine
    from provenance_cli.render import entry, line

    findings = examine(config)
    for finding in findings:
        if as_json:
            typer.echo(line(finding.to_dict()))
            continue
        typer.echo(entry(f"{_SIGNS[finding.level.value]} {finding.check}", finding.found))
        if finding.advice:
            typer.echo(entry("", finding.advice))
    if not as_json:
        typer.echo("\n  + ok   ~ worth knowing   ! problem")
    if any(f.level is Level.PROBLEM for f in findings):
        raise typer.Exit(exit_codes.FAILED)
