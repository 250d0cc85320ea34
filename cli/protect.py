"""`provenance protect`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli import exit_codes, failures
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.picture import Asset


def protect(
    inputs: Annotated[
        list[str], typer.Argument(metavar="IN...", help="Files, folders, or - for stdin.")
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="File, folder, or - for stdout.")
    ],
    prompt: Annotated[
        str | None,
        typer.Option(help="What the pictures were generated from; kept private."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="png, jpeg, webp, avif or tiff; like the input if left out.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace outputs that exist.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Moderate, watermark and sign pictures; each is read back before it is written.

    Exit code: 0 all protected, 1 one was refused by the policy, 2 error.
    """
    from provenance.codec.encode import SUFFIXES, encoding_for
    from provenance.config import Config
    from provenance.errors import OutputError
    from provenance.pipeline import Pipeline
    from provenance_cli.files import STREAM, pair, read_stdin
    from provenance_cli.progress import progress
    from provenance_cli.render import asset_text, line, say

    if output == STREAM and as_json:
        raise OutputError("--json and the picture cannot share stdout; give a file as output")
    suffix = SUFFIXES[encoding_for("." + to.lstrip(".")).format] if to else None
    jobs = pair(inputs, output, suffix, overwrite)
    settings = Config.load(config)
    pipeline = Pipeline.from_config(settings)
    codes = []
    for job in progress(jobs, "protect"):
        name, target = str(job.source or "-"), str(job.target or "-")
        try:
            source = job.source or read_stdin(settings.limits)
            wanted = suffix or (job.target.suffix if job.target else None)
            asset = pipeline(source, prompt=prompt, encoding=wanted or None)
            _write(asset, job.target, overwrite)
        except Exception as error:  # one bad picture must not stop the others
            codes.append(failures.code(error))
            if as_json:
                typer.echo(line({"input": name, "error": failures.record(error)}))
            say(f"{name}: {failures.sentence(error)}")
            continue
        codes.append(exit_codes.OK)
        if as_json:
            typer.echo(line({"input": name, "output": target, **asset.to_dict()}))
        elif job.target is not None:
            typer.echo(asset_text(name, target, asset))
    raise typer.Exit(exit_codes.worst(codes))


def _write(asset: Asset, target: Path | None, overwrite: bool) -> None:
    """To stdout, or to the file, whose folder is made if it is missing."""
    from provenance.errors import OutputError

    if target is None:
        sys.stdout.buffer.write(asset.data)
        sys.stdout.buffer.flush()
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {target.parent} cannot be created ({error.strerror}); choose another"
        ) from error
    asset.save(target, overwrite=overwrite)
