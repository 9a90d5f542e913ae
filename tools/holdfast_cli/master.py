"""`holdfast master`: the reference door controller of tools/master.py."""

from typing import Annotated

import typer

from holdfast_cli import product  # noqa: F401 makes tools/ importable
from holdfast_cli.options import Insecure, Trust, User, Where, read_password
from holdfast_cli.problems import REFUSED, UNREACHABLE, USAGE, Problem


def register(app):
    app.command()(master)


def master(
    where: Where,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    duration: Annotated[int, typer.Option(help="ms a heartbeat lasts", min=1)] = 10000,
    interval: Annotated[int, typer.Option(help="ms between heartbeats", min=1)] = 5000,
    want: Annotated[str, typer.Option(help="port states to hold, 4=closed,5=open")] = "",
    beats: Annotated[int, typer.Option(help="how many to send; 0: without end", min=0)] = 0,
):
    """Beat like a door controller; wanted states are applied again when a session was lost."""
    import master as reference  # the one in tools/

    from holdfast_cli.client import Module, address

    url = address(where)
    try:
        wanted = reference.parse_wanted(want)
    except ValueError as error:
        raise Problem(str(error), USAGE) from None
    timeout_s = max(1, min(interval, duration) // 1000)
    # Without an account: it logs in by itself, as controllers do.
    with Module(url, None, None, trust, insecure) as client:
        subject = reference.Module(url, user, read_password(user), timeout_s, client.post)
        try:
            alive = reference.run(subject, duration, interval, wanted, beats)
        except reference.Refused as error:
            raise Problem("%s: %s" % (url, error), REFUSED) from None
    if not alive:
        raise Problem("%s did not answer the last heartbeat" % url, UNREACHABLE)
