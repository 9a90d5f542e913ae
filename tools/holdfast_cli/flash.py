"""`holdfast flash`: the firmware onto a board on a cable.

What is on the board already is told by hash and left alone; settings are never touched. main.py
goes first and comes last: whatever happens in between, a board that is half flashed starts no
mixture of two versions, and boot.py still puts its outputs into their safe level.
"""

import hashlib
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from holdfast_cli import product
from holdfast_cli.board import Board, ports
from holdfast_cli.options import Port
from holdfast_cli.problems import FAILED, Problem

# Where firmware may be: ours, and what `mip` without --target leaves, which is then in the way.
PLACES = ("/boot.py", "/main.py", "/board.py", "/holdfast", "/lib/holdfast")
STARTER = "/main.py"


def register(app):
    app.command()(flash)
    app.command(name="ports")(list_ports)


def flash(
    port: Port = None,
    board: Annotated[
        str | None, typer.Option(help="which of `holdfast boards`; else what it says it is")
    ] = None,
    reset: Annotated[bool, typer.Option(help="start the firmware at the end")] = True,
    check: Annotated[
        bool, typer.Option("--check", help="tell what would change, no more")
    ] = False,
):
    """Put the firmware onto a board. Its outputs go to their safe level meanwhile."""
    console = Console()
    with Board(port, board) as there:
        there.check_format()
        text = "%s: %s, MicroPython %s"
        console.print(text % (there.port, there.name, there.micropython), highlight=False)
        files = {"/" + path: data for path, data in product.files(there.name).items()}
        present = there.hashes(*PLACES)
        wanted = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        changed = [path for path in files if present.get(path) != wanted[path]]
        stale = [path for path in present if path not in wanted]
        if check:
            for path in changed:
                print("would write " + path)
            for path in stale:
                print("would remove " + path)
        else:
            new = [len(data) for path, data in files.items() if path not in present]
            room(there, new, len(stale))
            copy(there, {path: files[path] for path in changed}, stale, console)
            verify(there, wanted)
            counts = (len(changed), len(files) - len(changed), len(stale))
            text = "%d files written and verified, %d unchanged, %d removed" % counts
            console.print(text, highlight=False)
        if reset:
            there.reset()
            console.print("it starts")
        else:
            console.print("it waits in the REPL; a reset starts it")
    raise typer.Exit(1 if check and (changed or stale) else 0)


def room(there, sizes, stale):
    """A Problem when the board's flash cannot hold so many new files; before anything is touched.
    stale: how many go.
    """
    found = there.free()
    if found is None:
        return
    block, free = found
    needed = sum(-(-size // block) for size in sizes)
    if needed > free + stale:
        text = "the firmware does not fit: it takes %d KB more, and %d KB of flash are free on %s"
        values = needed * block // 1024, (free + stale) * block // 1024, there.name
        raise Problem(text % values, FAILED)


def copy(there, files, stale, console):
    """Write files, the starter last, and remove what is stale."""
    if not files and not stale:
        return
    there.remove(STARTER)
    for path in stale:
        there.remove(path)
    there.prune("/lib/holdfast")
    there.prune("/holdfast")
    order = [path for path in files if path != STARTER]
    if STARTER not in files:
        files[STARTER] = product.files(there.name)[STARTER[1:]]
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        total = sum(len(data) for data in files.values())
        task = progress.add_task("copying", total=total)
        for path in [*order, STARTER]:
            progress.update(task, description=path[-36:].ljust(36))
            there.write(path, files[path], lambda count: progress.advance(task, count))


def verify(there, wanted):
    """Everything is there as it is here, and nothing else; a Problem if not."""
    present = there.hashes(*PLACES)
    wrong = [path for path in wanted if present.get(path) != wanted[path]]
    wrong += [path for path in present if path not in wanted]
    if wrong:
        raise Problem("not as it should be on the board: %s" % ", ".join(wrong[:5]), FAILED)


def list_ports():
    """List the serial ports behind which a board may be."""
    found = ports()
    for device, description in found:
        print("%s  %s" % (device, description))
    if not found:
        text = "holdfast: there is none: is a board on USB, with a cable that carries data?"
        typer.echo(text, err=True)
