"""`holdfast log`: the module's event log, trips, resets and refused logins among it."""

import json
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast_cli import product  # noqa: F401 makes the firmware importable
from holdfast_cli.options import Insecure, Trust, User, Where, module
from holdfast_cli.problems import FAILED, USAGE, Problem
from holdfast_cli.status import period

PATH = "/holdfast/log"


def register(app):
    app.command()(log)


def log(
    where: Where,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
    kind: Annotated[str | None, typer.Option(help="only entries of this kind")] = None,
    latest: Annotated[int, typer.Option(metavar="N", help="only the latest N", min=0)] = 0,
):
    """Print the event log, oldest first."""
    from holdfast.rest.log import NAMES

    if kind is not None and kind not in NAMES:
        raise Problem("%s is no kind of entry; there are: %s" % (kind, ", ".join(NAMES)), USAGE)
    with module(where, user, trust, insecure) as subject:
        answer = subject.request("GET", PATH, (200, 404))
        if answer.status_code == 404:
            said = subject.status()  # a Problem of its own when it is no Holdfast
            text = "%s (Holdfast %s) has no event log" % (subject.url, said["version"])
            raise Problem(text, FAILED)
        entries = parse(answer.content)
    there = bool(entries)
    entries = [entry for entry in entries if kind is None or entry.get("kind") == kind]
    entries = entries[-latest:]
    if as_json:
        for entry in entries:
            print(json.dumps(entry))
    else:
        show(entries)
        if there and not entries:
            print("no entry of this kind is in the log")
        elif not there:
            print("the log is empty")


def parse(data):
    """The entries of an answer: one JSON object `{"entries": [...]}`, or entries line by line."""
    try:
        entries = []
        for line in [data] if data.lstrip().startswith(b'{"entries"') else data.splitlines():
            if line.strip():
                value = json.loads(line)
                entries.extend(value.get("entries", [value]))
        if all(isinstance(entry, dict) for entry in entries):
            return entries
    except (ValueError, TypeError, AttributeError):
        pass
    raise Problem("what came is no event log", FAILED)


def show(entries):
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in ("number", "when", "kind", "what"):
        table.add_column(column)
    for entry in entries:
        number, kind, text = (str(entry.get(key, "")) for key in ("number", "kind", "text"))
        table.add_row(number, when(entry), Text(kind), Text(text))
    Console().print(table)


def when(entry):
    """UTC where the module knew it; else how long after its start."""
    moment = entry.get("time")
    if isinstance(moment, int) and moment > 0:
        seconds, ms = divmod(moment, 1000) if moment > 1 << 40 else (moment, 0)
        return "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)), ms)
    if isinstance(moment, str) and moment:
        return moment
    at = entry.get("at")
    return "start + " + period(at) if isinstance(at, int) else ""
