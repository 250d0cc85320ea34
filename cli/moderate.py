"""`provenance moderate check|fit|train`: ask the moderator, and teach it on pictures of yours."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance_cli import exit_codes, failures
from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.codec.limits import Limits
    from provenance.config import Config
    from provenance.moderate.fit import Fit
    from provenance.moderate.interface import Finding, PictureClassifier, Policy
    from provenance.moderate.measure import Measured
    from provenance.moderate.samples import Sample
    from provenance.moderate.train import Examples

app = typer.Typer(
    no_args_is_help=True,
    help="Ask the moderator about pictures and prompts, and fit it to pictures of yours.",
)

Model = Annotated[
    str | None,
    typer.Option("--tower", help="A name of `provenance models list`, or an exported folder."),
]


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE...", help="Pictures.")] = None,
    prompt: Annotated[str | None, typer.Option(help="A prompt to check, before the files.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what the policy makes of a prompt and of pictures, with scores. Nothing is written.

    Exit code: 0 none is blocked, 1 one is, 2 error.
    """
    from provenance.errors import InputError
    from provenance.moderate.build import moderator
    from provenance.picture import Picture
    from provenance_cli.progress import progress
    from provenance_cli.render import line, say

    if not files and prompt is None:
        raise InputError("nothing to check was given; expected files, or --prompt TEXT")
    limits, policy = _settings(config)
    judge = moderator(policy)
    codes, before = [], ()
    if prompt is not None:
        try:
            before = judge.check_prompt(prompt)
        except Exception as error:
            codes.append(_failed("prompt", error, as_json))
        else:
            said = {"name": "prompt", "findings": [finding.to_dict() for finding in before]}
            typer.echo(line(said) if as_json else _findings("prompt", "", before))
    for path in progress(files or [], "check"):
        try:
            decision = judge.check_picture(Picture.open(path, limits=limits), before)
        except Exception as error:  # one bad file must not stop the others
            codes.append(_failed(str(path), error, as_json))
            continue
        if as_json:
            typer.echo(line({"name": str(path), **decision.to_dict()}))
        else:
            pictures = [f for f in decision.findings if f.stage == "picture"]
            typer.echo(_findings(str(path), decision.action.value, pictures))
            if decision.not_checked:
                typer.echo(f"  not checked: {', '.join(decision.not_checked)}")
            for note in decision.notes:
                say(f"{path}: {note}")
    raise typer.Exit(exit_codes.worst(codes))


