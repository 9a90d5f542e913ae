"""`holdfast`: one command, with a sub-command for each thing to do.

Statuses: see holdfast_cli.problems. Whatever happens, a person reads a sentence, not a traceback;
with HOLDFAST_TRACE=1 a developer sees both.
"""

import os
import sys
import traceback
from typing import Annotated

import typer
from typer.exceptions import TyperException

from holdfast_cli.lazily import Commands
from holdfast_cli.problems import FAULT, INTERRUPTED, Problem

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool):
    if wanted:
        from holdfast_cli import product

        print("holdfast " + product.version())
        raise typer.Exit()


@app.callback()
def holdfast(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="tell it, and end")
    ] = False,
):
    """What a person does with Holdfast modules from a PC."""


def main():
    """The entry point: run, and end with a status."""
    try:
        status = app(standalone_mode=False)
    except Problem as problem:
        say(problem.text)
        status = problem.status
    except typer.Exit as end:
        status = end.exit_code
    except TyperException as error:  # the command line makes no sense
        if hasattr(error, "show"):
            error.show()
        else:
            say(error.format_message())
        status = error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        say("interrupted")
        status = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0  # whoever read has had enough
    except Exception as error:
        if os.environ.get("HOLDFAST_TRACE"):
            traceback.print_exc()
        say("a fault of this program: %s: %s" % (type(error).__name__, error))
        status = FAULT
    sys.exit(status if isinstance(status, int) else 0)


def say(text):
    """One line for the person, where results do not go."""
    print("holdfast: " + text, file=sys.stderr)


if __name__ == "__main__":
    main()
