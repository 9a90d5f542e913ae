"""The server's side of WebSocket (RFC 6455): bytes in, messages out; no sockets, no extensions.

A MessageReader is one generator over the connection's ReceiveBuffer. A frame that is whole in the
buffer becomes its message straight from there. The payload of a longer or a fragmented one is
moved out as it arrives, into a bytearray as long as the headers so far announce, never longer than
the limit. Whatever a client does wrong is a WebSocketError with the close code to answer.
"""

from binascii import a2b_base64, b2a_base64
from hashlib import sha1

from micropython import const

from holdfast.wire.http import has_token
from holdfast.wire.json import utf8

CONTINUATION = const(0x0)
TEXT = const(0x1)
BINARY = const(0x2)
CLOSE = const(0x8)
PING = const(0x9)
PONG = const(0xA)

# RFC 6455 5.5: the payload of a control frame; two bytes of it are the code in a CLOSE.
_CONTROL_LIMIT_BYTES = const(125)
_REASON_LIMIT_BYTES = const(123)

# RFC 6455 5.2: FIN or not for data, always FIN for control frames, no reserved bit or opcode.
_FIRST_BYTES = b"\x81\x82\x88\x89\x8a\x80\x01\x02\x00"

# So much is unmasked by one xor of integers, which are garbage afterwards; a multiple of the
# mask's four bytes. Larger pieces gain little: the fixed price of one is that of 70 bytes.
_PIECE_BYTES = const(256)

# RFC 6455 1.3: a key is 16 random bytes in base64.
_KEY_CHARACTERS = const(24)
_KEY_BYTES = const(16)


class WebSocketError(Exception):
    """The client broke the protocol or a limit: close with `code` and `reason` (short ASCII)."""

    def __init__(self, code, reason):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


def accept_key(key):
    """Return the Sec-WebSocket-Accept (str) for a Sec-WebSocket-Key (RFC 6455 4.2.2)."""
    if isinstance(key, str):
        key = key.encode()
    digest = sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return b2a_base64(digest)[:-1].decode()


def check_handshake(method, version, key, upgrade, connection):
    """Return None for a valid opening handshake, else its problem: (status, reason).

    Takes the method and the values of Sec-WebSocket-Version, Sec-WebSocket-Key, Upgrade and
    Connection, None for a header that is missing. The caller adds `Sec-WebSocket-Version: 13` to
    a 426 (RFC 6455 4.2.1, 4.2.2).
    """
    if method != "GET":
        return 400, "method is not GET"
    if not has_token((upgrade or "").lower(), "websocket"):
        return 400, "Upgrade does not name websocket"
    if not has_token((connection or "").lower(), "upgrade"):
        return 400, "Connection does not name upgrade"
    if version is None:
        return 400, "Sec-WebSocket-Version is missing"
    if version != "13":
        return 426, "Sec-WebSocket-Version is not 13"
    if key is None or not _is_key(key):
        return 400, "Sec-WebSocket-Key is not 16 bytes in base64"
    return None


def _is_key(key):
    # Decoders skip what is not base64; at this length any such character makes fewer bytes.
    try:
        return len(key) == _KEY_CHARACTERS and len(a2b_base64(key)) == _KEY_BYTES
    except ValueError:
        return False


class MessageReader:
    """Reads a client's messages, none longer than `limit_bytes`, out of a ReceiveBuffer. A longer
    one is dropped as it comes; longer than `dropped_bytes` is an error.

    The buffer may hold bytes already, and may be of any size from 14 bytes, the longest header.
    """

    def __init__(self, buffer, limit_bytes, dropped_bytes=0):
        self._buffer = buffer
        self._messages = _messages(buffer, limit_bytes, dropped_bytes)

    def next(self):
        """Return the next message as (opcode, payload), or None when it takes more bytes.

        The payload is a str for TEXT, bytes for BINARY, PING and PONG, (code or None, reason) for
        CLOSE, None for a TEXT or BINARY that was dropped. Control frames come between the
        fragments they came between. After None, the buffer has space. One call works through no
        more than the buffer holds.

        Raises WebSocketError, or MemoryError for a message that does not fit. After that or a
        CLOSE all that arrives is dropped, and the result is always None.
        """
        try:
            return next(self._messages)
        except StopIteration:
            self._buffer.start = self._buffer.end = 0
            return None


def _messages(buffer, limit_bytes, dropped_bytes):
    """Yield each message of the connection, None when more bytes are needed; end after a CLOSE."""
    begun = CONTINUATION  # the opcode of the message of which there are fragments, if there is one
    message = b""  # what it holds so far
    dropped = 0  # or, of one that is too long, how many bytes have come
    opcode = CONTINUATION
    while opcode != CLOSE:
        header = _take_header(buffer, begun)
        if header is None:
            buffer.compact()
            yield None
            continue
        final, opcode, length, mask = header
        at = 0 if opcode else dropped or len(message)
        if opcode < CLOSE and at + length > limit_bytes:
            dropped = at + length
            if dropped > dropped_bytes:
                raise WebSocketError(1009, "message too long")
            message = b""
            yield from buffer.drop(length)
            begun = opcode or begun
            if final:
                yield begun, None
                begun = CONTINUATION
                dropped = 0
            continue
        start = buffer.start
        if final and opcode and buffer.end - start >= length:
            payload = _unmasked(buffer.view[start : start + length], mask)
            buffer.start = start + length
        else:
            payload = bytearray(at + length)
            if at:
                payload[:at] = message
                message = b""
            yield from _gather(buffer, payload, at, mask)
        if opcode < CLOSE:
            begun = opcode or begun
            if not final:
                message = payload
                continue
            opcode = begun
            begun = CONTINUATION
            message = b""
        payload = _content(opcode, payload)
        yield opcode, payload
        payload = None  # nothing is kept while nothing arrives


