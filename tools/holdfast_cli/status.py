"""`holdfast status`: what a module knows, as tables for a person, or as JSON for a script."""

import json
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from holdfast_cli import says
from holdfast_cli.document import blocked
from holdfast_cli.options import Insecure, Trust, User, Where, module


def register(app):
    app.command()(status)


def status(
    where: Where,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    as_json: Annotated[bool, typer.Option("--json", help="the answer as it came")] = False,
):
    """Masters, ports and why they are so, uplinks, the latest trips. Status 1 while a master is
    lost.
    """
    with module(where, user, trust, insecure) as subject:
        said = subject.status()
        uplinks = None if as_json else subject.uplinks()
    if as_json:
        print(json.dumps(said, indent=1))
    else:
        Console().print(Group(*tables(said, uplinks)))
    raise typer.Exit(1 if said["lost"] else 0)


def tables(said, uplinks):
    """The renderables of a status and of what `/holdfast/uplinks` says."""
    yield headline(said)
    if "tls" in said:
        yield Text("no HTTPS as set: " + said["tls"]["trouble"], style="bold yellow")
    if "trial" in said:
        text = "settings on trial: they go back in %.1f s, unless `holdfast confirm` keeps them"
        yield Text(text % (said["trial"]["left_ms"] / 1000), style="bold yellow")
    yield masters_table(said)
    yield ports_table(said)
    if uplinks["links"]:
        yield uplinks_table(uplinks)
    for text in blocked(said["rules"]):
        yield Text(text, style="bold yellow")
    for text in filter(None, map(says.advice, said["masters"])):
        yield Text(text)
    if said["trips"]["latest"]:
        yield trips_table(said)


def headline(said, stale=False):
    text = Text("%s  " % said["name"], style="bold")
    text.append("Holdfast %s, up %s  " % (said["version"], period(said["now"])), style="")
    words, style = says.headline(said, stale)
    return text.append(words, style=style)


def masters_table(said, elapsed_ms=0, stale=False):
    """elapsed_ms: how old the status is; deadlines come nearer meanwhile. stale: nothing was heard
    of the module since.
    """
    table = _table("master", "session", "is", "Duration", "heartbeats", "least margin")
    for row in said["masters"]:
        left = row["left_ms"]
        words, style = says.standing(row, None if left is None else left - elapsed_ms, stale)
        table.add_row(
            escape(row["master"]),
            (row["session"] or "")[:8],
            Text(words, style=style),
            _ms(row["duration_ms"]),
            str(row["beats"]),
            _ms(row["least_margin_ms"]),
        )
    return table


def ports_table(said):
    table = _table("port", "name", "state", "for", "why")
    for row in said["ports"]:
        style = {"closed": "bold", "open": "dim"}[row["state"]]
        if row["lost"]:
            style = "bold yellow"
        table.add_row(
            row["port"],
            escape(row["name"]),
            Text(row["state"], style=style),
            period(said["now"] - row["since"]),
            escape(says.reason(row, said["masters"], said["now"]))
            + (", locked" if row["locked"] else "")
            + "".join("; " + text for text in [says.bypassed(row, said["now"])] if text),
        )
    return table


def uplinks_table(said):
    table = _table("uplink", "kind", "is", "for", "heartbeats", "notifications", "why")
    for row in said["links"]:
        words, style = ("up", "") if row["up"] else ("down", "bold yellow")
        if not row.get("enabled", True):
            words, style = "disabled", "dim"
        queue = row["queue"]
        table.add_row(
            escape(row["name"]),
            row["kind"],
            Text(words, style=style),
            period(said["now"] - row["since"]),
            "%d sent, %d failed" % (row["sent"], row["failed"]),
            "%d wait, %d lost" % (queue["waiting"], queue["dropped"]) if queue else "",
            "" if words == "disabled" else escape(row["why"]),
        )
    return table


def trips_table(said):
    title = "%d losses, worst lateness %d ms" % (
        said["trips"]["count"],
        said["trips"]["worst_lateness_ms"],
    )
    table = _table("lost", "ago", "late by", "why", title=title)
    for row in reversed(said["trips"]["latest"]):
        table.add_row(
            escape(row["master"] or "(the module)"),
            period(said["now"] - row["due"]),
            "%d ms" % (row["moved"] - row["due"]),
            escape(row["why"]),
        )
    return table


def _table(*columns, title=None):
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def _ms(value):
    return "" if value is None else "%d ms" % value


def period(ms):
    """A span of time as a person says it: 5 s, 3 min, 2 h 5 min, 4 d 3 h."""
    seconds = max(0, ms) // 1000
    if seconds < 120:
        return "%d s" % seconds
    minutes = seconds // 60
    if minutes < 120:
        return "%d min" % minutes
    hours = minutes // 60
    if hours < 48:
        return "%d h %d min" % (hours, minutes % 60)
    return "%d d %d h" % (hours // 24, hours % 24)
