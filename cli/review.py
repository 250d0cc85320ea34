"""`provenance review list|show|approve|reject`: pictures that wait for a person."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli import exit_codes, failures
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.moderate.review import FolderQueue, Waiting

app = typer.Typer(
    no_args_is_help=True, help="Look at the pictures that wait for a person, and decide."
)

Ticket = Annotated[str, typer.Argument(metavar="TICKET", help="As review list shows it.")]
Tickets = Annotated[
    list[str], typer.Argument(metavar="TICKET...", help="As review list shows them.")
]


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show what waits, oldest first. Exit code: 0 done, 2 a ticket is damaged."""
    from provenance_cli.render import line, plain, say

    queue = _queue(config)
    tickets = queue.tickets()
    codes = []
    for ticket in tickets:
        try:
            waiting = queue.about(ticket)
        except Exception as error:  # one damaged ticket must not hide the others
            codes.append(failures.code(error))
            _say_failure(ticket, error, as_json)
            continue
        if as_json:
            typer.echo(line(waiting.to_dict()))
        else:
            name = waiting.decision.policy.partition("@")[0]
            for_ = ", ".join(waiting.categories)
            typer.echo(plain(f"{ticket}  since {waiting.since}  {for_}  (policy '{name}')"))
    if not tickets:
        say(f"nothing waits in {queue.folder}")
    raise typer.Exit(exit_codes.worst(codes))


@app.command()
def show(
    ticket: Ticket,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PNG", help="Write the picture to look at it."),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what moderation saw in a picture that waits, and the picture with -o."""
    from provenance.codec.encode import encode
    from provenance.files import write_atomically
    from provenance.picture import Encoding
    from provenance_cli.render import line, say

    queue = _queue(config)
    waiting = queue.about(ticket)
    if output is not None:
        picture = encode(queue.get(ticket).picture, Encoding("PNG"))
        write_atomically(output, picture.data, mode=0o600)
        say(f"{output} is neither marked nor signed: look at it, delete it, do not publish it")
    typer.echo(line(waiting.to_dict()) if as_json else _text(waiting))


@app.command()
def approve(
    tickets: Tickets,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="File, or folder for several.")
    ],
    reviewer: Annotated[
        str | None, typer.Option(help="Who decided; your login name if left out.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace outputs that exist.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Watermark and sign pictures that wait, and take them out of the queue.

    Exit code: 0 all done, 2 one could not be; it goes on waiting.
    """
    from provenance.config import Config
    from provenance.errors import OutputError
    from provenance.moderate.review import FolderQueue
    from provenance.pipeline import Pipeline
    from provenance_cli.render import asset_text, line

    name = reviewer or _login()
    settings = Config.load(config)
    queue = FolderQueue(settings.review)
    pipeline = Pipeline.from_config(settings)

    def one(ticket: str) -> None:
        held = queue.get(ticket)
        target = _target(output, ticket, len(tickets) > 1, held.picture.encoding.format)
        if os.path.lexists(target) and not overwrite:
            raise OutputError(f"{target} exists; use --overwrite to replace it")
        asset = pipeline.release(ticket, name, encoding=target.suffix)
        try:
            asset.save(target, overwrite=overwrite)
        except OutputError as error:
            again = queue.hold(held)
            raise OutputError(f"{error}; the picture waits again, under ticket {again}") from error
        if as_json:
            typer.echo(line({"ticket": ticket, "output": str(target), **asset.to_dict()}))
        else:
            typer.echo(asset_text(ticket, str(target), asset))

    _each(tickets, one, as_json)


@app.command()
def reject(tickets: Tickets, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Delete pictures that wait, for good. Exit code: 0 all done, 2 one could not be."""
    from provenance_cli.render import line

    queue = _queue(config)

    def one(ticket: str) -> None:
        queue.remove(ticket)
        typer.echo(line({"ticket": ticket, "rejected": True}) if as_json else f"{ticket} deleted")

    _each(tickets, one, as_json)


def _each(tickets: list[str], one: Callable[[str], None], as_json: bool) -> None:
    codes = []
    for ticket in dict.fromkeys(tickets):
        try:
            one(ticket)
        except Exception as error:  # one bad ticket must not stop the others
            codes.append(failures.code(error))
            _say_failure(ticket, error, as_json)
    raise typer.Exit(exit_codes.worst(codes))


def _say_failure(ticket: str, error: Exception, as_json: bool) -> None:
    from provenance_cli.render import line, say

    if as_json:
        typer.echo(line({"ticket": ticket, "error": failures.record(error)}))
    say(f"{ticket}: {failures.sentence(error)}")


def _target(named: str, ticket: str, several: bool, format_: str) -> Path:
    """The file that is named, or one named like the ticket in the folder that is."""
    from provenance.codec.encode import SUFFIXES, encoding_for
    from provenance.errors import OutputError

    output = Path(named)
    if named.endswith("/"):
        output.mkdir(parents=True, exist_ok=True)
    if several or output.is_dir():
        if not output.is_dir():
            raise OutputError(f"{output} is no folder; several pictures need one: end it with /")
        suffix = SUFFIXES[format_]  # type: ignore[index]  # a picture's own format is one of ours
        return output / f"{ticket}{suffix}"
    encoding_for(output)
    if not output.parent.is_dir():
        raise OutputError(f"the folder {output.parent} does not exist; create it first")
    return output


def _login() -> str:
    from provenance.errors import InputError

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise InputError(
            "your login name cannot be found; say who decided with --reviewer"
        ) from error


def _queue(path: Path | None) -> FolderQueue:
    from provenance.config import Config
    from provenance.moderate.review import FolderQueue

    return FolderQueue(Config.load(path).review)


def _text(waiting: Waiting) -> str:
    from provenance.moderate.sheet import scored
    from provenance_cli.render import entry, plain

    out = [plain(f"{waiting.ticket}  since {waiting.since}")]
    out.append(entry("policy", waiting.decision.policy))
    if waiting.prompt is not None:
        out.append(entry("prompt", waiting.prompt))
    out += [entry(f.stage, scored(f)) for f in waiting.decision.findings]
    out.append(entry("not checked", ", ".join(waiting.decision.not_checked) or "nothing"))
    out += [entry("note", note) for note in waiting.decision.notes]
    return "\n".join(out)
