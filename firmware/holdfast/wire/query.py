"""The parameters of a query or a form (RFC 3986 section 2.1); loaded with the first of them."""

from holdfast.wire.http import HttpError, hexadecimal
from holdfast.wire.utf8 import utf8


def parameters(query):
    """The parameters of a query or a form as (name, value), percent-decoded; HttpError 400."""
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote(name), unquote(value)))
    return pairs


def parameter(query, name):
    """The first value of a parameter, None when it is not there."""
    for key, value in parameters(query):
        if key == name:
            return value
    return None


def unquote(text):
    """Percent-decode (RFC 3986 section 2.1), "+" as space; HttpError 400 for what is not UTF-8."""
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    parts = text.split("%")
    data = bytearray(parts[0].encode())
    for part in parts[1:]:
        if len(part) < 2:
            raise HttpError(400)
        data.append(hexadecimal(part[:2].encode()))
        data.extend(part[2:].encode())
    try:
        return utf8(data)
    except ValueError:
        raise HttpError(400)
