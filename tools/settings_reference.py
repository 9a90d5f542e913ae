"""Writes docs/settings-reference.md, a row for each key, out of docs/settings.schema.json; a test
compares them.
"""

import json

import interpreters

SCHEMA = interpreters.ROOT / "docs" / "settings.schema.json"
PAGE = interpreters.ROOT / "docs" / "settings-reference.md"
_HEAD = """# Every key of the settings

`tools/settings_reference.py` makes this page out of [settings.schema.json](settings.schema.json),
which is made out of the checks of the firmware. [Settings](settings.md) says what the keys mean.
`N` is a number: of a port, an action or a rule.

| key | value | default | counts |
|---|---|---|---|
"""


def _nodes(schema: dict, path: str, counts: str):
    """Every part of a schema that a key leads to: (path, part, when a change of it counts)."""
    counts = schema.get("x-counts", counts)
    yield path, schema, counts
    dot = path + "." if path else ""
    inner = [(dot + key, part) for key, part in schema.get("properties", {}).items()]
    inner += [(dot + "N", part) for part in schema.get("patternProperties", {}).values()]
    if isinstance(schema.get("additionalProperties"), dict):
        inner.append((dot + "N", schema["additionalProperties"]))
    if "items" in schema:
        inner.append((path + "[]", schema["items"]))
    unit = {"x-unit": schema["x-unit"]} if "x-unit" in schema else {}
    inner += [(path, {**unit, **part}) for part in schema.get("anyOf", ())]
    for where, part in inner:
        yield from _nodes(part, where, counts)


def _value(part: dict) -> str:
    """What may stand there, "" where only keys below it say so."""
    unit = " " + part["x-unit"] if "x-unit" in part else ""
    if "enum" in part:
        return ", ".join("`%s`" % word for word in part["enum"])
    kind = part.get("type")
    if isinstance(kind, list):
        return " or ".join([_value({"type": word}) for word in kind])
    if kind == "integer" and "minimum" in part:
        return "%d to %d%s" % (part["minimum"], part["maximum"], unit)
    if kind == "string":
        limit = ", up to %d characters" % part["maxLength"] if "maxLength" in part else ""
        return ("a secret" if part.get("writeOnly") else "text") + limit
    return {"boolean": "`true`, `false`", "integer": "a whole number"}.get(str(kind), "")


def _default(part: dict) -> str:
    value = part.get("default", "")
    return "" if value == "" else "`%s`" % json.dumps(value)


def page() -> str:
    """The text of docs/settings-reference.md."""
    rows: dict[str, list[list[str]]] = {}
    for path, part, counts in _nodes(json.loads(SCHEMA.read_text()), "", ""):
        value = _value(part)
        if value:
            seen = rows.setdefault(path, [[], [], []])
            for column, cell in zip(seen, (value, _default(part), counts), strict=True):
                if cell and cell not in column:
                    column.append(cell)
    lines = [
        "| `%s` | %s |" % (path, " | ".join([", ".join(cell) for cell in cells]))
        for path, cells in rows.items()
    ]
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
