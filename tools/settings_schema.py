"""The JSON Schema of a settings document, for editors and forms: docs/settings.schema.json.

The checks of the firmware are its only source. They run over the examples below with a reader that
writes down what it is asked for: keys, types, ranges, defaults, units. Secrets and what counts at
once come from the tables of the firmware. A rule between keys is beyond a JSON Schema: it is the
module that has the last word.

    python tools/settings_schema.py    (make docs)
"""

import json
import re
import sys

import interpreters

sys.path[:0] = [
    str(interpreters.ROOT / "boards" / "simulated" / "cpython"),
    str(interpreters.FIRMWARE),
]

from holdfast.settings import (  # noqa: E402
    schema,
    schema_rules,
    schema_uplinks,
    secrets,
)
from holdfast.settings.changes import APPLIED  # noqa: E402

PATH = interpreters.ROOT / "docs" / "settings.schema.json"
WIRING = ((0, "input", 1), (1, "output", 1), (2, "input", 0), (3, "output", 0))
USERS = (schema, schema_rules, schema_uplinks)  # that make a reader by themselves

_HASHES = {"md5": "0" * 32, "sha256": "0" * 64}
_MASTER = dict(_HASHES, name="a", role="operator", first_heartbeat_within=5)
_LINK = {"url": "https://a.example/", "success": [200], "enabled": True}
_HEARTBEAT = "tns1:Device/tnsaxis:Monitor/Heartbeat"
# Together they have every key, each with every type that it may have.
EXAMPLES = (
    {
        "name": "A",
        "realm": "A",
        "accounts": [_MASTER, dict(_MASTER, name="b", first_heartbeat_within=None)],
        "heartbeat": {
            "shortest": 1,
            "longest": schema.MAX_MS,
            "masters": ["a"],
            "needed": "all",
            "first_within": 1,
            "return_after": 1,
            "stagger": 0,
        },
        "ports": {
            "0": {"name": "A", "usage": "", "normal": "open", "closed_level": 0, "debounce": 0},
            "1": {
                "name": "A",
                "usage": "",
                "normal": "open",
                "closed_level": 0,
                "power_on": "open",
                "fallback": {
                    "master": "a",
                    "steps": [
                        {"after": 0, "state": "open", "pulse": 1},
                        {"after": 9, "pulse": None},
                    ],
                    "on_return": "hold",
                    "locked": False,
                },
            },
        },
        "actions": {
            "1": {
                "name": "",
                "template": schema_rules.TOGGLE,
                "parameters": {"port": "1", "state": "high", "duration": ""},
            },
            "2": {
                "template": schema_rules.TOGGLE_WHILE,
                "parameters": {"port": "1", "state": "high"},
            },
            "3": {
                "template": schema_rules.SEQUENCE,
                "parameters": {"port": "1", "sequence": "high"},
            },
            "4": {
                "template": schema_rules.NOTIFICATION,
                "parameters": dict(
                    dict.fromkeys(schema_rules.TEMPLATES[schema_rules.NOTIFICATION], ""),
                    upload_url="http://192.0.2.1/",
                ),
            },
        },
        "rules": {
            "1": {
                "name": "A",
                "enabled": True,
                "start": {"topic": _HEARTBEAT, "content": ""},
                "conditions": [{"topic": _HEARTBEAT, "content": ""}],
                "action": "1",
            },
            "2": {"start": None, "conditions": [{"topic": _HEARTBEAT}], "action": "2"},
        },
        "uplinks": {
            "certificate": "a.pem",
            "inbound": {
                "path": "/a",
                "within": 0,
                "reply": {"status": 200, "type": "a", "body": "a"},
            },
            "links": [
                dict(
                    _LINK,
                    name="a",
                    kind="unifi",
                    frequency=1,
                    pauses="all",
                    login="",
                    password="",
                    token="",
                    headers={"X-A": "a"},
                    body="",
                ),
                dict(
                    _LINK,
                    name="b",
                    kind="airnode",
                    cycle=1,
                    api_key="a",
                    private_key="1" * 64,
                    stage="",
                    cloud_provider="",
                    deployment_id="",
                    region="",
                    http_gateway_url="",
                    http_signed_data_gateway_url="",
                    oev_gateway_url="",
                ),
                dict(_LINK, name="c", kind="pinghome", interval=1, result="tick", message=""),
                dict(_LINK, name="d", kind="healthchecks", interval=1, message=""),
            ],
        },
        "network": {
            "kind": "wifi",
            "ssid": "a",
            "key": "",
            "hostname": "",
            "country": "",
            "address": "192.0.2.2",
            "netmask": "255.255.255.0",
            "gateway": "192.0.2.1",
            "dns": ["192.0.2.1"],
        },
        "monitors": {"tokens": [{"name": "a", "role": "operator", "sha256": "0" * 64}]},
        "tls": {"certificate": "a", "key": "b", "http": False},
        "time": {"server": ""},
        "login": {"md5": True, "names": ["a"]},
    },
    {"accounts": [_MASTER], "heartbeat": {"masters": ["a"], "needed": 1}},
    {"uplinks": {"inbound": None}, "rules": None, "actions": None, "network": None},
    {"uplinks": None, "monitors": None, "tls": None, "time": None, "login": None},
    {},
)


