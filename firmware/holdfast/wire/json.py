"""JSON in and out, strict, with the same answer on MicroPython and CPython.

MicroPython's own json takes `[1 2]`, `{"a" 1}`, `[1}` and `01`, CPython's takes `NaN`, and both
turn `"\\ud800"` into text that cannot be sent. So: RFC 8259, read in one loop over the bytes, a
token per turn, with the open lists and objects on a stack of its own; what is seldom met is read
by wire.rarejson. One tolerance: a comma
before a closing bracket, as in the vendor's own example, `{"Duration": 10000,}` (Heartbeat API).

Text is UTF-8, strictly: the same is refused on both (RFC 3629 sections 3 and 4). MicroPython's own
decoding checks only that every first byte is followed by as many bytes as it announces.
"""

from micropython import const

# Deeper than any request of VAPIX (4), so that hostile nesting cannot fill the heap.
MAX_DEPTH = const(16)

# Values in one text, inner ones included: setPorts for all ports, a configure with many filters. A
# value costs up to 0.2 heartbeats.
MAX_ITEMS = const(256)

# Backslashes in one text: as many as 4 KB of characters beyond ASCII have, each as \uXXXX.
MAX_ESCAPES = const(682)

# Every integer of 15 digits is exact as a double, in any client; and nobody makes us reckon with
# integers of a thousand digits.
MAX_DIGITS = const(15)

# Of a text that is read in steps; a string or a number is read to its end.
_STEP_BYTES = const(256)

_BLANKS = b" \t\n\r"
_QUOTE = const(34)  # "
_COMMA = const(44)  # ,
_COLON = const(58)  # :
_BRACE = const(123)  # {
_END_OF_OBJECT = const(125)  # }
_NOTHING = const(-1)  # equals no byte: outside of all brackets nothing can be closed

# What may come next. From _ITEM on a closing bracket may, too.
_VALUE = const(0)  # a value
_DUE_COLON = const(1)
_ITEM = const(2)  # the next item of a list, the next key of an object
_NEXT = const(3)  # a comma

# A backslash and what stands behind it, but for another one.
SHORT_ESCAPES = b'"/bfnrt'
MEANINGS = b'"/\b\f\n\r\t'


class JsonError(ValueError):
    """Not JSON, or more than we take; `position` is the byte where that was noticed, `large` tells
    that it may be JSON.
    """

    def __init__(self, message, position, large=False):
        super().__init__(message)
        self.position = position
        self.large = large


def loads(data, limit=MAX_ITEMS, kept=None):
    """Return the value in `data` (bytes, UTF-8): dict, list, str, int, float, bool or None.

    kept: an empty list, to read in steps: call again with the same data, limit and list until the
    list is empty. Only then is what is returned the value.

    A byte order mark in front is skipped, as RFC 8259 section 8.1 allows: editors and shells on
    Windows write one. The last of equal keys wins. JsonError for what is not JSON, for more than
    `limit` values or MAX_ESCAPES backslashes (limit -1: for any number of both, as settings have
    them), for lists and objects more than MAX_DEPTH deep, for integers of more than
    MAX_DIGITS digits and for numbers beyond the floats of this machine (on the chips those have 32
    bits).
    """
    state = kept.pop() if kept else _beginning(data, limit)
    # outer: (container, closing) around the present one
    root, container, closing, outer, key, due, position, limit = state
    length = stop = len(data)
    if kept is not None:
        stop = min(length, position + _STEP_BYTES)
    while position < stop:
        byte = data[position]
        position += 1
        if byte <= 32 and byte in _BLANKS:
            continue
        if byte == closing and due >= _ITEM:
            container, closing = outer.pop()
            due = _NEXT
        elif due == _NEXT:
            if byte != _COMMA or not outer:
                raise JsonError("comma or end expected", position - 1)
            due = _ITEM
        elif due == _DUE_COLON:
            if byte != _COLON:
                raise JsonError("colon expected", position - 1)
            due = _VALUE
        elif due == _ITEM and closing == _END_OF_OBJECT:
            if byte != _QUOTE:
                raise JsonError("key expected", position - 1)
            key, position = _string(data, position)
            due = _DUE_COLON
        else:
            due = _NEXT
            if not limit:
                raise JsonError("too many values", position - 1, True)
            limit -= 1
            if byte == _QUOTE:
                value, position = _string(data, position)
            elif byte | 32 == _BRACE:  # or the square one, 32 below it
                value = {} if byte == _BRACE else []
                due = _ITEM
            else:
                value, position = _scalar(data, position - 1)
            if closing == _END_OF_OBJECT:
                container[key] = value  # pyright: ignore
            else:
                container.append(value)  # pyright: ignore
            if due == _ITEM:
                if len(outer) == MAX_DEPTH:
                    raise JsonError("nested too deep", position - 1)
                outer.append((container, closing))
                container = value
                closing = byte + 2  # in ASCII
    if position < length:
        kept.append((root, container, closing, outer, key, due, position, limit))  # pyright: ignore
        return None
    if due != _NEXT or outer:
        raise JsonError("text ends early", length)
    return root[0]