def _gather(buffer, payload, at, mask):
    """Fill `payload` from `at` on with a frame's bytes; yield None whenever more are needed."""
    while at < len(payload):
        start = buffer.start
        part = buffer.view[start : min(buffer.end, start + len(payload) - at)]
        count = len(part)
        if count:
            payload[at : at + count] = _unmasked(part, mask)
            buffer.start = start + count
            at += count
            # The next part begins with the mask's byte after the last one used.
            mask = mask[count & 3 :] + mask[: count & 3]
        else:
            buffer.compact()
            yield None


def _take_header(buffer, begun):
    """Take a frame's header (RFC 6455 5.2): (final, opcode, length, mask), None if incomplete.

    `begun` is the opcode of the message that is under way, CONTINUATION when none is.
    """
    data = buffer.data
    start = buffer.start
    have = buffer.end - start
    if have < 2:
        return None
    first = data[start]
    length = data[start + 1] - 0x80
    opcode = first & 0x0F
    if first not in _FIRST_BYTES:
        raise WebSocketError(1002, "bad first byte")
    if length < 0:
        raise WebSocketError(1002, "no mask")
    if opcode >= CLOSE:
        if length > _CONTROL_LIMIT_BYTES:
            raise WebSocketError(1002, "control frame too long")
    elif (not opcode) == (not begun):
        raise WebSocketError(1002, "message inside a message" if begun else "nothing to continue")
    start += 2
    if length > 125:
        width = 2 if length == 126 else 8
        if have < 2 + width:
            return None
        length = int.from_bytes(data[start : start + width], "big")
        if length < (126 if width == 2 else 0x10000) or length >> 63:
            raise WebSocketError(1002, "bad length")
        start += width
    if buffer.end < start + 4:
        return None
    buffer.start = start + 4
    return first >= 0x80, opcode, length, bytes(data[start : start + 4])


def _unmasked(part, mask):
    """Return a memoryview without its mask: bytes when it is short, else itself, changed."""
    length = len(part)
    if length <= _PIECE_BYTES:
        return _xor(part, mask)
    for at in range(0, length, _PIECE_BYTES):
        piece = part[at : at + _PIECE_BYTES]
        piece[:] = _xor(piece, mask)
    return part


def _xor(piece, mask):
    # As two integers: a fifth of the price of a loop over the bytes.
    length = len(piece)
    key = mask * ((length + 3) >> 2)
    if length & 3:
        key = key[:length]
    piece = int.from_bytes(piece, "little") ^ int.from_bytes(key, "little")
    return piece.to_bytes(length, "little")


def _content(opcode, payload):
    """Return the payload of a complete message as next() promises it."""
    try:
        if opcode == TEXT:
            return utf8(payload)
        if opcode == CLOSE:
            return _close_content(payload)
    except ValueError:
        raise WebSocketError(1007, "not UTF-8")
    return bytes(payload)


def _close_content(payload):
    if not payload:
        return None, ""
    # RFC 6455 7.4 and the IANA registry: 1004 to 1006 and 1015 are never sent.
    code = payload[0] << 8 | payload[1] if len(payload) > 1 else 0
    if not (1000 <= code < 1004 or 1006 < code < 1015 or 3000 <= code < 5000):
        raise WebSocketError(1002, "bad close code")
    return code, utf8(payload[2:])


def frame(opcode, payload):
    """Return a whole message in one frame: FIN set, not masked (RFC 6455 5.2)."""
    first = (0x80 | opcode) << 8
    length = len(payload)
    if length < 126:
        header = (first | length).to_bytes(2, "big")
    elif length < 0x10000:
        header = ((first | 126) << 16 | length).to_bytes(4, "big")
    else:
        header = ((first | 127) << 64 | length).to_bytes(10, "big")
    return header + payload


def text(message):
    """Return the frame of a str."""
    return frame(TEXT, message.encode())


def close(code=None, reason=""):
    """Return a CLOSE frame; a reason over 123 bytes is cut between characters. No code: empty."""
    if code is None:
        return frame(CLOSE, b"")
    payload = reason.encode()
    end = min(len(payload), _REASON_LIMIT_BYTES)
    if end < len(payload):
        while payload[end] & 0xC0 == 0x80:
            end -= 1
    return frame(CLOSE, code.to_bytes(2, "big") + payload[:end])


def ping(payload=b""):
    """Return a PING frame of at most 125 bytes of payload."""
    assert len(payload) <= _CONTROL_LIMIT_BYTES
    return frame(PING, payload)


def pong(payload=b""):
    """Return the PONG frame that answers a PING with this payload."""
    assert len(payload) <= _CONTROL_LIMIT_BYTES
    return frame(PONG, payload)
