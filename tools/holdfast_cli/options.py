"""The arguments that several sub-commands share, and the module they lead to."""

import getpass
import os
import re
import sys
from typing import Annotated

import typer

from holdfast_cli import product  # noqa: F401 makes tools/ importable
from holdfast_cli.problems import USAGE, Problem

import account  # isort: skip the one in tools/

_NO_PASSWORD = (
    "there is no password of %s: type it on a terminal, give it as a line of standard input, "
    "or set %s"
)

Where = Annotated[
    str,
    typer.Argument(metavar="ADDRESS", envvar="HOLDFAST_URL", help="192.168.1.20 or https://..."),
]
User = Annotated[
    str, typer.Option("--user", "-u", envvar="HOLDFAST_USER", help="an account of the module")
]
Trust = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", envvar="HOLDFAST_TRUST", help="the module's certificate, for https"
    ),
]
# What goes over the network or over a cable.
SERIAL = "--serial"
Serial = Annotated[bool, typer.Option(SERIAL, help="a board on a serial port")]
Address = Annotated[
    str | None, typer.Argument(metavar="[ADDRESS]", envvar="HOLDFAST_URL", help="of the module")
]
Insecure = Annotated[bool, typer.Option("--insecure", help="do not check the certificate")]
Port = Annotated[
    str | None,
    typer.Option(
        metavar="DEVICE",
        help="/dev/ttyACM0, socket://HOST:PORT, ...; else the only board there is",
    ),
]


def read_password(name, variable="HOLDFAST_PASSWORD"):
    """The password of an account that there is: from the environment, else asked for, else a line
    of standard input. Never from the command line, where every process can see it.
    """
    value = os.environ.get(variable)
    if value is None:
        value = ask("password of %s: " % name)
    if not value:
        raise Problem(_NO_PASSWORD % (name, variable), USAGE)
    return value


def new_password(name, alone=False):
    """The password of an account that is made or changed: HOLDFAST_PASSWORD_<NAME>, else asked for
    twice, else a line of standard input. alone: nobody logs in meanwhile, and no other account is
    made; HOLDFAST_PASSWORD does, too.
    """
    variable = "HOLDFAST_PASSWORD_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
    value = os.environ.get(variable)
    if value is None and alone:
        value = os.environ.get("HOLDFAST_PASSWORD")
    if value is None:
        value = ask("new password of %s: " % name)
        if value and sys.stdin.isatty() and value != ask("again: "):
            raise Problem("the two are not the same", USAGE)
    if not value:
        raise Problem(_NO_PASSWORD % (name, variable), USAGE)
    if len(value) < account.SHORTEST:
        text = "the password of %s is too short: it takes %d characters or more"
        raise Problem(text % (name, account.SHORTEST), USAGE)
    return value


def ask(prompt):
    """One line that nobody reads on the screen."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline().rstrip("\n")


def confirmed(question, yes):
    """True when the person agrees, or said so beforehand; where nobody can be asked, a Problem."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise Problem("%s Nobody is there to be asked; say --yes." % question, USAGE)
    return typer.confirm(question)


def module(where, user, trust, insecure):
    """The module at an address, as one of its accounts."""
    from holdfast_cli.client import Module, address

    address(where)  # before a password is asked for
    return Module(where, user, read_password(user), trust, insecure)


def one_of(where, serial, port):
    """True for the network, False for a serial port; a Problem for both or none."""
    if serial or port:
        if where and not os.environ.get("HOLDFAST_URL"):
            raise Problem("an address or %s, not both" % SERIAL, USAGE)
        return False
    if not where:
        raise Problem("say the module's ADDRESS, or %s for a board on a cable" % SERIAL, USAGE)
    return True
