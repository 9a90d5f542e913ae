"""Checks `monitors` of the settings: who may manage monitors, and how many there may be.

    "monitors": {"tokens": [{"name": "ci", "role": "operator", "sha256": "..."}]}

A token is kept as its SHA-256. Makes rows `(name, role, sha256 as bytes)`; loaded when there are
any, let go with settings.schema.
"""

from binascii import unhexlify

from micropython import const

from holdfast.core.tokens import ROLES
from holdfast.settings.model import SettingsError

_MAX_TOKENS = const(8)
_HEX_DIGITS = const(64)


def tokens(keys) -> tuple:
    """The rows of all tokens; SettingsError. keys: of the settings."""
    monitors = keys.object("monitors", ("tokens",))
    rows = []
    for token in monitors.rows("tokens", _MAX_TOKENS, " tokens", ("name", "role", "sha256")):
        name = token.text("name", "")
        if not name or name in [other[0] for other in rows]:
            raise SettingsError(token.path("name"), "must be a name that no other token has")
        role = token.choice("role", None, ROLES)
        rows.append((name, role, unhexlify(token.hex("sha256", _HEX_DIGITS))))
    return tuple(rows)