def _beginning(data, limit):
    """Where reading begins; see there."""
    if limit >= 0 and data.count(b"\\") > MAX_ESCAPES:
        raise JsonError("too many escapes", 0, True)
    position = 3 if data[:3] == b"\xef\xbb\xbf" else 0
    root = []
    return root, root, _NOTHING, [], None, _VALUE, position, limit


def quote(text):
    """Return the text as a JSON string, quotes included; other than ASCII stays as it is."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if '"' in text:
        text = text.replace('"', '\\"')
    if text and min(text.encode()) < 32:
        for code in range(32):
            short = MEANINGS.find(bytes([code]))
            escape = "\\u%04x" % code if short < 0 else "\\" + chr(SHORT_ESCAPES[short])
            text = text.replace(chr(code), escape)
    return '"' + text + '"'


def _string(data, start):
    """Read a string from behind its opening quote; return it and the position behind its end."""
    end = data.find(b'"', start)
    if end < 0:
        raise JsonError("string without end", start)
    part = data[start:end]
    if b"\\" in part:
        from holdfast.wire.rarejson import escaped_string

        return escaped_string(data, start)
    return part_text(part, start), end + 1


def part_text(part, start):
    """Return what stands between two quotes or escapes."""
    if part and min(part) < 32:
        raise JsonError("control character", start)
    try:
        return utf8(part)
    except ValueError:
        raise JsonError("not UTF-8", start)


def _scalar(data, start):
    """Read a number or one of the three words; return the value and the position behind it."""
    first = start + 1 if data[start] == 45 else start  # a minus
    end = digits_end(data, first)
    count = end - first
    if not count:
        return _word(data, start)
    if count > 1 and data[first] == 48:
        raise JsonError("leading zero", start)
    follow = data[end : end + 1]
    if not follow or follow not in b".eE":
        if count > MAX_DIGITS:
            raise JsonError("integer too long", start)
        return int(data[start:end]), end
    from holdfast.wire.rarejson import fraction

    return fraction(data, start, end)


def digits_end(data, position):
    """Return the position of the first byte that is no digit."""
    length = len(data)
    while position < length and 48 <= data[position] <= 57:
        position += 1
    return position


def _word(data, start):
    for word, value in ((b"true", True), (b"false", False), (b"null", None)):
        end = start + len(word)
        if data[start:end] == word:
            return value, end
    raise JsonError("value expected", start)


def utf8(data):
    """Return the text in `data` (bytes or another buffer); ValueError when it is not UTF-8."""
    text = str(data, "utf-8")
    if len(text) != len(data):  # as many characters as bytes: plain ASCII, nothing to look at
        _check(data)
    return text


def _check(data):
    """Refuse overlong forms, encoded surrogates and anything above U+10FFFF."""
    lead = 0
    for byte in data:
        if byte < 0x80:
            continue
        if byte >= 0xC0:
            if byte < 0xC2 or byte > 0xF4:
                raise ValueError("not UTF-8")
        # The byte after E0, ED, F0 or F4 has a narrower range; each of them starts a character.
        elif lead == 0xE0 and byte < 0xA0 or lead == 0xF0 and byte < 0x90:
            raise ValueError("not UTF-8")  # overlong
        elif lead == 0xED and byte >= 0xA0 or lead == 0xF4 and byte >= 0x90:
            raise ValueError("not UTF-8")  # a surrogate; above U+10FFFF
        lead = byte
