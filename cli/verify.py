"""`provenance verify` and `verify`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli import exit_codes, failures
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.codec.limits import Limits
    from provenance.config import Config
    from provenance.evidence import Outcome
    from provenance.report.write import Pages


def verify(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, or - for stdin.")],
    online: Annotated[
        bool,
        typer.Option("--online", help="Fetch credentials from an address that a file names."),
    ] = False,
    html: Annotated[
        str | None,
        typer.Option(
            "--html",
            metavar="OUT",
            help="Write a report to read: a page (report.html), or a folder of pages with a list.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a report that exists.")
    ] = False,
    prior: Annotated[
        float,
        typer.Option(
            "--prior",
            metavar="SHARE",
            help="Share of generated pictures where these come from, for the probability.",
        ),
    ] = 0.5,
    looks: Annotated[
        bool,
        typer.Option(help="Judge the pixels as well, which takes most of the time."),
    ] = True,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what is known of each picture: credentials, watermark, claims, looks.

    Exit code: 0 verified, 1 a check failed, 2 error, 3 nothing found that can be relied upon.
    Nothing found means unknown: it says nothing about where a picture comes from.
    """
    from provenance.codec.decode import read_bytes
    from provenance.codec.limits import Limits
    from provenance.verify.policy import StandardPolicy
    from provenance.verify.verifier import Verifier
    from provenance_cli.files import read_stdin
    from provenance_cli.progress import progress
    from provenance_cli.render import legend, line, report_text, say

    policy = StandardPolicy(prior)
    settings = _settings(config)
    verifier = (
        Verifier.from_config(settings, online=online, looks=looks)
        if settings
        else Verifier.standard(online=online, looks=looks)
    )
    limits = settings.limits if settings else Limits()
    pages = _pages(html, files, limits, overwrite) if html is not None else None
    codes, statuses = [], set()
    for number, name in enumerate(progress(files, "verify")):
        try:
            data = read_stdin(limits) if name == "-" else read_bytes(name, limits)
            report = verifier.verify(data, name=name)
            report = replace(report, verdict=policy.judge(report.evidence))
            if pages is not None:
                pages.add(report, data)
        except Exception as error:  # one bad file must not stop the others
            codes.append(failures.code(error))
            if as_json:
                typer.echo(line({"name": name, "error": failures.record(error)}))
            say(f"{name}: {failures.sentence(error)}")
            if pages is not None:
                pages.add_problem(name, failures.sentence(error).removeprefix("error: "))
            continue
        codes.append(_code(report.verdict.outcome))
        statuses |= {each.status for each in report.evidence}
        if as_json:
            typer.echo(line(report.to_dict()))
        else:
            typer.echo(("\n" if number else "") + report_text(report))
    if not as_json and set(codes) - {exit_codes.ERROR}:
        typer.echo("\n  " + legend(statuses))
    written = pages.finish() if pages is not None else None
    if written is not None:
        say(f"report: {written}")
    raise typer.Exit(exit_codes.worst(codes))


def _pages(html: str, files: list[str], limits: Limits, overwrite: bool) -> Pages:
    """Where the reports go: refused before any work is done."""
    from provenance.errors import OutputError
    from provenance.report.write import OnePage, ReportFolder, is_page

    if not is_page(html):
        return ReportFolder(html, limits=limits, overwrite=overwrite)
    if len(files) > 1:
        raise OutputError(
            f"{html} is one page, and there are {len(files)} files; name a folder instead"
        )
    return OnePage(html, limits=limits, overwrite=overwrite)


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
