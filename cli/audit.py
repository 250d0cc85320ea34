"""`provenance audit PATH`, and what is done with its result."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from provenance_cli import exit_codes
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.audit.auditor import Step
    from provenance.audit.engines.interface import Engine
    from provenance.audit.plan import Asked
    from provenance.audit.run import Run, Totals
    from provenance.config import Config


class _PathFirst(TyperGroup):
    """`audit PATH` is `audit run PATH`: whatever is no command's name is a dataset."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


QUARANTINED = ("corrupt", "unsafe", "unreadable")

_HELP = """Find out how much of a dataset is synthetic, and which pictures.

\b
  provenance audit pictures/             a report in audit-pictures/
  provenance audit pictures/ --dry-run   what it would take
  provenance audit run --help            all there is to choose
"""

app = typer.Typer(
    cls=_PathFirst,
    no_args_is_help=True,
    subcommand_metavar="PATH... | COMMAND",
    help=_HELP,
)


def _kinds(incomplete: str) -> list[tuple[str, str]]:
    """Findings for the shell to complete."""
    from provenance.audit.findings import KINDS

    return [(kind, says) for kind, says in KINDS.items() if kind.startswith(incomplete)]


@app.command()
def run(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="A folder, archives, tables, or an address such as s3://bucket/data.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the audit; audit-NAME here if left out."),
    ] = None,
    pixels: Annotated[
        str,
        typer.Option(
            metavar="none|doubt|all|5%",
            help="Whose pixels are looked at: nobody's, where headers leave doubt, all, or a "
            "random part.",
        ),
    ] = "doubt",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one for each core.")] = 0,
    engine: Annotated[str, typer.Option(metavar="local|ray", help="Where the work is done.")] = (
        "local"
    ),
    column: Annotated[
        str, typer.Option(help="Of tables: the column with pictures, paths or addresses.")
    ] = "",
    root: Annotated[
        str, typer.Option(metavar="FOLDER", help="Of tables: where the paths in them begin.")
    ] = "",
    tells: Annotated[
        bool, typer.Option(help="Look for malformed hands and gibberish text too; slow.")
    ] = False,
    quarantine: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Copy corrupt and unsafe files here, with the reasons."),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION", help="Exit with 1 if so, such as 'generated>5%' or 'corrupt>0'."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and how long it would take.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Examine every file of a dataset; the same command again goes on where it was ended.

    Exit code: 0 done, 1 a condition of --fail-if is met, 2 error, or parts could not be read.
    """
    from provenance.audit import export
    from provenance.audit import fail_if as conditions
    from provenance.audit.auditor import Auditor
    from provenance.audit.finish import finish
    from provenance.audit.run import Run
    from provenance.audit.sources.open import opened
    from provenance_cli.audit_text import plan_text, summary_text
    from provenance_cli.render import line, plain, say

    wanted = [conditions.condition(text) for text in fail_if or ()]
    folder = output or Path(f"audit-{_name(sources[0])}")
    dataset = opened(sources, column=column, root=root)
    auditor = Auditor(dataset, folder, _asked(pixels, tells), _config(config))
    if dry_run:
        estimated = _some(auditor.rehearsed(), dataset.name)
        typer.echo(line(estimated) if as_json else plan_text(estimated))
        return
    if quarantine is not None:
        export.quarantine_at(quarantine)  # before the work, and not after hours of it
    totals = auditor.plan()
    failed = 0
    for step in _shown(auditor.run(_engine(engine, workers, Run(folder))), totals, folder):
        if step.failed is not None:
            failed += 1
            say(f"not finished: {step.failed.name} ({step.failed.why})")
    summary = finish(Run(folder), dataset).to_dict()
    if quarantine is not None:
        listed, copied = export.quarantine(Run(folder), dataset, quarantine, QUARANTINED)
        say(f"{copied} of {listed} files with findings were copied to {quarantine}")
    typer.echo(line({"output": str(folder), **summary}) if as_json else summary_text(summary))
    if not as_json:
        typer.echo(plain(f"everything is in {folder}; begin with {folder / 'report.html'}"))
    if failed:
        say(f"{failed} parts could not be finished; the same command again tries once more")
        raise typer.Exit(exit_codes.ERROR)
    _judge(wanted, summary)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="Folder of an audit.")],
    now: Annotated[Path, typer.Argument(metavar="NOW", help="Folder of another.")],
    as_json: AsJson = False,
) -> None:
    """Say what changed between two audits. Exit code: 0 nothing, 1 something."""
    from provenance.audit.compare import compared
    from provenance_cli.audit_text import difference_text
    from provenance_cli.render import line

    found = compared(before, now)
    typer.echo(line(found) if as_json else difference_text(found))
    changed = found["counts"] or any(found["files"][name] for name in ("new", "gone", "changed"))
    if changed:
        raise typer.Exit(exit_codes.FAILED)


@app.command()
def needed(
    folder: Annotated[Path, typer.Argument(metavar="AUDIT", help="Folder of an audit.")],
    within: Annotated[
        float, typer.Option(metavar="POINTS", min=0.01, max=50, help="Percentage points, ±.")
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Say how many pictures must be judged for a narrower interval of the estimate."""
    from provenance.audit.finish import load
    from provenance.audit.summary import needed_for
    from provenance.audit.unchecked import unchecked
    from provenance_cli.render import line, say

    summary = load(folder)
    if not summary["generated"]["judged"]:
        for silence in unchecked(summary):
            say(f"not checked: {silence}")
    judged, wanted = needed_for(summary, within / 100)
    if as_json:
        typer.echo(line({"within": within / 100, "judged": judged, "needed": wanted}))
        return
    if wanted is None:
        typer.echo(
            f"no number of pictures is enough for ±{within:g} points: the detector's own rates are "
            "not known well enough; measure it on more pictures"
        )
    elif wanted == judged:
        typer.echo(f"the {judged:,} judged pictures are enough for ±{within:g} points")
    else:
        typer.echo(
            f"{wanted:,} pictures must be judged for ±{within:g} points, {wanted - judged:,} more; "
            "see --pixels"
        )


