"""Checks `login` of the settings: how people and programs log in.

    "login": {"md5": false, "names": ["door7.plant.example"]}

`md5` false: by SHA-256 alone (RFC 7616); many VAPIX clients know MD5 only. `names`: host names by
which browsers may reach the module, beside its addresses and its names in private networks; see
wire.origin.
"""

from holdfast.settings.model import SettingsError

_MAX_NAMES = 4
_MAX_NAME = 64
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-."


def login(keys):
    """(md5, names): whether MD5 may be used, and host names in lower case."""
    names = []
    for i, name in enumerate(keys.items("names", _MAX_NAMES, " host names")):
        name = name.lower() if isinstance(name, str) else ""
        if not name or len(name) > _MAX_NAME or name.strip(_LETTERS):
            raise SettingsError(
                "%s[%d]" % (keys.path("names"), i), "must be a host name without a port"
            )
        names.append(name)
    return keys.boolean("md5", True), tuple(names)
