"""`provenance explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from provenance_cli.options import AsJson


def explain(
    codes: Annotated[
        list[str] | None, typer.Argument(metavar="[CODE...]", help="C2PA codes; all if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a C2PA status code means, and what to do about it."""
    from provenance.errors import InputError
    from provenance.verify.codes import CODES, nearest
    from provenance.verify.codes import explain as look_up
    from provenance_cli.render import entry, line

    for code in codes or sorted(CODES):
        known = look_up(code)
        if known is None:
            close = nearest(code)
            hint = f"did you mean '{close}'?" if close else "provenance explain lists all codes"
            raise InputError(f"'{code}' is no C2PA status code that we know; {hint}")
        if as_json:
            record = {"code": known.code, "kind": known.kind.value}
            typer.echo(line({**record, "meaning": known.meaning, "advice": known.advice}))
            continue
        typer.echo(f"{known.code}  ({known.kind.value})")
        typer.echo(entry("meaning", known.meaning))
        if known.advice:
            typer.echo(entry("what to do", known.advice))
