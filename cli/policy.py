"""`provenance policy check|explain|diff|show|try`: what a policy does, before it does it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli import exit_codes
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.moderate.interface import Policy

app = typer.Typer(no_args_is_help=True, help="See what a moderation policy does, and try it out.")

Named = Annotated[str, typer.Argument(metavar="FILE|PRESET", help="A policy.")]
Optional = Annotated[
    str | None, typer.Argument(metavar="[FILE|PRESET]", help="A policy; else the configured one.")
]


@app.command()
def check(policy: Named, as_json: AsJson = False) -> None:
    """Say whether a policy can be obeyed on this machine. Exit code: 0 it can, 2 it cannot."""
    from provenance.moderate import build, policy_file
    from provenance_cli.render import line, plain

    loaded = policy_file.load(policy)
    built = build.moderator(loaded)
    if as_json:
        record = {"policy": loaded.name, "digest": loaded.digest, "checked": list(built.checked)}
        typer.echo(line(record))
        return
    looked_for = ", ".join(built.checked) or "nothing"
    typer.echo(
        plain(
            f"policy '{loaded.name}' can be obeyed; in pictures it looks for {looked_for} "
            f"(digest {loaded.digest})"
        )
    )


@app.command()
def explain(
    policy: Optional = None,
    prompt: Annotated[
        str | None, typer.Option(help="Show what the policy would do with this prompt as well.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say in plain words what a policy does, who checks, and what nobody checks."""
    from provenance.moderate.describe import describe, try_prompt
    from provenance_cli.policy_text import description_text, trial_text
    from provenance_cli.render import line

    chosen = _chosen(policy, config)
    described = describe(chosen)
    trial = None if prompt is None else try_prompt(chosen, prompt)
    if as_json:
        record = described.to_dict()
        typer.echo(line({**record, "on_prompt": trial.to_dict()} if trial else record))
        return
    typer.echo(description_text(described))
    if trial is not None:
        typer.echo(trial_text(trial))


@app.command()
def diff(before: Named, after: Named, as_json: AsJson = False) -> None:
    """Say what a policy does differently from another. Exit code: 0 nothing, 1 something."""
    from provenance.moderate import policy_file
    from provenance_cli.render import line, plain

    found = policy_file.differences(policy_file.load(before), policy_file.load(after))
    if as_json:
        typer.echo(line({"before": before, "after": after, "differences": list(found)}))
    else:
        for sentence in found or ("they do the same",):
            typer.echo(plain(sentence))
    if found:
        raise typer.Exit(exit_codes.FAILED)


@app.command()
def show(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="standard, strict, art, medical")],
    as_json: AsJson = False,
) -> None:
    """Print a preset as a policy file to start from."""
    from provenance.moderate import policy_file
    from provenance_cli.render import line

    text = policy_file.text_of(preset)
    typer.echo(line({"preset": preset, "toml": text}) if as_json else text, nl=as_json)


@app.command("try")
def try_(
    inputs: Annotated[list[str], typer.Argument(metavar="FOLDER...", help="Folders or files.")],
    policy: Annotated[
        str | None, typer.Option(metavar="FILE|PRESET", help="A policy; else the configured one.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="FILE|PRESET", help="Show what changes from this one.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="HTML", help="Write a contact sheet, blurred."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the sheet if it exists.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what a policy would do with pictures; nothing is changed or recorded.

    Exit code: 0 all were judged, 2 some could not be.
    """
    from provenance.errors import OutputError
    from provenance.files import write_atomically
    from provenance.moderate import build
    from provenance.moderate.preview import preview, summary
    from provenance.moderate.sheet import sheet
    from provenance_cli.files import expanded
    from provenance_cli.policy_text import preview_text, summary_text
    from provenance_cli.progress import progress
    from provenance_cli.render import line

    if output is not None and os.path.lexists(output) and not overwrite:
        raise OutputError(f"{output} exists; use --overwrite to replace it")
    chosen = _chosen(policy, config)
    other = None if against is None else _chosen(against, config)
    moderators = [build.moderator(each) for each in (chosen, other) if each is not None]
    paths = [path for name in inputs for path, _ in expanded(Path(name))]
    previews = []
    for path in progress(paths, "try"):
        seen = preview(path, moderators)
        previews.append(seen)
        if as_json:
            typer.echo(line(seen.to_dict()))
        elif text := preview_text(seen):
            typer.echo(text)
    counted = summary(previews)
    if as_json:
        typer.echo(line({"policy": str(chosen), **counted.to_dict()}))
    else:
        typer.echo(summary_text(chosen, counted, other))
    if output is not None:
        html = sheet(chosen, previews, other).encode()
        write_atomically(output, html, overwrite=overwrite, mode=0o600)
    if any(seen.outcomes[0].action is None for seen in previews):
        raise typer.Exit(exit_codes.ERROR)


def _chosen(name: str | None, config: Path | None) -> Policy:
    from provenance.config import Config
    from provenance.moderate import policy_file

    return Config.load(config).policy if name is None else policy_file.load(name)
