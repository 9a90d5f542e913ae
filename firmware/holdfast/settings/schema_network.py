"""Checks `network` and `time` of the settings: how the module gets at its network and at the time.

    "time": {"server": "192.168.0.1"}

Loaded with settings that have one of them, and let go again.
"""

from holdfast.settings.address import ipv4, place
from holdfast.settings.model import SettingsError

KINDS = ("wifi", "ethernet")

_KEYS = (
    "kind",
    "ssid",
    "key",
    "hostname",
    "country",
    "address",
    "netmask",
    "gateway",
    "dns",
)
_STATIC = ("address", "netmask", "gateway")
_MAX_SERVERS = 3
_DNS_PORT = 53
_NTP_PORT = 123
_MAX_SSID = 32  # bytes (IEEE 802.11 section 9.4.2.2)
_MAX_HOSTNAME = 32  # MicroPython takes no more


def network(keys) -> tuple:
    """(row, servers). row: (kind, ssid, key, hostname, country, static), None when nothing is
    said but servers; static: (address, netmask, gateway, dns), None for DHCP. servers: rows
    (address, port) that know host names, none for those the network itself names. SettingsError
    names the bad key.
    """
    keys = keys.object("network", _KEYS)
    dns = servers(keys)
    for key in _KEYS:
        if key != "dns" and keys.get(key, None) is not None:
            return _row(keys, dns), dns
    return None, dns


def _row(keys, dns):
    kind = keys.choice("kind", KINDS[0], KINDS)
    ssid = keys.text("ssid", "")
    key = keys.text("key", "", 64)
    if len(ssid.encode()) > _MAX_SSID:
        raise SettingsError(keys.path("ssid"), "must be up to %d bytes" % _MAX_SSID)
    if kind == 0:
        if not ssid:
            raise SettingsError(keys.path("ssid"), "must name the Wi-Fi network")
        # A passphrase is 8 to 63 characters, a key 64 hex digits (IEEE 802.11 annex J.4).
        if key and (len(key) < 8 or len(key) == 64 and not _hex(key)):
            raise SettingsError(keys.path("key"), "must be 8 to 63 characters, or 64 hex digits")
    elif ssid or key:
        raise SettingsError(keys.path("ssid" if ssid else "key"), "is for wifi")
    hostname = keys.text("hostname", "", _MAX_HOSTNAME)
    if not _is_label(hostname):
        raise SettingsError(keys.path("hostname"), "must be letters, digits and inner dashes")
    country = keys.text("country", "")
    if country and not (len(country) == 2 and country.isalpha() and country.isupper()):
        raise SettingsError(keys.path("country"), "must be two capital letters (ISO 3166)")
    return KINDS[kind], ssid, key, hostname, country, _static(keys, dns)


def _hex(text):
    for character in text:
        if character not in "0123456789abcdefABCDEF":
            return False
    return True


def _is_label(text):
    """True for nothing, and for a host name of one label (RFC 1123 section 2.1)."""
    for character in text:
        if not ("a" <= character.lower() <= "z" or "0" <= character <= "9" or character == "-"):
            return False
    return text[:1] != "-" and text[-1:] != "-"


def _static(keys, dns):
    """The four addresses as texts, None for DHCP; without a name server the gateway is one."""
    given = [key for key in _STATIC if keys.get(key, None) is not None]
    if not given:
        return None
    for key in _STATIC:
        if key not in given:
            raise SettingsError(keys.path(key), "must be there, too, for a fixed address")
    numbers = {key: _address(keys, key) for key in given}
    mask = numbers["netmask"]
    ones = 0xFFFFFFFF ^ mask
    if ones & ones + 1 or not mask or ones < 3:
        raise SettingsError(keys.path("netmask"), "must be ones and then zeros")
    for key in ("address", "gateway"):
        host = numbers[key] & ones
        if host == 0 or host == ones or not 0 < numbers[key] >> 24 < 224:
            raise SettingsError(keys.path(key), "must be the address of a host")
    if numbers["address"] & mask != numbers["gateway"] & mask:
        raise SettingsError(keys.path("gateway"), "must be in the network of the address")
    if numbers["address"] == numbers["gateway"]:
        raise SettingsError(keys.path("gateway"), "must be another than the address")
    texts = [keys.text(key, "") for key in _STATIC]
    return tuple(texts + [dns[0][0] if dns else texts[2]])


def _address(keys, key):
    """An IPv4 address in digits, as an int."""
    value = ipv4(keys.text(key, ""))
    if value is None:
        raise SettingsError(keys.path(key), "must be an IPv4 address in digits")
    return value


def servers(keys) -> tuple:
    """Rows `(address, port)` of `network.dns`; none: those the network itself names."""
    rows = []
    for i, text in enumerate(keys.items("dns", _MAX_SERVERS, " addresses")):
        rows.append(place("%s[%d]" % (keys.path("dns"), i), text, _DNS_PORT))
    return tuple(rows)


def time_server(keys) -> tuple[str, int] | None:
    """(host, port) of an NTP server, an IPv4 address in digits; None when there is none."""
    text = keys.text("server", "")
    if not text:
        return None
    return place(keys.path("server"), text, _NTP_PORT)
