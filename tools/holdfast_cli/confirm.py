"""`holdfast confirm`: settings on trial are kept, or taken back."""

from typing import Annotated

import typer

from holdfast_cli.options import Insecure, Trust, User, Where, module
from holdfast_cli.problems import FAILED, Problem


def register(app):
    app.command()(confirm)


def confirm(
    where: Where,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    take_back: Annotated[bool, typer.Option("--take-back", help="now, not in a minute")] = False,
):
    """Keep settings that are on trial."""
    with module(where, user, trust, insecure) as subject:
        if not subject.confirm(not take_back):
            raise Problem("no settings are on trial at %s" % subject.url, FAILED)
    print("taken back" if take_back else "kept")
