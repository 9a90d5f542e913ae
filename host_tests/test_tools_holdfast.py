"""The `holdfast` command imports what a sub-command needs when that one is meant."""

import importlib
import inspect
import os
import subprocess
import sys

import pytest
import typer
from holdfast_cli import document, watch
from holdfast_cli.lazily import COMMANDS
from holdfast_cli.problems import Problem

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


HELD = {
    "accounts": [
        {"name": "root", "md5": "aa", "sha256": "bb"},
        {"name": "a.b", "md5": "cc", "sha256": "dd"},
    ],
    "network": {"ssid": "attic", "key": "hush"},
    "actions": {"1": {"parameters": {"password": "pw", "port": "4"}}},
}


def given(document, *names):
    """A document as a module gives it over plain http."""
    if isinstance(document, dict):
        rows = document.items()
        return {key: "*" if key in names else given(value, *names) for key, value in rows}
    return [given(row, *names) for row in document] if isinstance(document, list) else document


def test_secrets_that_a_module_does_not_give_are_named_kept_and_asked_for():
    file = given(HELD, "md5", "sha256", "key", "password")
    assert list(document.withheld(HELD)) == []
    paths = list(document.withheld(file))
    assert paths[0] == "accounts.root.md5" and paths[-2:] == [
        "network.key",
        "actions.1.parameters.password",
    ]
    # The module that it came from keeps them, and nothing changes.
    assert document.secrets_kept(HELD, file) == paths
    assert list(document.changes(HELD, file)) == []
    assert document.filled(HELD, file) == HELD
    # Another one has some of them only.
    other = {"accounts": HELD["accounts"][:1]}
    with pytest.raises(Problem, match="nor does the module: accounts.a.b.md5") as missing:
        document.secrets_kept(other, file)
    assert "accounts.root.md5" not in missing.value.text
    assert "actions.1.parameters.password" in missing.value.text


def test_a_change_of_settings_is_shown_without_secrets():
    after = {**HELD, "name": "Gate", "network": {"ssid": "cellar", "key": "other"}}
    after["accounts"] = [{"name": "root", "md5": "ff", "sha256": "bb"}]
    assert list(document.changes(HELD, after)) == [
        "changed: accounts.root.md5, was another",
        "removed: accounts.a.b",
        'changed: network.ssid "cellar", was "attic"',
        "changed: network.key, was another",
        'new: name "Gate"',
    ]


def test_help_of_what_asks_a_module_imports_no_client():
    for name in ("status", "log", "provision", "backup", "master"):
        said, found = imported(name, "--help")
        assert "Usage: " in said and found <= {"rich"}, (name, found)


def test_watch_marks_a_master_that_is_lost_and_a_monitor_that_is_down():
    for topic, value, marked in (
        ("tnsaxis:Monitor/Heartbeat", "1", True),
        ("tnsaxis:Monitor/Heartbeat", "0", False),
        ("tnsholdfast:Monitor/State", "down", True),
        ("tnsholdfast:Monitor/State", "late", False),
        ("tnsaxis:IO/Port", "1", False),
    ):
        text = watch.line((0, "tns1:Device/" + topic, "job", value))
        styles = [span.style for span in text.spans]
        assert (styles == ["bold red"]) is marked, (topic, value, styles)
