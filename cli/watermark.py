"""`provenance watermark embed|read|bench`: the watermark alone, without credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance_cli import exit_codes, failures
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.config import Config
    from provenance.watermark.interface import Reading
    from provenance.watermark.trial import Survival, Trial

_READ = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif"})

app = typer.Typer(
    no_args_is_help=True, help="Write, read and test the watermark alone, without credentials."
)


@app.command()
def embed(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="A file.")],
    payload: Annotated[
        str | None, typer.Option(help="16 or 32 hexadecimal digits; random if left out.")
    ] = None,
    bits: Annotated[int, typer.Option(help="Of a random payload: 64 or 128.")] = 64,
    overwrite: Annotated[bool, typer.Option(help="Replace an output that exists.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Mark a picture, and read the mark back before it is written. Nothing is signed."""
    from provenance.codec.decode import decode, read_bytes
    from provenance.codec.encode import encode, encoding_for
    from provenance.errors import OutputError, ReadbackFailed
    from provenance.files import write_atomically
    from provenance.watermark.interface import Payload
    from provenance_cli.render import line, plain

    settings = _settings(config)
    if os.path.realpath(source) == os.path.realpath(output):
        raise OutputError(f"{output} is both input and output; choose another name")
    picture = decode(read_bytes(source, settings.limits), settings.limits)
    encoding = encoding_for(str(output), picture.encoding)
    wanted = Payload.from_hex(payload) if payload else Payload.random(bits)
    watermarker = settings.watermarker()
    encoded = encode(watermarker.embed(picture, wanted), encoding)
    reading = watermarker.extract(decode(encoded.data, settings.limits))
    if reading.payload != wanted:
        raise ReadbackFailed(
            "the mark could not be read back from the finished picture, which was not written; "
            'use a higher quality, a larger picture, or strength = "robust"'
        )
    write_atomically(output, encoded.data, overwrite=overwrite)
    if as_json:
        typer.echo(line({"output": str(output), "payload": wanted.hex, **_facts(reading)}))
    else:
        typer.echo(plain(f"{output}  payload {wanted.hex}"))


@app.command()
def read(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pictures.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Read the mark of your keys. Exit code: 0 all have one, 2 error, 3 one has none."""
    from provenance.codec.decode import decode, read_bytes
    from provenance_cli.progress import progress
    from provenance_cli.render import line, odds, plain, say

    settings = _settings(config)
    keys = settings.watermarkers()
    codes = []
    for path in progress(files, "read"):
        try:
            picture = decode(read_bytes(path, settings.limits), settings.limits, first_frame=True)
            readings = (key.extract(picture) for key in keys)
            reading = next((r for r in readings if r.found), None)
        except Exception as error:  # one bad file must not stop the others
            codes.append(failures.code(error))
            if as_json:
                typer.echo(line({"name": str(path), "error": failures.record(error)}))
            say(f"{path}: {failures.sentence(error)}")
            continue
        codes.append(exit_codes.OK if reading else exit_codes.NO_EVIDENCE)
        if as_json:
            found = _facts(reading) if reading else {"payload": None}
            typer.echo(line({"name": str(path), **found}))
        elif reading and reading.payload:
            rate = min(1.0, reading.false_positive_rate * len(keys))
            typer.echo(
                plain(f"{path}  payload {reading.payload.hex}  false positives: {odds(rate)}")
            )
        else:
            typer.echo(plain(f"{path}  no mark of your keys was found"))
    raise typer.Exit(exit_codes.worst(codes))


@app.command()
def bench(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Pictures, or folders of them.")
    ],
    attacks: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Edits by name or family, such as jpeg,crop-50,social; all if left out.",
        ),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Mark your pictures, edit the copies, and count which edits the mark survives.

    Nothing is written. Exit code: 0 measured, whatever came out; 2 a picture could not be.
    """
    from provenance.codec.decode import decode, read_bytes
    from provenance.watermark import edits
    from provenance.watermark.trial import attempt, summary, survival
    from provenance_cli.progress import progress
    from provenance_cli.render import line, say

    names = edits.EDITS if attacks is None else attacks.split(",")
    tried = edits.chosen([name.strip() for name in names])
    settings = _settings(config)
    watermarker = settings.watermarker()
    trials, codes = [], [exit_codes.OK]
    for number, path in enumerate(progress(_pictures(inputs), "bench")):
        try:
            picture = decode(read_bytes(path, settings.limits), settings.limits)
            trial = attempt(watermarker, picture, tried, seed=number)
        except Exception as error:  # one bad file must not stop the others
            codes.append(failures.code(error))
            if as_json:
                typer.echo(line({"name": str(path), "error": failures.record(error)}))
            say(f"{path}: {failures.sentence(error)}")
            continue
        trials.append(trial)
        if as_json:
            typer.echo(line({"name": str(path), **_measured(trial)}))
    if trials and as_json:
        rows = {name: asdict(row) for name, row in survival(trials).items()}
        typer.echo(line({"summary": {**summary(trials), "edits": rows}}))
    elif trials:
        typer.echo(_table(summary(trials), survival(trials)))
    raise typer.Exit(exit_codes.worst(codes))


def _pictures(inputs: Sequence[Path]) -> list[Path]:
    """The files, and for each folder the pictures below it."""
    from provenance.errors import InputError

    found = []
    for path in inputs:
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in _READ and p.is_file())
        if path.is_dir() and not inside:
            raise InputError(f"the folder {path} holds no picture ({', '.join(sorted(_READ))})")
        found += inside if path.is_dir() else [path]
    return found


def _measured(trial: Trial) -> dict[str, Any]:
    return {
        "psnr": round(trial.psnr, 2),
        "embed_ms": round(trial.embed_milliseconds, 2),
        "edits": {name: asdict(read) for name, read in trial.reads.items()},
    }


def _table(whole: Mapping[str, float], rows: Mapping[str, Survival]) -> str:
    """A line on the pictures, then one for each edit."""
    lines = [
        f"pictures: {whole['pictures']}  PSNR {whole['psnr_mean']:.1f} dB, "
        f"least {whole['psnr_min']:.1f}  CPU time of marking {whole['embed_ms']:.1f} ms",
        "",
        f"{'edit':<16}{'recovered':>11}{'share':>9}{'95 % interval':>18}{'CPU ms':>9}",
    ]
    for name, row in rows.items():
        share = f"{100 * row.recovered / row.pictures:.1f} %"
        between = f"{100 * row.low:.1f} to {100 * row.high:.1f} %"
        count = f"{row.recovered}/{row.pictures}"
        wrong = f"  {row.wrong} read wrong" if row.wrong else ""
        lines.append(f"{name:<16}{count:>11}{share:>9}{between:>18}{row.milliseconds:>9.1f}{wrong}")
    return "\n".join(lines)


def _settings(path: Path | None) -> Config:
    from provenance.config import Config

    return Config.load(path)


def _facts(reading: Reading) -> dict[str, Any]:
    return {
        "payload": reading.payload.hex if reading.payload else None,
        "false_positive_rate": reading.false_positive_rate,
        "details": dict(reading.details),
    }
