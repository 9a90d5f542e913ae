"""Addresses in settings: URLs taken apart, IPv4 addresses and host names looked at.

Loaded with the checks of rules, uplinks and the network, and let go with them.
"""

from micropython import const

from holdfast.settings.model import SettingsError

MAX_URL = const(256)
_MAX_HOST = const(253)  # RFC 1035 section 2.3.4, as text
_MAX_LABEL = const(63)
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_"


def url(keys, key: str, text: str, certificate: bool) -> tuple:
    """`((secure, host, port), target)` of an http:// or https:// URL; SettingsError for the key.

    secure: TLS; host: an IPv4 address or a name, lower case; target: path and query. certificate:
    False when there is none to verify anybody with.
    """
    path = keys.path(key)
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme not in ("http", "https") or not rest:
        raise SettingsError(path, "must begin with http:// or https://")
    if scheme == "https" and not certificate:
        raise SettingsError(path, "https needs uplinks.certificate to verify the receiver with")
    for character in rest:
        if not "!" <= character <= "~" or character == "#":
            raise SettingsError(path, "must be of printable ASCII, no blanks, no fragment")
    end = len(rest)
    for mark in "/?":
        at = rest.find(mark)
        if at >= 0:
            end = min(end, at)
    authority, target = rest[:end], rest[end:]
    if "@" in authority:
        raise SettingsError(path, "must not hold a login")
    host, colon, number = authority.partition(":")
    host = host.lower()
    if ipv4(host) is None and not is_name(host):
        raise SettingsError(path, "must have an IPv4 address or a host name")
    port = 443 if scheme == "https" else 80
    if colon:
        port = _port(path, number)
    if target[:1] != "/":
        target = "/" + target
    return (scheme == "https", host, port), target


def place(path: str, text, port: int) -> tuple[str, int]:
    """(address, port) of an IPv4 address in digits, with `:port` where it is another than this;
    SettingsError for the key at this path.
    """
    address, colon, number = text.partition(":") if isinstance(text, str) else ("", "", "")
    if ipv4(address) is None:
        raise SettingsError(path, "must be an IPv4 address, or address:port")
    return address, _port(path, number) if colon else port


def _port(path, text):
    if not 0 < len(text) <= 5 or text.strip("0123456789") or not 1 <= int(text) <= 65535:
        raise SettingsError(path, "must have a port from 1 to 65535")
    return int(text)


def ipv4(text: str) -> int | None:
    """The number of an IPv4 address, None for a text that is none: four numbers up to 255 with
    dots between, without zeros in front. With them a number is decimal to some and octal to
    others, and so another host (RFC 6943 section 3.1.1).
    """
    parts = text.split(".")
    if len(parts) != 4:
        return None
    value = 0
    for part in parts:
        if not part or len(part) > 3 or part.strip("0123456789") or int(part) > 255:
            return None
        if part[0] == "0" and part != "0":
            return None
        value = value << 8 | int(part)
    return value


def is_name(text: str) -> bool:
    """True for a host name, lower case. What ends with a number, hexadecimal too, is an address
    to some (URL Standard, "ends in a number").
    """
    labels = text.split(".")
    last = labels[-1]
    if len(text) > _MAX_HOST or not last.strip("0123456789"):
        return False
    if last[:2] == "0x" and not last[2:].strip("0123456789abcdef"):
        return False
    for label in labels:
        if not label or len(label) > _MAX_LABEL or label.strip(_LETTERS):
            return False
        if label[0] == "-" or label[-1] == "-":
            return False
    return True
