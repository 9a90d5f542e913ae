"""README and docs/ say what is so: links lead somewhere, examples are taken and run."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import command_page
import interpreters
import jinja2
import pytest
import settings_reference
import typer.main
import yaml
from holdfast_cli import product
from holdfast_cli.main import app

from boards import account, settings, wait_for

ROOT = interpreters.ROOT
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("boards/*/README.md"),
    ]
)
README_BYTES = 8 * 1024
_LINK = re.compile(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)")
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def blocks(path: Path, language: str) -> list[str]:
    """The code of a page in a language, without the indentation of a list."""
    found = _BLOCK.findall(path.read_text())
    return [
        "\n".join(line[len(indent) :] for line in code.splitlines())
        for indent, word, code in found
        if word == language
    ]


def test_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


def test_links_between_files_lead_to_files():
    lost = [
        "%s: %s" % (page.relative_to(ROOT), target)
        for page in PAGES
        for target in _LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not lost


def test_every_page_of_docs_can_be_reached_from_readme():
    reached = {ROOT / "README.md"}
    new = set(reached)
    while new:
        targets = {
            (page.parent / target).resolve()
            for page in new
            for target in _LINK.findall(page.read_text())
        }
        new = {page for page in targets if page.suffix == ".md"} - reached
        reached |= new
    assert not set(PAGES) - reached


def test_the_site_is_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr


def test_the_page_of_the_command_has_its_help():
    assert command_page.PAGE.read_text() == command_page.command_page(), (
        "run `make docs`, and commit docs/command.md"
    )


def test_the_page_of_every_key_has_the_schema():
    assert settings_reference.PAGE.read_text() == settings_reference.page(), (
        "run `make docs`, and commit docs/settings-reference.md"
    )


@pytest.mark.parametrize("page", ["settings", "network", "https", "rules", "uplinks", "monitors"])
def test_settings_in_the_pages_are_accepted(page):
    examples = [json.loads(code) for code in blocks(ROOT / "docs" / (page + ".md"), "json")]
    whole = [example for example in examples if "conditions" not in example]
    assert whole
    for example in whole:
        product.check_settings(
            {**settings(accounts=[account("controller")]), **example}, "RPI_PICO_W"
        )
    for rule in [example for example in examples if "conditions" in example]:
        action = {
            "template": "com.axis.action.unlimited.io.toggle",
            "parameters": {"port": "5", "state": "high"},
        }
        document = {
            **settings(),
            "actions": {"1": action},
            "rules": {"1": {**rule, "action": "1"}},
        }
        product.check_settings(document, "RPI_PICO_W")


def test_the_lines_of_getting_started_close_the_output_and_lose_the_master(start):
    board = start(None)
    heartbeat, look = blocks(ROOT / "docs" / "start" / "simulated.md", "sh")[1:3]
    place = "http://127.0.0.1:8080"
    assert heartbeat.count(place) == 2
    lines = heartbeat.replace(place, board.url).replace("10000", "1500")
    shown = subprocess.run(["bash", "-ec", lines], capture_output=True, text=True, check=True)
    assert "SessionId" in shown.stdout and '"data":{"ports":["4"]}' in shown.stdout
    look = look.replace("/tmp/pins", str(board.pins))
    assert subprocess.run(["bash", "-c", look], capture_output=True, text=True).stdout == "1"
    wait_for(lambda: board.level(4) == 0, what="the fallback of output 4")


def commands() -> list[str]:
    """Each line of the pages that runs the `holdfast` command."""
    lines = "\n".join([code for page in PAGES for code in blocks(page, "sh")]).splitlines()
    found = [re.match("([.]venv/bin/)?holdfast ([^#]*)", line) for line in lines]
    return [match[2] for match in found if match]


@pytest.mark.parametrize("line", commands())
def test_command_lines_in_the_pages_are_understood(line):
    name, *words = shlex.split(line)
    command = typer.main.get_command(app).get_command(None, name)
    command.make_context("holdfast", words)


def test_home_assistant_finds_what_its_lines_read(start):
    board = start(None)
    with board.session() as session:
        said = session.get(board.url + "/holdfast/status", timeout=10).json()
    yaml.SafeLoader.add_constructor("!secret", lambda loader, node: node.value)
    code = blocks(ROOT / "docs" / "home-assistant.md", "yaml")[0]
    (rest,) = yaml.safe_load(code)["rest"]
    assert rest["resource"].endswith("/holdfast/status") and rest["authentication"] == "digest"

    def value(sensor):
        template = jinja2.Environment(undefined=jinja2.StrictUndefined)
        return template.from_string(sensor["value_template"]).render(value_json=said)

    assert value(rest["binary_sensor"][0]) == "False"
    assert value(rest["sensor"][0]) == "0"


def test_every_file_names_the_same_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    package = json.loads((ROOT / "package.json").read_text())["version"]
    assert project == package == product.version()
