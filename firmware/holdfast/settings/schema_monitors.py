"""Checks `monitors` of the settings: who may manage monitors, and how many there may be.

    "monitors": {"tokens": [{"name": "ci", "role": "operator", "sha256": "..."}]}

A token is kept as its SHA-256. Makes rows `(name, role, sha256 as bytes)`; loaded when there are
any, let go with settings.schema.
"""

from binascii import unhexlify

from micropython import const

from holdfast.core.tokens import ROLES
from holdfast.settings.model import SettingsError
from holdfast.settings.schema import Keys

_MAX_TOKENS = const(8)
_HEX_DIGITS = const(64)


def tokens(keys):
    """The rows of all tokens; SettingsError. keys: of the settings."""
    monitors = keys.object("monitors", ("tokens",))
    data = monitors.get("tokens", [])
    path = monitors.path("tokens")
    if not isinstance(data, list) or len(data) > _MAX_TOKENS:
        raise SettingsError(path, "must be a list of up to %d tokens" % _MAX_TOKENS)
    rows = []
    for i, row in enumerate(data):
        token = Keys(row, "%s[%d]" % (path, i), ("name", "role", "sha256"))
        name = token.text("name", "")
        if not name or name in [other[0] for other in rows]:
            raise SettingsError(token.path("name"), "must be a name that no other token has")
        role = token.choice("role", None, ROLES)
        digest = token.text("sha256", "", _HEX_DIGITS).lower()
        if len(digest) != _HEX_DIGITS or digest.strip("0123456789abcdef"):
            raise SettingsError(token.path("sha256"), "must be %d hex digits" % _HEX_DIGITS)
        rows.append((name, role, unhexlify(digest)))
    return tuple(rows)
