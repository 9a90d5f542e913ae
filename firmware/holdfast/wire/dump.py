"""A JSON value as text, for what is kept in flash: keys in order, so that equal values are equal
texts on both interpreters. Loaded when something is saved.
"""

from holdfast.wire.json import quote


def dumps(value, indent=""):
    """The text of dict, list, str, int, bool or None, with a line for each member.

    TypeError for anything else, and for keys that are no text.
    """
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return "%d" % value
    if isinstance(value, dict):
        members = [
            "%s: %s" % (quote(key), dumps(value[key], indent + " ")) for key in sorted(value)
        ]
        brackets = "{}"
    elif isinstance(value, list):
        members = [dumps(item, indent + " ") for item in value]
        brackets = "[]"
    else:
        raise TypeError("not for settings")
    if not members:
        return brackets
    separator = "\n " + indent
    return "".join(
        (brackets[0], separator, ("," + separator).join(members), "\n", indent, brackets[1])
    )
