"""Sub-commands whose files are imported when one is run, or its own help is asked for: what talks
HTTP, draws tables or makes keys takes longer to import than most sub-commands take to run.
"""

import importlib

import typer
from typer.core import TyperCommand, TyperGroup

# {file: {name: what the list of all says of it, as its docstring begins}}, in the list's order.
# host_tests/test_tools_holdfast.py holds it to be what the files register.
COMMANDS = {
    "flash": {
        "flash": "Put the firmware onto a board.",
        "ports": "List the serial ports behind which a board may be.",
    },
    "provision": {
        "provision": (
            "Set up a module: on a cable (--serial), on the network (ADDRESS), or in a --file."
        ),
    },
    "backup": {
        "backup": "Save the settings of a module to a file that only you can read.",
        "restore": "Give a module the settings of a file: all of them, or none when one is wrong.",
        "restart": (
            "Have a module start again: its outputs fall back, then take their power-on state."
        ),
    },
    "confirm": {
        "confirm": "Keep settings that are on trial.",
    },
    "bypass": {
        "bypass": "Have no loss move an output for a while.",
    },
    "status": {
        "status": "Masters, ports and why they are so, uplinks, the latest trips.",
    },
    "watch": {
        "watch": "Show ports, masters and events as they happen.",
    },
    "master": {
        "master": (
            "Beat like a door controller; wanted states are applied again when a session was lost."
        ),
    },
    "drill": {
        "drill": "Trip the fallback of a module on purpose.",
    },
    "log": {
        "log": "Print the event log, oldest first.",
    },
    "local": {
        "account": "Make an account row for a settings file: hashes only.",
        "certificate": "Make a P-256 key and a certificate for a module, as DER files.",
        "boards": "List the boards that `flash` knows.",
        "simulate": "Run the simulated board; --help tells its options.",
        "version": "The version of the firmware that `flash` brings.",
    },
}


class Commands(TyperGroup):
    """The group of all of COMMANDS."""

    def __init__(self, **more):
        super().__init__(**more)
        for file, texts in COMMANDS.items():
            for name, text in texts.items():
                self.add_command(Lazy(name, file, text))


class Lazy(TyperCommand):
    """A command that is known by its name and what it is for; from its context on it is the one
    that its file registers.
    """

    def __init__(self, name, file, text):
        super().__init__(name, help=text)
        self._file = file

    def load(self):
        """The command itself."""
        part = typer.Typer(cls=TyperGroup, rich_markup_mode=None)
        importlib.import_module("holdfast_cli." + self._file).register(part)
        return typer.main.get_group(part).commands[self.name]

    def make_context(self, info_name, args, parent=None, **extra):
        return self.load().make_context(info_name, args, parent, **extra)
