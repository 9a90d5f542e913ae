"""`holdfast backup` and `holdfast restore`: the settings of a module, as one file.

Over the network for an administrator, or with --serial from a board on a cable. Over https, or a
cable, the file is what the module has in flash, with its checksum. It is a secret: the password
hashes in it are as good as the passwords for whoever speaks Digest, and Wi-Fi keys are in it as
they are. Over http it has `*` in place of secrets: a module that has them keeps them.
"""

from pathlib import Path
from typing import Annotated

import typer

from holdfast_cli import document as documents
from holdfast_cli import product
from holdfast_cli.document import (
    changes,
    filled,
    note,
    note_blocked,
    parsed,
    sealed,
    secrets_kept,
    tell,
    warn_of_clear_text,
    withheld,
    write_secret,
)
from holdfast_cli.options import (
    Address,
    Insecure,
    Port,
    Serial,
    Trust,
    User,
    confirmed,
    module,
    one_of,
)
from holdfast_cli.problems import USAGE, Problem


def register(app):
    app.command()(backup)
    app.command()(restore)
    app.command()(restart)


def backup(
    file: Annotated[Path, typer.Argument(help="to write; - for standard output")],
    where: Address = None,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    serial: Serial = False,
    port: Port = None,
):
    """Save the settings of a module to a file that only you can read."""
    if one_of(where, serial, port):
        with module(where, user, trust, insecure) as subject:
            data, _, document = subject.settings(secrets=True)
    else:
        from holdfast_cli.board import Board

        with Board(port) as board:
            data = board.read_settings()
        document = parsed(data, "the board's settings")
    printed = str(file) == "-"
    if printed:
        print(data.decode(), end="")
    else:
        write_secret(file, data)
    missing = list(withheld(document))
    if missing:
        text = "not in it: %s; secrets come over https, or a cable (--serial), alone"
        note(text % ", ".join(missing))
    if printed:
        return
    count = len(document.get("accounts", []))
    print("%s: %d bytes, %d accounts; keep it secret" % (file, len(data), count))


def restore(
    file: Annotated[Path, typer.Argument(help="as `holdfast backup` wrote it, or by hand")],
    where: Address = None,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    serial: Serial = False,
    port: Port = None,
    board: Annotated[str | None, typer.Option(help="check for this board first")] = None,
    start_again: Annotated[
        bool, typer.Option("--restart", help="restart, if something waits for that")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="replace settings; do not ask")] = False,
):
    """Give a module the settings of a file: all of them, or none when one is wrong. It shows what
    changes, and asks first.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Problem("%s: %s" % (file, error.strerror), USAGE) from None
    document = parsed(data, str(file))
    if board:
        product.check_settings(documents.checkable(document), board)
    data = sealed(document)
    if one_of(where, serial, port):
        with module(where, user, trust, insecure) as subject:
            warn_of_clear_text(subject.url)
            _, tag, before = subject.settings(secrets=True)
            keeps = secrets_kept(before, document)
            if keeps:
                note("these secrets stay as the module has them: " + ", ".join(keeps))
            if not agreed(before, document, yes):
                return
            tell(subject.put_settings(data, tag), subject, start_again)
    else:
        from holdfast_cli.board import Board

        with Board(port) as there:
            held = there.settings_there()
            before = {} if held is None else parsed(held, "the board's settings")
            secrets_kept(before, document)
            document = filled(before, document)
            data = sealed(document)
            product.check_settings(document, there.name)
            if not agreed(before, document, yes):
                return
            there.write_settings(data)
            print("settings are on the board; they count from its next start on")
            note_blocked(product.rules(document, there.name))
            if start_again:
                there.reset()


def agreed(before, after, yes):
    """Show what a restore changes and ask; False when nothing does. Abort where it is refused."""
    lines = list(changes(before, after))
    for line in lines:
        print("  " + line)
    if not lines:
        print("these are its settings: nothing changes")
        return False
    if not confirmed("Replace the settings?", yes):
        raise typer.Abort()
    return True


def restart(
    where: Address = None,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    serial: Serial = False,
    port: Port = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="until it is back")] = True,
):
    """Have a module start again: its outputs fall back, then take their power-on state."""
    if one_of(where, serial, port):
        with module(where, user, trust, insecure) as subject:
            documents.restart(subject, wait)
    else:
        from holdfast_cli.board import Board

        with Board(port) as board:
            board.reset()
        print("it restarts")
