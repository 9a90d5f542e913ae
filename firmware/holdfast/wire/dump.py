"""A JSON value as text, for what is kept in flash: keys in order, so that equal values are equal
texts on both interpreters. Loaded when something is saved.
"""

from holdfast.wire.json import quote


def dumps(value):
    """The text of dict, list, str, int, bool or None, with a line for each member.

    TypeError for anything else, and for keys that are no text.
    """
    return "".join(list(lines(value)))


def lines(value):
    """The text of `dumps` in pieces, about a line each. No recursion: a board's stack is short."""
    outer = []  # of each object or list that is open: [it, its keys in order or None, index]
    start = ""
    while True:
        keys = None
        if isinstance(value, dict):
            keys = sorted(value)
        elif not isinstance(value, list):
            yield start + _scalar(value)
        if isinstance(value, (dict, list)):
            yield start + ("[" if keys is None else "{")
            outer.append([value, keys, 0])
        while True:
            if not outer:
                return
            top = outer[-1]
            container, keys, index = top
            if index < len(container):
                break
            outer.pop()
            end = "]" if keys is None else "}"
            yield "\n" + " " * len(outer) + end if index else end
        top[2] = index + 1
        start = (",\n" if index else "\n") + " " * len(outer)
        if keys is None:
            value = container[index]
        else:
            start += quote(keys[index]) + ": "
            value = container[keys[index]]


def _scalar(value):
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return "%d" % value
    raise TypeError("not for settings")
