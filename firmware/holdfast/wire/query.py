"""The parameters of a query or a form (RFC 3986 section 2.1), and patterns that they are asked by;
loaded with the first of them.
"""

from binascii import unhexlify

from micropython import const

from holdfast.wire.http import HttpError
from holdfast.wire.json import utf8

# Of a query or a form: every port's names and states in one update. An empty one is a byte to send
# and fifty to keep.
MAX_FIELDS = const(64)


def parameters(query):
    """The parameters of a query or a form as (name, value), percent-decoded; HttpError 400."""
    pairs = []
    if query.count("&") > MAX_FIELDS:
        raise HttpError(400)
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote(name), unquote(value)))
    return pairs


def form(request):
    """The fields of a form as (name, value): of the query, then of a POST's body; HttpError 400.

    Whatever the body's Content-Type says: clients send forms as text/plain.
    """
    text = request.query
    if request.method == "POST" and request.body:
        try:
            text += "&" + utf8(request.body).strip(" \t\r\n")
        except ValueError:
            raise HttpError(400)
    return parameters(text)


def field(fields, name):
    """The first value of a field of a form, None when it is not there."""
    for key, value in fields:
        if key == name:
            return value
    return None


def parameter(query, name):
    """The first value of a parameter, None when it is not there."""
    return field(parameters(query), name)


def unquote(text, path=False):
    """Percent-decode (RFC 3986 section 2.1), "+" as space but in a path; HttpError 400 for what is
    not UTF-8.
    """
    if not path:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    data = octets(text)
    try:
        return utf8(b"\xff" if data is None else data)
    except ValueError:
        raise HttpError(400)


def octets(text):
    """The octets of a percent-encoded text; None for what is no percent-encoding."""
    parts = text.encode().split(b"%")
    data = bytearray(parts[0])
    try:
        for part in parts[1:]:
            if len(part) < 2:
                return None
            data.extend(unhexlify(part[:2]))
            data.extend(part[2:])
    except ValueError:
        return None
    return data


def matches(pattern, text):
    """True when the whole text is like the pattern: `*` for any characters, `?` for one."""
    if pattern == "*" or pattern == text:
        return True
    if "*" not in pattern and ("?" not in pattern or len(pattern) != len(text)):
        return False
    at = where = 0
    star = kept = -1  # the last `*`, and up to where it reaches
    while where < len(text):
        sign = pattern[at : at + 1]
        if sign == "*":
            star = at
            kept = where
            at += 1
        elif sign in ("?", text[where]):
            at += 1
            where += 1
        elif star >= 0:
            kept += 1
            where = kept
            at = star + 1
        else:
            return False
    return not pattern[at:].strip("*")
