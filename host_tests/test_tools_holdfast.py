"""The `holdfast` command imports what a sub-command needs when that one is meant."""

import importlib
import inspect
import os
import subprocess
import sys

import pytest
import typer
from holdfast_cli.lazily import COMMANDS

from boards import ROOT

HEAVY = {"httpx", "websockets", "cryptography", "rich", "mpremote", "serial", "requests"}
_CODE = (
    "import sys; from holdfast_cli import main; sys.argv[1:] = %r\n"
    "try: main.main()\n"
    "finally: print(*sys.modules, file=sys.stderr)"
)


def imported(*arguments):
    """(standard output, which of HEAVY were imported) of the command."""
    code = _CODE % (list(arguments),)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
        check=False,
    )
    return done.stdout + done.stderr, HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("file", COMMANDS)
def test_the_list_of_all_says_what_each_file_registers(file):
    part = typer.Typer()
    importlib.import_module("holdfast_cli." + file).register(part)
    found = {}
    for command in part.registered_commands:
        begins = inspect.getdoc(command.callback).partition("\n\n")[0].replace("\n", " ")
        text = COMMANDS[file].get(command.name or command.callback.__name__, "")
        assert begins.startswith(text), command
        found[command.name or command.callback.__name__] = text
    assert found == COMMANDS[file]


def test_a_list_of_all_and_what_needs_no_module_import_no_library():
    for arguments in (["--help"], ["boards"], ["version"], ["certificate", "--help"], ["statsu"]):
        said, found = imported(*arguments)
        assert found == set(), (arguments, said)
    said, _ = imported("--help")
    for texts in COMMANDS.values():
        for name, text in texts.items():
            assert "\n  %-13s%s" % (name, text[:40]) in said, said
    assert "Did you mean 'status'" in imported("statsu")[0]


def test_help_of_what_asks_a_module_imports_no_client():
    for name in ("status", "log", "provision", "backup", "master"):
        said, found = imported(name, "--help")
        assert "Usage: " in said and found <= {"rich"}, (name, found)
