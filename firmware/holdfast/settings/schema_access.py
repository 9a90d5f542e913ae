"""Checks `tls` and `login` of the settings: by which ways people and programs get in.

    "tls": {"certificate": "tls.crt", "key": "tls.key", "http": true}
    "login": {"md5": false, "names": ["door7.plant.example"]}

Certificate and key are files in flash, DER or PEM; what is in them settings.tls_files looks at.
`md5` false: by SHA-256 alone (RFC 7616); many VAPIX clients know MD5 only. `names`: host names by
which browsers may reach the module, beside its addresses and its names in private networks; see
wire.origin. Loaded with settings that have one of them, and let go again.
"""

from micropython import const

from holdfast.settings.model import SettingsError

_MAX_FILE = const(32)
_FILE_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
_OURS = ("settings", "flashed", "log", "boot", "main", "board")  # how other files' names begin
_MAX_NAMES = const(4)
_MAX_NAME = const(64)
_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-."


def tls(keys) -> tuple[str, str, bool | None]:
    """(certificate, key, http): two file names, and whether HTTP is served beside HTTPS; http:
    None, which is false, where settings do not say.
    """
    names = []
    for key in ("certificate", "key"):
        name = keys.text(key, "tls.crt" if key == "certificate" else "tls.key", _MAX_FILE)
        if not name or name.strip(_FILE_LETTERS) or name[0] == ".":
            raise SettingsError(keys.path(key), "must be a file name of letters, digits, ._-")
        for start in _OURS:
            if name.startswith(start):
                raise SettingsError(keys.path(key), "must not be one of the module's own files")
        names.append(name)
    if names[0] == names[1]:
        raise SettingsError(keys.path("key"), "must be another file than the certificate")
    http = keys.boolean("http", False)
    return names[0], names[1], None if keys.get("http", None) is None else http


def login(keys) -> tuple[bool, tuple]:
    """(md5, names): whether MD5 may be used, and host names in lower case."""
    names = []
    for i, name in enumerate(keys.items("names", _MAX_NAMES, " host names")):
        name = name.lower() if isinstance(name, str) else ""
        if not name or len(name) > _MAX_NAME or name.strip(_NAME_LETTERS):
            raise SettingsError(
                "%s[%d]" % (keys.path("names"), i), "must be a host name without a port"
            )
        names.append(name)
    return keys.boolean("md5", True), tuple(names)