@app.command()
def fit(
    safe: Annotated[Path, typer.Option(metavar="DIR", help="Pictures that must pass.")],
    max_safe_flagged: Annotated[
        str, typer.Option(metavar="SHARE", help="Of safe pictures flagged: 2% or 0.02.")
    ],
    unsafe: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Pictures that must not; a folder for each category, or all of --category.",
        ),
    ] = None,
    category: Annotated[str | None, typer.Option(help="Fit this one alone.")] = None,
    classifier: Annotated[
        str,
        typer.Option(help="By its name in a policy: open-nsfw, zero-shot:MODEL, head:FILE@MODEL."),
    ] = "open-nsfw",
    calibration: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Fit probabilities as well, and write them here."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a calibration that exists.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Find the thresholds that flag few enough safe pictures, and say what they find.

    With 95 % confidence, at most SHARE of safe pictures like yours reach the threshold of a
    category. Exit code: 0 all thresholds were found, 1 one cannot be promised, 2 error.
    """
    from provenance.errors import ConfigError, InputError
    from provenance.files import write_atomically
    from provenance.moderate.fit import parse_share, toml_lines
    from provenance.moderate.interface import FLOOR
    from provenance.moderate.measure import calibrate, can_be_calibrated, fit_all, with_category
    from provenance.moderate.samples import find
    from provenance_cli.render import line, say

    bound = parse_share(max_safe_flagged)
    limits, policy = _settings(config)
    scorer = _classifier(policy, classifier)
    if category is not None and category not in scorer.categories:
        raise ConfigError(
            f"{scorer.name} does not score {category}; expected {', '.join(scorer.categories)}"
        )
    if calibration is not None and not can_be_calibrated(scorer):
        raise ConfigError(f"{scorer.name} cannot be calibrated; leave out --calibration")
    fixed = [name for name in scorer.categories if name in FLOOR]
    if category in fixed:
        raise ConfigError(f"no threshold is fitted for {category}: no policy can move it")
    wanted = (category,) if category else scorer.categories
    good = _measured(scorer, find(safe), limits, "safe")
    bad = _measured(scorer, find(unsafe), limits, "unsafe") if unsafe else []
    by_name = with_category(bad, wanted, category) if bad else {}
    if unsafe and not bad:
        raise InputError(f"no picture in {unsafe} can be read")
    curves = None
    if calibration is not None:
        curves = calibrate(scorer, good, by_name)
        write_atomically(calibration, curves.to_json().encode(), overwrite=overwrite)
    found = fit_all(wanted, good, by_name, bound, curves)
    if as_json:
        for each in found:
            typer.echo(line({"classifier": scorer.name, **each.to_dict()}))
    else:
        typer.echo("\n".join(_fit_text(each) for each in found))
        if len(found) > 1:
            say("note: each bound is for its category alone; together they may flag more")
        if fixed and not category:
            say(f"note: not fitted: {', '.join(fixed)}, which no policy can move")
        lines = toml_lines(found)
        typer.echo(f"\nfor your policy:\n\n{lines}" if lines else "\nnothing for your policy")
    raise typer.Exit(exit_codes.FAILED if any(f.problem for f in found) else exit_codes.OK)


@app.command()
def train(
    category: Annotated[str, typer.Option(help="What the head will score.")],
    positive: Annotated[Path, typer.Option(metavar="DIR", help="Pictures with it.")],
    negative: Annotated[
        Path, typer.Option(metavar="DIR", help="Pictures without it, look-alikes among them.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="A file, .npz.")],
    tower: Model = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an output that exists.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Train a head on a tower's embeddings, and say how well it does on pictures held out.

    Folders inside DIR are sources: their pictures, and copies of one picture, are never on both
    sides of a test. The card is written beside the head, as OUT.json.
    """
    from provenance.errors import ConfigError, OutputError
    from provenance.files import write_atomically
    from provenance.moderate import on_tower
    from provenance.moderate.samples import find
    from provenance.moderate.train import check_category
    from provenance.moderate.train import train as fitted
    from provenance_cli.render import line, plain, say

    check_category(category)
    if output.suffix != ".npz":
        raise OutputError(f"the output is {output}; expected a name that ends in .npz")
    if tower is None:
        raise ConfigError("no tower was named; give --tower MODEL, see provenance models list")
    card_file = output.with_suffix(".json")
    for target in (output, card_file):
        if target.exists() and not overwrite:
            raise OutputError(f"{target} exists; use --overwrite to replace it")
    limits, _ = _settings(config)
    embedder = on_tower.embedder(_model(tower))
    yes = _examples(embedder, find(positive), limits, "positive")
    no = _examples(embedder, find(negative), limits, "negative")
    made = fitted(category, embedder.tower.identity, yes, no)
    write_atomically(output, made.data, overwrite=overwrite)
    said = {**made.card, "sha256": made.sha256}
    write_atomically(card_file, json.dumps(said, indent=1).encode() + b"\n", overwrite=overwrite)
    if as_json:
        typer.echo(line({"output": str(output), **said}))
        return
    for title, part in (("held out", "cross_validation"), ("trivial rule", "trivial_baseline")):
        low, high = made.card[part]["auc_interval95"]
        value = made.card[part]["auc"]
        typer.echo(f"{title}: AUC {value:.3f} (95 % interval {low:.3f} to {high:.3f})")
    for note in made.card["notes"]:
        say(f"note: {note}")
    typer.echo(plain(f"{output}  {category} on {embedder.tower.identity}"))


