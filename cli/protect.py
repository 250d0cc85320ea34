"""`provenance protect`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance_cli import exit_codes
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.picture import Asset
    from provenance.pipeline import Pipeline
    from provenance_cli.files import Job


def protect(
    inputs: Annotated[
        list[str], typer.Argument(metavar="IN...", help="Files, folders, or - for stdin.")
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="File, folder, or - for stdout.")
    ],
    prompt: Annotated[
        str | None,
        typer.Option(help="What the pictures were generated from: moderated, kept private."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="FORMAT", help="png, jpeg, webp, avif or tiff; like the input if left out."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace outputs that exist.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Moderate, watermark and sign pictures; each is read back before it is written.

    Exit code: 0 all protected, 1 one was refused by the policy, 2 error.
    """
    from provenance.codec.encode import SUFFIXES, encoding_for
    from provenance.errors import Blocked, OutputError, ProvenanceError
    from provenance.pipeline import Pipeline
    from provenance_cli.files import STREAM, pair
    from provenance_cli.progress import progress
    from provenance_cli.render import asset_text, line, say

    if output == STREAM and as_json:
        raise OutputError("--json and the picture cannot share stdout; give a file as output")
    suffix = SUFFIXES[encoding_for("." + to.lstrip(".")).format] if to else None
    jobs = pair(inputs, output, suffix, overwrite)
    pipeline = Pipeline.from_config(config)
    codes = []
    for job in progress(jobs, "protect"):
        name, target = str(job.source or "-"), str(job.target or "-")
        try:
            asset = _protected(pipeline, job, prompt, suffix, overwrite)
        except ProvenanceError as error:
            codes.append(exit_codes.FAILED if isinstance(error, Blocked) else exit_codes.ERROR)
            if as_json:
                typer.echo(line({"input": name, "error": _described(error)}))
            say(f"{'blocked' if isinstance(error, Blocked) else 'error'}: {name}: {error}")
            continue
        codes.append(exit_codes.OK)
        if as_json:
            typer.echo(line({"input": name, "output": target, **asset.to_dict()}))
        elif job.target is not None:
            typer.echo(asset_text(name, target, asset))
    raise typer.Exit(exit_codes.worst(codes))


def _protected(
    pipeline: Pipeline, job: Job, prompt: str | None, suffix: str | None, overwrite: bool
) -> Asset:
    """Protect one picture and write it."""
    from provenance.errors import OutputError

    source = job.source if job.source is not None else sys.stdin.buffer.read()
    wanted = suffix or (job.target.suffix if job.target is not None else None)
    asset = pipeline(source, prompt=prompt, encoding=wanted)
    if job.target is None:
        sys.stdout.buffer.write(asset.data)
        sys.stdout.buffer.flush()
        return asset
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {job.target.parent} cannot be created ({error.strerror}); choose another"
        ) from error
    asset.save(job.target, overwrite=overwrite)
    return asset


def _described(error: Exception) -> dict[str, Any]:
    """The error for programs; of a blocked picture also what the policy saw."""
    from provenance.errors import Blocked

    record: dict[str, Any] = {"kind": type(error).__name__, "message": str(error)}
    if isinstance(error, Blocked):
        record |= {
            "category": error.category,
            "score": round(error.score, 4),
            "threshold": error.threshold,
            "policy": error.policy,
            "stage": error.stage,
        }
    return record
