"""Checks `tls` of the settings: HTTPS, and WebSockets over it.

    "tls": {"certificate": "tls.crt", "key": "tls.key", "http": true}

The names are those of files in flash, DER or PEM; what is in them settings.tls_files looks at.
"""

from micropython import const

from holdfast.settings.model import SettingsError

_MAX_FILE = const(32)
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
_OURS = ("settings", "flashed", "log", "boot", "main", "board")  # how other files' names begin


def tls(keys):
    """(certificate, key, http): two file names, and whether HTTP is served beside HTTPS; http:
    None, which is false, where settings do not say.
    """
    names = []
    for key in ("certificate", "key"):
        name = keys.text(key, "tls.crt" if key == "certificate" else "tls.key", _MAX_FILE)
        if not name or name.strip(_LETTERS) or name[0] == ".":
            raise SettingsError(keys.path(key), "must be a file name of letters, digits, ._-")
        for start in _OURS:
            if name.startswith(start):
                raise SettingsError(keys.path(key), "must not be one of the module's own files")
        names.append(name)
    if names[0] == names[1]:
        raise SettingsError(keys.path("key"), "must be another file than the certificate")
    http = keys.boolean("http", False)
    return names[0], names[1], None if keys.get("http", None) is None else http
