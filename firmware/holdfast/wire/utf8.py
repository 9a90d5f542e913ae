"""Bytes to text, strictly: the same texts are refused on MicroPython and CPython.

Source: RFC 3629 sections 3 and 4. MicroPython's own decoding checks only that every first byte is
followed by as many bytes as it announces.
"""


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