ANY = None  # in place of the known keys of an object: whatever it has


class Reader(schema.Keys):
    """Reads as the firmware does, and writes down what it is asked for."""

    # {path of an object: {its known keys: {key: what is known of its value}}}
    objects: dict = {}

    def __init__(self, data, path, known):
        super().__init__(data, path, known)
        variants = self.objects.setdefault(general(path), {})
        self._facts = variants.setdefault(ANY if known is data else tuple(known), {})
        if known is not data:
            # What was asked for beforehand tells which of the variants this is.
            for key in variants.get(ANY, ()):
                facts = self._facts.setdefault(key, {"defaults": {None}, "enum": []})
                if data[key] not in facts["enum"]:
                    facts["enum"].append(data[key])

    def _note(self, key, default, **facts):
        known = self._facts.setdefault(key, {"defaults": set()})
        known["defaults"].add(default)
        for name, value in facts.items():
            chosen = {"minimum": min, "maximum": max}.get(name, lambda old, new: new)
            known[name] = chosen(known.get(name, value), value)

    def text(self, key, default, limit=schema.MAX_NAME):
        self._note(key, default, type="string", maxLength=limit)
        return super().text(key, default, limit)

    def integer(self, key, default, low, high, unit=""):
        self._note(key, default, type="integer", minimum=low, maximum=high)
        if unit:
            self._note(key, default, unit=unit)
        return super().integer(key, default, low, high, unit)

    def boolean(self, key, default):
        self._note(key, default, type="boolean")
        return super().boolean(key, default)

    def choice(self, key, default, choices):
        self._note(key, default, enum=list(choices))
        return super().choice(key, default, choices)

    def hex(self, key, digits):
        self._note(key, None, type="string", pattern="^[0-9a-fA-F]{%d}$" % digits)
        return super().hex(key, digits)

    def items(self, key, limit, what=""):
        self._note(key, (), type="array", maxItems=limit)
        return super().items(key, limit, what)


def general(path):
    """The path for all rows of a list, and for all objects with a number for a name."""
    return re.sub(r"\[\d+\]", "[]", re.sub(r"\.\d+(?=\.|$)", ".*", path))


TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
TYPES[type(None)] = "null"


def types(value, path, found):
    """Add the JSON type of a value, and of all in it, to those found at its path."""
    found.setdefault(general(path), set()).add(TYPES[type(value)])
    if isinstance(value, dict):
        for key in value:
            name = "*" if path.endswith(".headers") else key
            types(value[key], "%s.%s" % (path, name), found)
    elif isinstance(value, list):
        for i, row in enumerate(value):
            types(row, "%s[%d]" % (path, i), found)


