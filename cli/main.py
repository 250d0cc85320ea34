"""`provenance`, and `verify`, which is `provenance verify`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from provenance import __version__
from provenance_cli import exit_codes, failures
from provenance_cli.audit import app as audit_app
from provenance_cli.doctor import doctor
from provenance_cli.explain import explain
from provenance_cli.init import init
from provenance_cli.keys import app as keys_app
from provenance_cli.log import app as log_app
from provenance_cli.models import app as models_app
from provenance_cli.moderate import app as moderate_app
from provenance_cli.policy import app as policy_app
from provenance_cli.protect import protect
from provenance_cli.proxy import proxy
from provenance_cli.render import line, say
from provenance_cli.review import app as review_app
from provenance_cli.serve import serve
from provenance_cli.sign import sign
from provenance_cli.trust import app as trust_app
from provenance_cli.verify import verify
from provenance_cli.watermark import app as watermark_app

app = typer.Typer(
    name="provenance",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Moderate, watermark and sign generated pictures; verify any picture. "
    "Offline, with your own keys.",
)
app.command()(init)
app.command()(protect)
app.command()(verify)
app.command()(sign)
app.command()(serve)
app.command()(proxy)
app.command()(doctor)
app.command()(explain)
app.add_typer(audit_app, name="audit")
app.add_typer(keys_app, name="keys")
app.add_typer(log_app, name="log")
app.add_typer(models_app, name="models")
app.add_typer(moderate_app, name="moderate")
app.add_typer(policy_app, name="policy")
app.add_typer(review_app, name="review")
app.add_typer(trust_app, name="trust")
app.add_typer(watermark_app, name="watermark")

verify_app = typer.Typer(
    name="verify",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
verify_app.command(name="verify")(verify)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"provenance {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before the command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `provenance` and return its exit code."""
    return _run(app, "provenance", argv)


def verify_main(argv: Sequence[str] | None = None) -> int:
    """Run `verify` and return its exit code."""
    return _run(verify_app, "verify", argv)


def _run(application: typer.Typer, name: str, argv: Sequence[str] | None) -> int:
    """One clear sentence and a distinct code for whatever goes wrong; never a traceback."""
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        code = application(args, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except (typer.Abort, KeyboardInterrupt):
        return exit_codes.INTERRUPTED
    except typer.TyperException as error:
        error.show()
        return exit_codes.ERROR
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe went away, which Typer turns into an exit of its own.
        _abandon_stdout()
        return exit_codes.ERROR
    except Exception as error:
        say(failures.sentence(error))
        if isinstance(error, OSError) and error.filename is None:  # a stream, not a file
            _abandon_stdout()
        if "--json" in args and sys.stdout is not None:
            typer.echo(line({"error": failures.record(error)}))
        return failures.code(error)
    return code if isinstance(code, int) else exit_codes.OK


def _abandon_stdout() -> None:
    """Let the interpreter flush what is left into nothing, since it cannot be written."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none at all
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
