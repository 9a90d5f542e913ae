"""What few JSON texts have: strings with escapes, numbers with a fraction or an exponent.

Loaded by wire.json when there is one, and let go when nobody calls any more.
"""

from micropython import const

from holdfast.wire.json import MEANINGS, SHORT_ESCAPES, JsonError, digits_end, part_text, utf8

_BACKSLASH = const(92)


def escaped_string(data, start):
    """A string with backslashes, as `_string` of wire.json: whole pieces at a time, in C, but for
    \\u.
    """
    end = start - 1
    while True:
        end = data.find(b'"', end + 1)
        if end < 0:
            raise JsonError("string without end", start)
        first = end
        while data[first - 1] == _BACKSLASH:
            first -= 1
        if not (end - first) & 1:  # an odd number: the quote is escaped
            break
    part = data[start:end]
    if min(part) < 32:
        raise JsonError("control character", start)
    texts = []
    # A run of backslashes begins with an escape, so two of them are one that is escaped.
    for piece in part.split(b"\\\\"):
        if b"\\" in piece:
            for i in range(len(SHORT_ESCAPES)):
                piece = piece.replace(b"\\" + SHORT_ESCAPES[i : i + 1], MEANINGS[i : i + 1])
            piece = _long_escapes(piece, start)
        else:
            piece = part_text(piece, start)
        texts.append(piece)
    return "\\".join(texts), end + 1


def _long_escapes(part, start):
    """Text whose only escapes are those of four digits."""
    texts = []
    at = 0
    while True:
        escape = part.find(b"\\", at)
        if escape < 0:
            texts.append(_decoded(part[at:], start))
            return "".join(texts)
        if escape > at:
            texts.append(_decoded(part[at:escape], start))
        if part[escape + 1 : escape + 2] != b"u":
            raise JsonError("bad escape", start)
        code, at = _unicode_escape(part, escape + 2)
        texts.append(chr(code))


def _decoded(part, start):
    """As `part_text`, of what was escaped: control characters may be in it."""
    try:
        return utf8(part)
    except ValueError:
        raise JsonError("not UTF-8", start)


def _unicode_escape(data, start):
    """Read what follows a backslash and u: one character, which may take a pair of surrogates."""
    code = _hexadecimal(data, start)
    start += 4
    if not 0xD800 <= code < 0xE000:
        return code, start
    low = 0
    if code < 0xDC00 and data[start : start + 2] == b"\\u":
        low = _hexadecimal(data, start + 2)
    if not 0xDC00 <= low < 0xE000:
        raise JsonError("half a surrogate pair", start)
    return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), start + 6


def _hexadecimal(data, start):
    """Return four hexadecimal digits; int() would take blanks, signs and `_`, too."""
    code = 0
    digits = data[start : start + 4]
    if len(digits) < 4:
        raise JsonError("bad escape", start)
    for byte in digits:
        letter = byte | 32
        if 48 <= byte <= 57:
            code = code << 4 | byte - 48
        elif 97 <= letter <= 102:
            code = code << 4 | letter - 87
        else:
            raise JsonError("bad escape", start)
    return code


def fraction(data, start, position):
    """Read a number with a fraction or an exponent; `position` is behind its integer."""
    if data[position] == 46:  # a full stop
        end = digits_end(data, position + 1)
        if end == position + 1:
            raise JsonError("digit expected", end)
        position = end
    exponent = data[position : position + 1]
    if exponent and exponent in b"eE":
        position += 1
        sign = data[position : position + 1]
        if sign and sign in b"+-":
            position += 1
        end = digits_end(data, position)
        if end == position:
            raise JsonError("digit expected", end)
        position = end
    value = float(data[start:position])
    if value != value:
        value = 0.0  # MicroPython 1.25 takes 0e999 for zero times infinity
    if value - value != 0:
        raise JsonError("number too large", start)
    return value, position
