"""`holdfast backup` and `holdfast restore`: the settings of a module, as one file.

Over the network for an administrator, or with --serial from a board on a cable. The file is what
the module has in flash, with its checksum. It is a secret: the password hashes in it are as good
as the passwords for whoever speaks Digest, and Wi-Fi keys are in it as they are.
"""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from holdfast_cli import product
from holdfast_cli.board import Board
from holdfast_cli.options import Insecure, Port, Trust, User, module
from holdfast_cli.problems import SETTINGS, USAGE, Problem

SERIAL = "--serial"
Serial = Annotated[bool, typer.Option(SERIAL, help="a board on a serial port")]
Address = Annotated[
    str | None, typer.Argument(metavar="[ADDRESS]", envvar="HOLDFAST_URL", help="of the module")
]


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
            warn_of_clear_text(subject.url)
            data, _, document = subject.settings()
    else:
        with Board(port) as board:
            data = board.read_settings()
        document = parsed(data, "the board's settings")
    if str(file) == "-":
        print(data.decode(), end="")
        return
    try:
        # Nobody else may read it, from the first byte on.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with open(os.open(file, flags, 0o600), "wb") as target:
            os.fchmod(target.fileno(), 0o600)
            target.write(data)
    except OSError as error:
        raise Problem("%s: %s" % (file, error.strerror), USAGE) from None
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
):
    """Give a module the settings of a file: all of them, or none when one is wrong."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Problem("%s: %s" % (file, error.strerror), USAGE) from None
    document = parsed(data, str(file))
    if board:
        product.check_settings(document, board)
    data = sealed(document)
    if one_of(where, serial, port):
        with module(where, user, trust, insecure) as subject:
            warn_of_clear_text(subject.url)
            waiting = subject.put_settings(data)
            tell(waiting, subject, start_again)
    else:
        with Board(port) as there:
            product.check_settings(document, there.name)
            there.write_settings(data)
            print("settings are on the board; they count from its next start on")
            if start_again:
                there.reset()


def restart(
    where: Address = None,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    serial: Serial = False,
    port: Port = None,
):
    """Have a module start again: its outputs fall back, then take their power-on state."""
    if one_of(where, serial, port):
        with module(where, user, trust, insecure) as subject:
            subject.restart()
    else:
        with Board(port) as board:
            board.reset()
    print("it restarts")


def one_of(where, serial, port):
    """True for the network, False for a serial port; a Problem for both or none."""
    if serial or port:
        if where and not os.environ.get("HOLDFAST_URL"):
            raise Problem("an address or %s, not both" % SERIAL, USAGE)
        return False
    if not where:
        raise Problem("say the module's ADDRESS, or %s for a board on a cable" % SERIAL, USAGE)
    return True


def parsed(data, name):
    """The settings in a file, checksum verified when there is one."""
    from holdfast.core.settings import SettingsError
    from holdfast.shell.saving import document
    from holdfast.wire.json import JsonError

    try:
        value = document(data)
    except JsonError as error:
        text = "%s is not JSON: %s at byte %d" % (name, error, error.position)
        raise Problem(text, SETTINGS) from None
    except SettingsError as error:
        raise Problem("%s: %s" % (name, error), SETTINGS) from None
    if not isinstance(value, dict):
        raise Problem("%s: settings must be an object" % name, SETTINGS)
    return value


def sealed(document):
    """A settings document as bytes, with its checksum."""
    from holdfast.shell.saving import seal
    from holdfast.wire.dump import dumps

    try:
        return seal(dumps(document))
    except TypeError:
        text = "settings hold a number with a fraction: %s" % json.dumps(document)[:60]
        raise Problem(text, SETTINGS) from None


def warn_of_clear_text(url):
    """Say what travels unprotected, unless it stays on this PC."""
    host = url.partition("://")[2]
    if url.startswith("http://") and not host.startswith(("127.", "localhost", "[::1]")):
        text = "over http:// the hashes and keys in settings can be read on the way; use https://"
        typer.echo("holdfast: note: " + text, err=True)


def tell(waiting, subject, start_again):
    """Say what is in force, and what waits for the next start; restart when asked to."""
    if not waiting:
        print("saved, and in force")
        return
    print("saved; from the next start on: " + ", ".join(waiting))
    if start_again:
        subject.restart()
        print("it restarts")