def _settings(path: Path | None) -> tuple[Limits, Policy]:
    """Limits and policy of the configuration, or the standard ones if there is none."""
    from provenance.codec.limits import Limits
    from provenance.config import VARIABLE, Config, find
    from provenance.moderate.policy_file import preset

    if path is None and not os.environ.get(VARIABLE) and not find().exists():
        return Limits(), preset("standard")
    settings: Config = Config.load(path)
    return settings.limits, settings.policy


def _classifier(policy: Policy, name: str) -> PictureClassifier:
    """The classifier of pictures that a policy would get by this name."""
    from dataclasses import replace

    from provenance.errors import ConfigError
    from provenance.moderate.build import classifiers

    kind, _, argument = name.partition(":")
    file, _, rest = argument.rpartition("@")
    if kind == "head" and file:
        name = f"head:{Path(file).absolute()}@{_model(rest)}"
    elif kind == "zero-shot" and argument:
        name = f"zero-shot:{_model(argument)}"
    found = classifiers(replace(policy, classifiers=(name,)))
    if name in found.missing:
        raise ConfigError(found.missing[name])
    if name not in found.pictures:
        raise ConfigError(f"{name} scores prompts; expected a classifier of pictures")
    return found.pictures[name]


def _model(name: str) -> str:
    """A folder's full path, since a name typed here may start from the current folder."""
    return str(Path(name).absolute()) if Path(name).is_dir() else name


def _measured(
    classifier: PictureClassifier, samples: Sequence[Sample], limits: Limits, verb: str
) -> list[Measured]:
    from provenance.moderate.measure import batches, measure
    from provenance_cli.progress import progress

    return [
        each
        for batch in progress(batches(samples), verb)
        for each in measure(classifier, batch, limits, _skip)
    ]


def _examples(embedder: Any, samples: Sequence[Sample], limits: Limits, verb: str) -> Examples:
    from provenance.moderate.measure import batches
    from provenance.moderate.train import embedded, joined
    from provenance_cli.progress import progress

    parts = progress(batches(samples), verb)
    return joined([embedded(embedder, batch, limits, _skip) for batch in parts])


def _skip(sample: Sample, error: Exception) -> None:
    from provenance_cli.render import say

    say(f"skipped: {sample.path}: {error}")


def _failed(name: str, error: Exception, as_json: bool) -> int:
    from provenance.errors import Blocked
    from provenance_cli.render import line, plain, say

    if as_json:
        typer.echo(line({"name": name, "error": failures.record(error)}))
    if not isinstance(error, Blocked):
        say(f"{name}: {failures.sentence(error)}")
    elif not as_json:
        shown = (
            "" if error.score is None else f"  {error.score:.4f}, blocks from {error.threshold:g}"
        )
        typer.echo(plain(f"{name}  block"))
        typer.echo(plain(f"  {error.category}{shown}"))
    return failures.code(error)


def _findings(name: str, action: str, findings: Sequence[Finding]) -> str:
    from provenance_cli.render import plain

    out = [plain(f"{name}  {action}".rstrip())]
    for each in findings:
        score = "not shown" if each.score is None else f"{each.score:.4f}"
        limit = "" if each.threshold is None else f", the next step is at {each.threshold:.4f}"
        if each.action.value != "allow":
            limit = f", {each.action.value}"
        out.append(plain(f"  {each.category}  {score}{limit}  ({each.classifier})"))
    return "\n".join(out)


def _fit_text(each: Fit) -> str:
    if each.problem:
        return f"{each.category}: no threshold: {each.problem}"
    text = (
        f"{each.category}: from {each.threshold:.4f} on; flags {each.flagged} of {each.safe} safe "
        f"pictures, below {100 * each.upper:.2f} % with 95 % confidence"
    )
    if each.recall is None:
        return text + "; no unsafe pictures, so what it finds is unknown"
    low, high = each.recall
    return (
        f"{text}; finds {each.found} of {each.unsafe} unsafe ones "
        f"(95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    )
