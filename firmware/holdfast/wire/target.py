"""Request targets in another form than ours (RFC 9112 section 3.2).

Loaded for one of them, and let go when nobody calls any more.
"""

from micropython import const

from holdfast.wire.http import HEX, HttpError

# Characters that mean the same whether percent-encoded or not (RFC 3986 section 2.3).
MAX_ESCAPES = const(32)
_UNRESERVED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"


def origin_form(target):
    """The path and query (bytes) of a request target that has another form; HttpError 400."""
    # Clients send a query as it was typed, curl among them.
    path, mark, query = target.partition(b"?")
    query = b"".join([b"%%%02X" % b if b > 127 else bytes([b]) for b in query])
    if path[:1] != b"/":
        # An absolute-form, which every server must take (RFC 9112 section 3.2.2).
        scheme, _, rest = path.partition(b"://")
        host, _, path = rest.partition(b"/")
        if not host or scheme.lower() not in (b"http", b"https"):
            raise HttpError(400)
        path = b"/" + path
    return path + mark + query


def plain(path):
    """A path in which letters and digits stand for themselves, however they were sent: RFC 3986
    section 6.2.2.2 has both for the same path. All else stays as it is: "%2F" ends no part. A path
    with more of them than any of ours has stays as it is, too.
    """
    if path.count("%") > MAX_ESCAPES:
        return path
    parts = path.split("%")
    texts = [parts[0]]
    for part in parts[1:]:
        try:
            character = chr(hexadecimal(part[:2].encode()))
        except HttpError:
            character = "%"
        if len(part) > 1 and character in _UNRESERVED:
            texts.append(character + part[2:])
        else:
            texts.append("%" + part)
    return "".join(texts)


def hexadecimal(data):
    """Up to eight hex digits as a number; int() alone takes "+1", "0x1" and "1_0"."""
    if not 0 < len(data) <= 8 or data.strip(HEX):
        raise HttpError(400)
    return int(data, 16)
