"""`provenance sign`: credentials for any file that can carry them, without moderation or mark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.codec.limits import Limits
    from provenance.sign.interface import Generation, Ingredient, SourceType
    from provenance.sign.prompt import Commitment


def sign(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Picture, video, sound or PDF.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="A file.")],
    source_type: Annotated[
        str | None, typer.Option(metavar="CODE", help="IPTC digital source type of a new file.")
    ] = None,
    parent: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What this is a later version of.")
    ] = None,
    edit: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="What was done to it with AI.")
    ] = None,
    placed: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A file that is visible in it.")
    ] = None,
    reference: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A file that guided the generator.")
    ] = None,
    model: Annotated[str, typer.Option(help="Name of the model; public.")] = "",
    model_version: Annotated[str, typer.Option(help="Its version; public.")] = "",
    seed: Annotated[int | None, typer.Option(help="Of the generator; public.")] = None,
    request_id: Annotated[str, typer.Option(help="The same for all outputs of a request.")] = "",
    prompt: Annotated[
        str | None, typer.Option(help="Kept out unless --prompt-as is given.")
    ] = None,
    prompt_as: Annotated[
        str,
        typer.Option(metavar="none|commitment|hash|text", help="What to publish of the prompt."),
    ] = "none",
    no_training: Annotated[bool, typer.Option(help="State: no training, no mining.")] = False,
    allow_untrusted: Annotated[
        bool, typer.Option(help="Write it although its signer is not trusted here.")
    ] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an output that exists.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign a file of any kind; credentials that it carries are kept as its history.

    Nothing is moderated and nothing is marked: for generated pictures use protect.
    """
    from provenance.config import Config
    from provenance.errors import OutputError
    from provenance.sign.file import sign_file
    from provenance.sign.interface import Edit, Generation, Statement
    from provenance.sign.mining import Permission, TrainingMining
    from provenance_cli.render import line, plain

    if str(output) == "-":
        raise OutputError("signed files are read back before they are written; name a file")
    settings = Config.load(config)
    limits = settings.limits
    commitment = _commitment(prompt, prompt_as)
    mining = no_training or settings.no_training
    statement = Statement(
        generator=settings.generator,
        source_type=_source_type(source_type) if source_type else settings.source_type,
        parent=_ingredient(parent, limits) if parent else None,
        prompt=prompt if prompt_as == "text" else None,
        edits=tuple(Edit(description=text) for text in edit or ()),
        placed=tuple(_ingredient(path, limits) for path in placed or ()),
        references=tuple(_ingredient(path, limits) for path in reference or ()),
        generation=_generation(Generation(model, model_version, seed, request_id, commitment)),
        mining=TrainingMining.all(Permission.NOT_ALLOWED) if mining else None,
    )
    done = sign_file(
        source,
        output,
        statement,
        settings.signer(),
        settings.anchors(),
        timestamp=settings.timestamp(),
        allow_untrusted=allow_untrusted,
        overwrite=overwrite,
        limits=limits,
    )
    key = commitment.key.hex() if commitment and commitment.key else None
    late = done.stamp.failure if done.stamp else ""
    if as_json:
        record = {
            "output": str(done.path),
            "media_type": done.media_type,
            "bytes": done.size,
            "manifest_id": done.manifest_id,
            "kept_history": done.kept_history,
            "timestamp": done.stamp.time.isoformat() if done.stamp and done.stamp.time else None,
            "timestamp_failure": late,
            "prompt_key": key,
            "evidence": [e.to_dict() for e in done.evidence],
        }
        typer.echo(line(record))
        return
    history = "  (its history is kept)" if done.kept_history else ""
    typer.echo(plain(f"{source} -> {done.path}  {done.manifest_id}{history}"))
    if late:
        typer.echo(plain(f"  note: signed without a time-stamp: {late}"))
    if key:
        typer.echo(f"  key that opens the prompt's commitment, shown only now: {key}")


def _commitment(prompt: str | None, form: str) -> Commitment | None:
    from provenance.errors import InputError
    from provenance.sign.prompt import commit, plain_hash

    if form not in {"none", "commitment", "hash", "text"}:
        raise InputError(f"--prompt-as {form}: expected none, commitment, hash or text")
    if form != "none" and prompt is None:
        raise InputError(f"--prompt-as {form} publishes something of a prompt; give --prompt")
    if prompt is None or form in {"none", "text"}:
        return None
    return commit(prompt) if form == "commitment" else plain_hash(prompt)


def _generation(said: Generation) -> Generation | None:
    """What there is to say; an empty assertion would say nothing."""
    from provenance.sign.interface import Generation

    return said if said != Generation() else None


def _source_type(code: str) -> SourceType:
    from provenance.errors import InputError
    from provenance.sign.interface import SourceType

    try:
        return SourceType(code)
    except ValueError as error:
        known = ", ".join(t.value for t in SourceType)
        raise InputError(f"'{code}' is no IPTC digital source type; expected {known}") from error


def _ingredient(path: Path, limits: Limits) -> Ingredient:
    from provenance.codec.decode import read_bytes
    from provenance.sign.interface import Ingredient
    from provenance.verify.media import media_type

    data = read_bytes(path, limits)
    return Ingredient(data, media_type(data), title=path.name)