@app.command("export")
def export_(
    folder: Annotated[Path, typer.Argument(metavar="AUDIT", help="Folder of an audit.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .csv, .jsonl, .parquet or .txt file.")
    ],
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FINDING",
            help="Leave these out: generated, unsafe, duplicate, …",
            autocompletion=_kinds,
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="FINDING", help="Take these alone.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the file if it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the list of files that are left without some findings, or that have some."""
    from provenance.audit import export
    from provenance.audit.run import Run
    from provenance_cli.render import line, plain, say

    run, kinds = Run(folder), (*(drop or ()), *(only or ()))
    for silence in export.silences(run, kinds):
        say(f"not checked: {silence}")
    entries = export.manifest(run, drop or (), only or ())
    count = export.write_manifest(output, entries, overwrite=overwrite)
    record = {"output": str(output), "files": count}
    typer.echo(line(record) if as_json else plain(f"{count:,} files listed in {output}"))


def _judge(wanted: list[Any], summary: dict[str, Any]) -> None:
    """Exit as the conditions ask for. One that cannot be answered is an error, not a pass."""
    from provenance_cli.render import say

    code = exit_codes.OK
    for condition in wanted:
        met = condition.met(summary)
        if met is None:
            say(f"'{condition.text}' cannot be answered: see what was not checked")
            code = exit_codes.ERROR
        elif met:
            say(f"'{condition.text}' is met")
            code = max(code, exit_codes.FAILED)
    if code:
        raise typer.Exit(code)


def _some(totals: dict[str, Any], name: str) -> dict[str, Any]:
    """The totals, if there is anything to audit.

    Raises:
        InputError: there are no files.
    """
    from provenance.errors import InputError

    if not totals["shards"]:
        raise InputError(f"{name} holds no files; check the path")
    return totals


def _asked(pixels: str, tells: bool) -> Asked:
    from provenance.audit.plan import Asked, Pixels
    from provenance.errors import ConfigError

    if pixels.endswith("%"):
        try:
            share = float(pixels[:-1]) / 100
        except ValueError as error:
            raise ConfigError(f"--pixels {pixels} is no share; expected such as 5%") from error
        return Asked(Pixels.SAMPLE, share, tells=tells)
    if pixels not in ("none", "doubt", "all"):
        raise ConfigError(f"--pixels is {pixels}; expected none, doubt, all, or a share such as 5%")
    return Asked(Pixels(pixels), tells=tells)


def _config(path: Path | None) -> Config | None:
    """The configuration named, or the usual one if it is there; an audit needs none."""
    from provenance.config import VARIABLE, Config, default_path

    if path is None and not os.environ.get(VARIABLE) and not default_path().is_file():
        return None
    return Config.load(path)


def _engine(name: str, workers: int, run: Run) -> Engine:
    from provenance.audit.engines.local import LocalEngine
    from provenance.errors import ConfigError

    if name == "local":
        return LocalEngine(workers or os.cpu_count() or 1)
    if name == "ray":
        from provenance.audit.engines.ray import RayEngine

        return RayEngine(run, workers)
    raise ConfigError(f"--engine is {name}; expected local or ray")


def _name(source: str) -> str:
    """A name for the folder, from the last part of a path or address."""
    last = source.rstrip("/").rsplit("/", 1)[-1].split("?")[0]
    kept = "".join(c if c.isalnum() or c in "._-" else "-" for c in last).strip(".-")
    return kept[:60] or "dataset"


def _shown(steps: Iterator[Step], totals: Totals, folder: Path) -> Iterator[Step]:
    """The steps, with a bar, the rate and the time left while a person is watching."""
    from provenance_cli.render import say

    first = next(steps)
    if first.done == totals.shards:
        say(
            f"{folder} holds this audit, finished before: what has changed in the dataset since is "
            "not in it; for that choose another --output, and see audit diff"
        )
    elif first.done:
        say(f"going on with {folder}: {first.done:,} of {totals.shards:,} shards are finished")
    steps = chain([first], steps)
    if not sys.stderr.isatty():
        yield from steps
        return
    with _bar() as bar:
        task = bar.add_task("audit", total=totals.shards, rate="")
        begun = None
        for step in steps:
            begun = begun or bar.get_time()
            seconds = max(1e-3, bar.get_time() - begun)
            rate = f"{step.rows / seconds:,.0f} files/s" if step.rows else ""
            bar.update(task, completed=step.done, rate=rate)
            yield step


@contextmanager
def _bar() -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("shards  {task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar
