"""What the languages of monitors share: what a check-in says, its token, and the answer, errors as
JSON.

A check-in says a result and a message, through whichever door it comes. A result that is named
counts, whatever else cannot be read: a job that says "fail" has failed, whether or not its message
is UTF-8, escaped as it should be, or text at all. Where no result is named, all that was sent must
be understood, or the check-in is refused: it may have meant a fail.

    address   result and message; percent signs that are no escapes stand for themselves
    body      a JSON object or a form with the same names. Any other text is the message; a text
              that is nothing but the word of a result is the result

The address counts before the body. Upper and lower case are the same, and of several results a
fail counts. Where the body is the message alone, as healthchecks.io has it, see `beginning`.
"""

from holdfast.core.checkins import COMPLETE, FAIL, MESSAGE_BYTES, RESULTS
from holdfast.core.text import printable
from holdfast.core.tokens import ROLES, token_row
from holdfast.wire import json
from holdfast.wire.http import BODY_BYTES, Response
from holdfast.wire.json import quote, utf8
from holdfast.wire.query import MAX_FIELDS


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


_KNOWN = ("result", "message")
_WORDS = RESULTS[: FAIL + 1] + (
    "success",
)  # Pinghome's text has it for what its list calls complete
_FORM = "application/x-www-form-urlencoded"  # curl says so of every text
_TEXTS = ("", _FORM, "text/plain", "application/octet-stream")
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BLANKS = b" \t\r\n"
_HEX = b"0123456789abcdefABCDEF"


def said(request):
    """(result, message) of a check-in; Problem for one that is not understood."""
    pairs = fields(request.query)
    result = _result(pairs)
    if result is None:
        _refuse_others(pairs)
        pairs.extend(_body(request))
        result = _result(pairs)
        if result is None:
            _refuse_others(pairs)
            result = 0
    else:
        try:
            pairs.extend(_body(request))
        except Problem:
            pass  # the result is known, and no more than the message is lost
    for name, value in pairs:
        if name == _KNOWN[1] and isinstance(value, str):
            return result, value
    return result, ""


def says_something(request):
    """Does a request name a result or a message? Then it is a check-in, and no reading."""
    pairs = fields(request.query)
    try:
        pairs.extend(_body(request))
    except Problem:
        return True  # who checks in is to be told what is wrong
    for name, _ in pairs:
        if name in _KNOWN:
            return True
    return False


def fields(text):
    """The (name in lower case, value) of a query or a form. Never fails: what is no escape stays
    as it is, what is no UTF-8 is U+FFFD, and what is too much is left in the last value.
    """
    pairs = []
    for part in text.split("&", MAX_FIELDS):
        if part:
            name, _, value = part.partition("=")
            pairs.append((_unquoted(name).strip(" \t\r\n").lower(), _unquoted(value)))
    return pairs


def beginning(request):
    """A body as the message: as much of it as the history keeps, and a little more; "" for what is
    no text.
    """
    body = request.body
    if not _is_text(body) or "content-encoding" in request.headers:
        return ""
    if body.startswith(_BOM):
        body = body[3:]
    part = body[: MESSAGE_BYTES + 4]
    for end in range(len(part), max(-1, len(part) - 4), -1):
        try:
            return utf8(part[:end])
        except ValueError:
            pass  # cut within a character, or no UTF-8
    return _readable(part)


def _result(pairs):
    """The result that is named, None when none is; Problem 422 for a word that is none."""
    found = None
    bad = False
    for name, value in pairs:
        if name != _KNOWN[0]:
            continue
        word = value.strip(" \t\r\n").lower() if isinstance(value, str) else ""
        if word == RESULTS[FAIL]:
            return FAIL
        if word not in _WORDS:
            bad = True
        elif found is None:
            found = COMPLETE if word == _WORDS[-1] else RESULTS.index(word)
    if bad:
        raise Problem(422, "must be one of: " + ", ".join(RESULTS[: FAIL + 1]), _KNOWN[0])
    return found


def _refuse_others(pairs):
    """Problem for what is not understood, where no result is named."""
    for name, value in pairs:
        if name not in _KNOWN:
            raise Problem(400, "is not understood here; known are: " + ", ".join(_KNOWN), name)
        if not isinstance(value, str):
            raise Problem(422, "must be text", name)


def _body(request):
    """The (name, value) that a body says, whatever the method; Problem."""
    body = request.body
    if not body.strip(_BLANKS):
        return []
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "must not be there: send the body as it is", "Content-Encoding")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TEXTS and not kind.endswith("json"):
        raise Problem(415, "must be JSON, a form or plain text", "Content-Type")
    if not _is_text(body):
        raise Problem(400, "must be UTF-8", "body")
    if body.startswith(_BOM):
        body = body[3:]
    body = body.strip(_BLANKS)
    if kind.endswith("json") or _is_json(body):
        return _value(body)
    text = _readable(body)
    pairs = fields(text)
    for name, _ in pairs:
        if name in _KNOWN:
            return pairs
    if kind == _FORM and "=" in text and len(body.split()) == 1:
        return pairs  # a form, of somebody else's names
    return [(_KNOWN[0] if text.lower() in _WORDS else _KNOWN[1], text)]


def _is_text(body):
    return not body.startswith(_UTF16) and b"\0" not in body


def _is_json(body):
    """True for what can hardly be anything else; "[INFO] done" is a line of a log. cmd.exe leaves
    the single quotes around it.
    """
    inner = body[1:].lstrip(_BLANKS)[:1] if body[:1] in (b"[", b"'") else body[:1]
    return inner in (b"{", b'"', b"[", b"]")


def _value(body):
    """The (name, value) that a JSON body says; Problem. Scripts put the output of commands between
    quotes as it is: line ends, Latin-1, quotes, backslashes.
    """
    plain = bytearray(_readable(body).encode())
    for i, byte in enumerate(plain):
        if byte < 32:
            plain[i] = 32
    try:
        value = json.loads(bytes(plain))
    except json.JsonError:
        rest = bytes(plain).lower().partition(b'"result"')[2].lstrip(_BLANKS)
        if rest[:1] == b":" and rest[1:].lstrip(_BLANKS).startswith(b'"fail"'):
            return [(_KNOWN[0], RESULTS[FAIL])]  # the message broke it
        if len(body) >= BODY_BYTES:
            raise Problem(413, "must be up to %d bytes" % BODY_BYTES, "body")
        raise Problem(400, "must be JSON", "body")
    if isinstance(value, str) and value.strip(" \t\r\n").lower() in _WORDS:
        return [(_KNOWN[0], value)]
    if not isinstance(value, dict):
        raise Problem(400, "must be a JSON object", "body")
    return [(name.strip(" \t\r\n").lower(), value[name]) for name in value]


def _unquoted(text):
    """Percent-decoded, as far as there is something to decode."""
    if "%" not in text and "+" not in text:
        return text
    parts = text.replace("+", " ").encode().split(b"%")
    data = bytearray(parts[0])
    for part in parts[1:]:
        digits = part[:2]
        if len(digits) == 2 and not digits.strip(_HEX):
            data.append(int(digits, 16))
            part = part[2:]
        else:
            data.append(37)
        data.extend(part)
    return _readable(data)


def _readable(data):
    """Bytes as text; U+FFFD for each byte outside of ASCII where they are no UTF-8."""
    try:
        return utf8(data)
    except ValueError:
        text = bytearray()
        for byte in data:
            if byte < 128:
                text.append(byte)
            else:
                text.extend(b"\xef\xbf\xbd")
        return utf8(text)