def read():
    """({path: variants} as Reader has them, {path: types}) of all examples."""
    Reader.objects = {}
    found: dict = {}
    keys = schema.Keys
    for module in USERS:
        module.Keys = Reader
    try:
        for example in EXAMPLES:
            schema.check(example, WIRING)
            types(example, "settings", found)
    finally:
        for module in USERS:
            module.Keys = keys
    return Reader.objects, found


def secret(path):
    """True for what the firmware shows as `*`; not for a URL of which it hides the query alone."""
    path = path.replace("[]", "")
    for where, keys in secrets._PLACES:
        place = "settings." + where.replace(" ", ".")
        if path in ["%s.%s" % (place, key) for key in keys.split(" ")]:
            return True
    return False


PARTS = {"ports": 2, "heartbeat": 1, "tls": 1}  # so deep each key counts by itself


def applied(path):
    """When a change of what is at a path counts, and by whose work; None for what is no key of the
    firmware's table.
    """
    steps = path.split(".")[1:]
    path = ".".join(steps)
    for who, keys in APPLIED:
        if path in keys.split(" "):
            return "at once, by the " + who
    deep = bool(steps) and "[" not in path and len(steps) == 1 + PARTS.get(steps[0], 0)
    return "at the next start" if deep else None


class Maker:
    """Makes the schema of each path out of what `read` gives."""

    def __init__(self, objects, found):
        self._objects = objects
        self._found = found

    def make(self, path, facts):
        """The schema of what is at a path."""
        made = dict(facts)
        defaults = made.pop("defaults", {()})
        unit = made.pop("unit", None)
        seen = self._found.get(path)
        if seen is None:
            sys.exit("settings_schema: no example has " + path)
        variants = self._objects.get(path)
        if variants is not None:
            rows = [
                self._object(path, known, variants[known])
                for known in variants
                if known is not ANY
            ]
            made = rows[0] if len(rows) == 1 else {"anyOf": rows}
        elif path + ".*" in self._found:
            made = self._map(path)
        elif not made:
            kinds = sorted(seen - {"null"})
            made["type"] = kinds[0] if len(kinds) == 1 else kinds
        if path + "[]" in self._found:
            made["items"] = self.make(path + "[]", {})
        if "null" in seen:
            made = {"anyOf": [made, {"type": "null"}]}
        if len(defaults) == 1 and None not in defaults and () not in defaults:
            made["default"] = list(defaults)[0]
        for name, value in (("x-unit", unit), ("x-counts", applied(path))):
            if value:
                made[name] = value
        if secret(path):
            made["writeOnly"] = True
        return made

    def _object(self, path, known, facts):
        if all(key.isdigit() for key in known):
            return self._map(path)
        rows = {key: self.make("%s.%s" % (path, key), facts.get(key, {})) for key in known}
        made = {"type": "object", "properties": rows, "additionalProperties": False}
        required = [key for key in known if self._needed(facts.get(key, {}))]
        if required:
            made["required"] = required
        return made

    def _needed(self, facts):
        return None in facts.get("defaults", ()) and facts.get("type") != "integer"

    def _map(self, path):
        made = {"type": "object", "additionalProperties": self.make(path + ".*", {})}
        if not path.endswith(".headers"):
            made["propertyNames"] = {"pattern": "^[0-9]+$"}
        return made


def made():
    """The schema."""
    root = Maker(*read()).make("settings", {})
    root["properties"]["format"] = {"const": 2}
    root["properties"]["checksum"] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of a Holdfast module",
        "description": "Made by tools/settings_schema.py out of the checks of the firmware."
        " x-counts: when a change counts. x-unit: what is counted.",
    }
    return dict(head, **root)


def text():
    """The file."""
    return json.dumps(made(), indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(text())
