"""`holdfast bypass`: an output that no loss moves for a while, for maintenance."""

import re
from typing import Annotated

import typer

from holdfast_cli.options import Insecure, Trust, User, Where, confirmed, module
from holdfast_cli.problems import USAGE, Problem

_UNITS_MS = {"": 60000, "s": 1000, "m": 60000, "min": 60000, "h": 3600000}


def register(app):
    app.command()(bypass)


def bypass(
    port: Annotated[str, typer.Argument(help="the output's number")],
    time: Annotated[str, typer.Argument(help="15m, 90s, 2h; 0 ends it")],
    where: Where,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
):
    """Have no loss move an output for a while. It stays as it is, and takes commands."""
    ms = milliseconds(time)
    with module(where, user, trust, insecure) as subject:
        text = "Port %s stays as it is when its master is lost, for %s. Bypass it?" % (port, time)
        if ms and not confirmed(text, yes):
            raise typer.Abort()
        subject.bypass(port, ms)
    if ms:
        print("port %s is bypassed for %s; `holdfast bypass %s 0` ends it" % (port, time, port))
    else:
        print("port %s is not bypassed any more" % port)


def milliseconds(text):
    """The ms of a time as people write it; minutes where there is no unit."""
    found = re.fullmatch(r"(\d{1,6})\s*(s|m|min|h|)", text)
    if not found:
        raise Problem("%s is no time; write 15m, 90s or 2h, or 0" % text, USAGE)
    return int(found[1]) * _UNITS_MS[found[2]]
