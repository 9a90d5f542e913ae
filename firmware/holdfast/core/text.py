"""Texts that are told to others: what they may hold, and who makes a change. Loaded with whatever
takes one or makes one.
"""

from micropython import const

MAX_NAME = const(32)  # characters of a name or usage, whoever sets it


def printable(text):
    """True for a text that looks the same wherever it is told, as names and usages must: no
    control character (C0, DEL, C1), no line separator (U+2028, U+2029), and nothing that turns the
    direction of what follows (Unicode's Bidi_Control).
    """
    data = text.encode()  # a text's characters would all become names that are kept
    if not data or min(data) >= 32 and max(data) < 127:
        return True
    last = 0  # the three bytes up to this one
    for byte in data:
        last = (last << 8 | byte) & 0xFFFFFF
        if (
            byte < 32
            or byte == 127
            or 0xC280 <= last & 0xFFFF < 0xC2A0  # C1
            or last & 0xFFFF == 0xD89C  # U+061C
            or 0xE2808E <= last <= 0xE2808F  # U+200E, U+200F
            or 0xE280A8 <= last <= 0xE280AE  # U+2028 to U+202E
            or 0xE281A6 <= last <= 0xE281A9  # U+2066 to U+2069
        ):
            return False
    return True


def by_whom(caller, what):
    """Who makes a change with what, for the log; `what`: the path, or the API."""
    name = "a device set up" if caller.account is None else caller.account.name
    return "%s with %s" % (name, what)
