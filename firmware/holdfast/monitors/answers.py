"""What the languages of monitors share: errors as JSON, tokens, and answers in pieces."""

from holdfast.core.text import printable
from holdfast.core.tokens import ROLES, token_row
from holdfast.wire.http import Response
from holdfast.wire.json import quote


class Problem(Exception):
    """An answer that says no: `response`."""

    def __init__(self, status, message, field=None, lines=()):
        super().__init__(status)
        names = "" if field is None else ',"field":%s' % quote(field)
        text = '{"error":{"code":%d%s,"message":%s}}' % (status, names, quote(message))
        self.response = Response(status, text.encode(), "application/json", lines)


def answer(text, status=200, lines=()):
    """A JSON text as a Response."""
    return Response(status, text.encode(), "application/json", lines)


def require(tokens, request, role):
    """The row of the token that a request bears (RFC 6750 section 2.1); Problem 401 or 403."""
    value = request.authorization or b""
    row = None
    if value[:7].lower() == b"bearer ":
        try:
            row = token_row(tokens, value[7:].decode().strip(" \t\r\n"))
        except UnicodeError:
            pass  # no token of ours
    if row is None:
        lines = ['WWW-Authenticate: Bearer realm="monitors"']
        if request.authorization is not None:
            lines[0] += ', error="invalid_token"'
        raise Problem(401, "a token is needed", "Authorization", lines)
    if row[1] < role:
        raise Problem(403, "a token with the role %s is needed" % ROLES[role], "Authorization")
    return row


def seconds(ms):
    """Rounded up, as Retry-After has it."""
    return (ms + 999) // 1000


def one_line(text):
    """A message in one line, fit to be shown: control characters are blanks. With one of Unicode's
    in it, all that is not ASCII is a question mark.
    """
    data = bytearray(text.encode())
    for i, byte in enumerate(data):
        if byte < 32 or byte == 127:
            data[i] = 32
    if not printable(data.decode()):
        for i, byte in enumerate(data):
            if byte > 127:
                data[i] = 63
    return b" ".join(bytes(data).split()).decode()


class Told(Response):
    """An answer whose body is made while it is sent: a piece for each file that has to be read, so
    that the module's turns come between.

    pieces: a generator of texts, empty ones where others may have their turn.
    """

    chunked = True

    def __init__(self, pieces):
        super().__init__(200, pieces, "application/json")  # pyright: ignore
