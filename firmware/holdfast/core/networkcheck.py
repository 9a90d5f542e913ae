"""Checks `network` of the settings: the servers that know host names.

"network": {"dns": ["192.168.0.1", "192.168.0.2:5353"]}
"""

from micropython import const

from holdfast.core.address import is_ipv4
from holdfast.core.settings import SettingsError

_MAX_SERVERS = const(3)


def servers(keys):
    """Rows `(address, port)` of `network.dns`; none: those the network itself names."""
    data = keys.get("dns", [])
    path = keys.path("dns")
    if not isinstance(data, list) or len(data) > _MAX_SERVERS:
        raise SettingsError(path, "must be a list of up to %d addresses" % _MAX_SERVERS)
    rows = []
    for i, text in enumerate(data):
        address, _, port = text.partition(":") if isinstance(text, str) else ("", "", "")
        if not is_ipv4(address) or len(port) > 5 or port.strip("0123456789"):
            raise SettingsError("%s[%d]" % (path, i), "must be an IPv4 address, or address:port")
        port = int(port or "53")
        if not 1 <= port <= 65535:
            raise SettingsError("%s[%d]" % (path, i), "must have a port from 1 to 65535")
        rows.append((address, port))
    return tuple(rows)
