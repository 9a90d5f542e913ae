"""The JSON Schema of settings: made of the checks, and of one mind with them."""

import copy
import importlib
import inspect
import json

import pytest
import settings_schema
from holdfast.settings import schema
from holdfast.settings.changes import APPLIED
from holdfast.settings.model import SettingsError
from jsonschema import Draft202012Validator

# Whose documents are looked at: all that these tests have checked, accepted or refused.
TESTS = (
    "test_core_blocked",
    "test_core_module",
    "test_core_rules",
    "test_settings_address",
    "test_settings_schema",
    "test_settings_schema_access",
    "test_settings_schema_monitors",
    "test_settings_schema_network",
    "test_settings_schema_rules",
    "test_settings_schema_uplinks",
    "test_settings_secrets",
)
# What the checks say where a JSON Schema must refuse, too: what one key alone tells.
TOLD = (
    "unknown key",
    "must be an integer from",
    "must be text of up to",
    "must be true or false",
    "must be a list of up to",
    "must be one of",
    "must be 32 hex digits",
    "must be 64 hex digits",
)
# .. but not where another key, or the board, has a say.
BETWEEN = (
    "settings.heartbeat.shortest: ",
    ".parameters.port: must be one of",
    "unknown key; known are: 0, 1, 2, 3",
    "unknown key; known are: nothing",  # a board without ports
    "unknown key; known are: name, usage, normal, closed_level, debounce",  # an output's
)


def is_json(value):
    try:
        return json.loads(json.dumps(value)) == value
    except (TypeError, ValueError):
        return False


@pytest.fixture(scope="module")
def documents():
    """[(document, None or what the checks say)]."""
    seen = {}
    parts = schema.parts

    def told(data, wiring):
        before = copy.deepcopy(data)
        problem = None
        try:
            yield from parts(data, wiring)
        except SettingsError as error:
            problem = str(error)
            raise
        finally:
            if is_json(before):
                seen[json.dumps(before, sort_keys=True)] = (before, problem)

    schema.parts = told
    try:
        for name in TESTS:
            for key, test in vars(importlib.import_module(name)).items():
                if key.startswith("test_") and not inspect.signature(test).parameters:
                    test()
    finally:
        schema.parts = parts
    return list(seen.values())


@pytest.fixture(scope="module")
def judge():
    made = settings_schema.made()
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def test_the_file_is_that_of_the_firmware():
    assert settings_schema.PATH.read_text() == settings_schema.text(), "make docs"


def test_it_takes_whatever_the_checks_take(documents, judge):
    taken = [document for document, problem in documents if problem is None]
    assert len(taken) > 100
    for document in taken:
        errors = [error.message for error in judge.iter_errors(document)]
        assert not errors, (document, errors)


def test_it_refuses_what_one_key_alone_tells(documents, judge):
    refused = [(document, problem) for document, problem in documents if problem is not None]
    assert len(refused) > 100
    told = [row for row in refused if [words for words in TOLD if words in row[1]]]
    for words in TOLD:
        assert [row for row in refused if words in row[1]], words
    told = [row for row in told if not [words for words in BETWEEN if words in row[1]]]
    assert not [row for row in told if judge.is_valid(row[0])]


def test_it_knows_the_form_that_flash_has(judge):
    assert judge.is_valid({"name": "A", "format": 2, "checksum": "0" * 64})
    assert not judge.is_valid({"format": 1})
    assert not judge.is_valid({"nme": "A"})


def nodes(made, path="settings"):
    """(path, schema) of every key."""
    yield path, made
    for inner in made.get("anyOf", ()):
        yield from nodes(inner, path)
    for key, inner in made.get("properties", {}).items():
        yield from nodes(inner, "%s.%s" % (path, key))
    if isinstance(made.get("additionalProperties"), dict):
        yield from nodes(made["additionalProperties"], path + ".*")
    if "items" in made:
        yield from nodes(made["items"], path + "[]")


def test_every_row_of_the_table_is_a_key_and_says_when_it_counts():
    rows = {}
    for path, made in nodes(settings_schema.made()):
        if "x-counts" in made:
            rows[path[len("settings.") :]] = made["x-counts"]
    for _, keys in APPLIED:
        for key in keys.split(" "):
            assert rows[key].startswith("at once, by the "), key
    later = sorted(key for key, words in rows.items() if words == "at the next start")
    assert later == [
        "heartbeat.longest",
        "heartbeat.shortest",
        "network",
        "ports.*.closed_level",
        "ports.*.power_on",
        "tls.http",
    ]


def test_secrets_are_marked_and_times_have_units():
    rows = {}
    for path, made in nodes(settings_schema.made()):
        rows.setdefault(path, {}).update(made)
    secrets = sorted(path for path, made in rows.items() if made.get("writeOnly"))
    assert secrets == [
        "settings.accounts[].md5",
        "settings.accounts[].sha256",
        "settings.actions.*.parameters.login",
        "settings.actions.*.parameters.password",
        "settings.monitors.tokens[].sha256",
        "settings.network.key",
        "settings.uplinks.links[].api_key",
        "settings.uplinks.links[].headers.*",
        "settings.uplinks.links[].password",
        "settings.uplinks.links[].private_key",
        "settings.uplinks.links[].token",
    ]
    units = {path: made["x-unit"] for path, made in rows.items() if "x-unit" in made}
    assert units["settings.heartbeat.longest"] == "ms"
    assert units["settings.uplinks.links[].frequency"] == "s"
    assert len(units) == 12


def test_a_key_that_no_example_has_is_noticed(monkeypatch):
    examples = [dict(row) for row in settings_schema.EXAMPLES]
    for row in examples:
        row.pop("time", None)
    monkeypatch.setattr(settings_schema, "EXAMPLES", examples)
    with pytest.raises(SystemExit, match="no example has settings.time"):
        settings_schema.made()
