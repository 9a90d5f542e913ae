"""Writes the help of the `holdfast` command into docs/command.md; a test compares them."""

import re

import interpreters
from holdfast_cli.lazily import COMMANDS
from holdfast_cli.main import app
from typer.testing import CliRunner

PAGE = interpreters.ROOT / "docs" / "command.md"
_MARK = "<!-- What follows is made by tools/command_page.py. -->\n"
_TERMINAL = {"COLUMNS": "80", "TERM": "dumb"}


def command_page() -> str:
    """The text of docs/command.md."""
    head, mark, _ = PAGE.read_text().partition(_MARK)
    parts = [head + mark + "\n"]
    for names in COMMANDS.values():
        for name in names:
            said = CliRunner().invoke(app, [name, "--help"], env=_TERMINAL, prog_name="holdfast")
            parts.append("## %s\n\n```\n%s\n```\n" % (name, said.output.strip()))
    return re.sub(r"[ \t]+\n", "\n", "\n".join(parts))


if __name__ == "__main__":
    PAGE.write_text(command_page())
