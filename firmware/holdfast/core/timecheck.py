"""Checks `time` of the settings: who is asked for the time.

"time": {"server": "192.168.0.1"}
"""

from holdfast.core.settings import SettingsError


def server(keys):
    """(host, port) of an NTP server, an IPv4 address in digits; None when there is none."""
    text = keys.text("server", "")
    if not text:
        return None
    host, colon, port = text.partition(":")
    parts = host.split(".")
    for part in parts:
        if len(parts) != 4 or not part or len(part) > 3 or part.strip("0123456789"):
            raise SettingsError(keys.path("server"), "must be an IPv4 address, or address:port")
        if int(part) > 255:
            raise SettingsError(keys.path("server"), "must be an IPv4 address, or address:port")
    if not colon:
        port = "123"
    if not 0 < len(port) <= 5 or port.strip("0123456789") or not 1 <= int(port) <= 65535:
        raise SettingsError(keys.path("server"), "must have a port from 1 to 65535")
    return host, int(port)
