"""Checks `time` of the settings: who is asked for the time.

"time": {"server": "192.168.0.1"}
"""

from holdfast.settings.address import place

_NTP_PORT = 123


def server(keys):
    """(host, port) of an NTP server, an IPv4 address in digits; None when there is none."""
    text = keys.text("server", "")
    if not text:
        return None
    return place(keys.path("server"), text, _NTP_PORT)
