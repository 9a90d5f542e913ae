"""The chunked coding of a request body (RFC 9112 section 7.1); loaded with the first that comes.

Generators in the manner of http.RequestReader, whose buffer they read: they yield None for "more".
"""

from micropython import const

from holdfast.wire.http import HEX, HttpError, field
from holdfast.wire.target import hexadecimal

CHUNK_LINE_BYTES = const(64)  # chunk size and extensions
TRAILER_BYTES = const(512)


def take_chunks(reader, body, limit, cut=False):
    """Append a chunked body to `body`, at most `limit` bytes; trailer fields are dropped. cut: so
    is what is beyond the limit; else HttpError 413.
    """
    buffer = reader.buffer
    data = buffer.data
    part = bytearray()  # of whole chunks; a body that grows by single bytes is copied for each
    while True:
        # A chunk that is here as a whole is taken at once: 2 KB may hold 341 of them, and every
        # generator below costs as much as this.
        start = buffer.start
        end = data.find(b"\r\n", start, min(buffer.end, start + 6))
        digits = bytes(buffer.view[start : max(start, end)])
        if digits and not digits.strip(HEX):
            size = int(digits, 16)
            start = end + 2
            end = start + size
            room = limit - len(body) - len(part)
            here = end + 2 <= buffer.end and data[end] == 13 and data[end + 1] == 10
            if size and here and (size <= room or cut):
                part.extend(buffer.view[start : start + min(size, room)])
                buffer.start = end + 2
                continue
        body.extend(part)
        part = bytearray()
        line = yield from _line(reader, CHUNK_LINE_BYTES)
        # Zeros in front count for nothing: a size is a number.
        size = line.partition(b";")[0].rstrip(b" \t")
        size = hexadecimal(size.lstrip(b"0") or size[:1])
        excess = max(0, len(body) + size - limit)
        if excess and not cut:
            raise HttpError(413)
        if size == 0:
            break
        yield from reader.take(body, size - excess)
        yield from reader.buffer.drop(excess)
        yield from _line(reader, 0)
    left = TRAILER_BYTES
    while True:
        line = yield from _line(reader, left)
        if not line:
            return
        field(line)
        left -= len(line)


def _line(reader, limit):
    """Take a line of up to `limit` bytes, without its end."""
    buffer = reader.buffer
    while True:
        end = buffer.data.find(b"\r\n", buffer.start, buffer.end)
        if 0 <= end <= buffer.start + limit:
            line = bytes(buffer.view[buffer.start : end])
            buffer.start = end + 2
            if b"\r" in line or b"\n" in line or b"\0" in line:
                raise HttpError(400)
            return line
        if end >= 0 or len(buffer) > limit + 1:
            raise HttpError(400)
        buffer.compact()
        yield None
        reader.expects_continue = False
