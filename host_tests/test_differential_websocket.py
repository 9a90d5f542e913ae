"""Our WebSocket against wsproto, which nobody here wrote, over random streams (CPython only).

Where the two differ on purpose:
1. wsproto refuses invalid UTF-8 in a text as soon as it sees it, we when the message is complete
   (RFC 6455 8.1 asks for no more). In between we still deliver control frames, and find other
   errors; the text itself is never delivered.
2. wsproto knows no limit; ours is 1009 as soon as a header announces more.
3. Close code 1014 (Bad Gateway, IANA's registry) is unknown to wsproto; we take it.
4. We refuse a wrong header at its first two bytes, wsproto after its length, and a misplaced data
   frame after its first byte of payload: given the bytes that are missing, it refuses it too.
"""

import struct

from holdfast.wire.buffer import ReceiveBuffer
from holdfast.wire.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    MessageReader,
    WebSocketError,
    close,
    frame,
    ping,
    pong,
    text,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed

LIMIT_BYTES = 3000


class Peer:
    """wsproto, its frames put together to messages."""

    def __init__(self, client=False):
        self.protocol = FrameProtocol(client=client, extensions=[])
        self.messages = []
        self.error = None
        self.parts = []

    def feed(self, data):
        if self.error:
            return self
        self.protocol.receive_bytes(data)
        try:
            for got in self.protocol.received_frames():
                self.take(got)
        except ParseFailed as error:
            self.error = int(error.code)
        return self

    def take(self, got):
        opcode, payload = int(got.opcode), got.payload
        if opcode == CLOSE:
            code, reason = payload
            payload = (None if code == 1005 else int(code), reason)
        elif opcode >= CLOSE:
            payload = bytes(payload)
        else:
            self.parts.append(payload)
            if not got.message_finished:
                return
            payload = ("" if opcode == TEXT else b"").join(self.parts)
            self.parts = []
        self.messages.append((opcode, payload))

    def announced(self):
        """How long the message under way is at least, by the header read last."""
        had = sum(len(part) for part in self.parts)
        return had + self.protocol._frame_decoder.header.payload_len


def ours(stream, cuts, size):
    """Return (messages, code of the error or None) of our reader, fed in chunks."""
    buffer = ReceiveBuffer(size)
    reader = MessageReader(buffer, LIMIT_BYTES)
    messages = []
    error = None
    ends = sorted({cut % (len(stream) + 1) for cut in cuts} | {len(stream)})
    at = 0
    for end in ends:
        while at < end:
            count = min(len(buffer.space()), end - at)
            assert count
            buffer.feed(stream[at : at + count])
            at += count
            try:
                while (message := reader.next()) is not None:
                    assert error is None
                    messages.append(message)
            except WebSocketError as found:
                assert error is None
                error = found.code
                assert reader.next() is None
    return messages, error


def render(opcode, payload, final, mask):
    """A client's frame, written here a second time, so that no mistake is made twice."""
    length = len(payload)
    head = struct.pack("!B", opcode | (final << 7))
    if length <= 125:
        head += struct.pack("!B", 0x80 | length)
    elif length <= 0xFFFF:
        head += struct.pack("!BH", 0xFE, length)
    else:
        head += struct.pack("!BQ", 0xFF, length)
    masked = bytearray(payload)
    for index in range(4):
        masked[index::4] = bytes(byte ^ mask[index] for byte in masked[index::4])
    return head + mask + bytes(masked)


MASKS = st.binary(min_size=4, max_size=4)
CONTROL = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))
LONG = st.builds(
    lambda unit, count: (unit * count)[:2500], st.text(max_size=20), st.integers(0, 125)
)
DATA = st.one_of(
    st.tuples(st.just(TEXT), st.text(max_size=40)),
    st.tuples(st.just(TEXT), LONG.map(lambda long: long[:700])),
    st.tuples(st.just(BINARY), st.binary(max_size=300)),
    st.tuples(st.just(BINARY), LONG.map(lambda long: long.encode()[:LIMIT_BYTES])),
)
CLOSING = st.one_of(
    st.just((None, "")),
    st.tuples(
        st.sampled_from([1000, 1001, 1003, 1007, 1011, 1013, 3000, 4999]), st.text(max_size=30)
    ),
)
CUTS = st.lists(st.integers(0, 5000), max_size=30)
SIZES = st.one_of(st.integers(14, 40), st.integers(41, 1100))


@st.composite
def conversations(draw):
    """Return (the stream, the messages it means)."""
    stream = b""
    messages = []
    for kind, content in draw(st.lists(DATA, max_size=5)):
        payload = content.encode() if kind == TEXT else content
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
        ends = cuts + [len(payload)]
        for number, (start, end) in enumerate(zip([0] + cuts, ends)):
            opcode = CONTINUATION if number else kind
            final = number == len(cuts)
            stream += render(opcode, payload[start:end], final, draw(MASKS))
            if final:
                messages.append((kind, content))
            for control, body in draw(st.lists(CONTROL, max_size=2)):
                stream += render(control, body, True, draw(MASKS))
                messages.append((control, body))
    if draw(st.booleans()):
        code, reason = draw(CLOSING)
        payload = b"" if code is None else struct.pack("!H", code) + reason.encode()
        stream += render(CLOSE, payload, True, draw(MASKS))
        messages.append((CLOSE, (code, reason)))
    return stream, messages


@settings(max_examples=500, deadline=None)
@given(conversations(), CUTS, SIZES)
def test_we_deliver_what_was_said_and_what_wsproto_delivers(conversation, cuts, size):
    stream, messages = conversation
    assert ours(stream, cuts, size) == (messages, None)
    peer = Peer().feed(stream)
    assert (peer.messages, peer.error) == (messages, None)


def compare(stream, cuts, size):
    """Read the stream with both; any difference must be one of those named above."""
    messages, error = ours(stream, cuts, size)
    peer = Peer().feed(stream)
    if error == 1009 and peer.error is None:
        # Difference 2: it must have been announced.
        assert messages == peer.messages and peer.announced() > LIMIT_BYTES
        return
    if messages and messages[-1][0] == CLOSE and messages[-1][1][0] == 1014:
        # Difference 3.
        assert peer.error in (1002, 1007)
        assert messages[: len(peer.messages)] == peer.messages
        return
    if error is not None and peer.error is None:
        # Difference 4: what is missing of a header, and a byte of payload.
        peer.feed(bytes(20))
    if peer.error == 1007 and error != 1007:
        # Difference 1: no text after it.
        count = len(peer.messages)
        assert messages[:count] == peer.messages
        assert all(opcode >= CLOSE for opcode, _ in messages[count:])
        return
    assert error == peer.error
    if error == 1007:
        # Difference 1 again: control frames while the broken text went on.
        count = len(peer.messages)
        assert messages[:count] == peer.messages
        assert all(opcode in (PING, PONG) for opcode, _ in messages[count:])
    else:
        assert messages == peer.messages


@st.composite
def mutations(draw):
    """A conversation with some bytes changed, dropped, put in, or its end cut off."""
    stream = bytearray(draw(conversations())[0])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(stream)))
        act = draw(st.integers(0, 4))
        if act == 0:
            stream[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif act == 1 and at < len(stream):
            stream[at] ^= 1 << draw(st.integers(0, 7))
        elif act == 2:
            del stream[at : at + draw(st.integers(1, 9))]
        elif act == 3:
            stream[at:at] = draw(st.binary(max_size=9))
        else:
            del stream[at:]
    return bytes(stream)


# Headers that are almost right, followed by something: these reach every branch often.
ALMOST = st.builds(
    lambda first, second, rest: bytes([first, second]) + rest,
    st.sampled_from([0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A, 0x08, 0x83, 0xC1]),
    st.sampled_from([0x80, 0x81, 0x82, 0x83, 0x84, 0x88, 0xFD, 0xFE, 0xFF, 0x05]),
    st.one_of(
        st.binary(max_size=20),
        # A mask of zeros, so that close codes and text come out as drawn.
        st.integers(990, 5010).map(lambda code: bytes(4) + struct.pack("!H", code)),
        st.text(max_size=3).map(lambda word: bytes(4) + word.encode("utf-8", "surrogatepass")),
        st.integers(0, 300).map(lambda length: struct.pack("!H", length) + bytes(4 + length)),
        st.integers(0, 66000).map(lambda length: struct.pack("!Q", length) + bytes(4)),
    ),
)


@settings(max_examples=1500, deadline=None)
@given(mutations(), CUTS, SIZES)
def test_a_damaged_stream_is_refused_as_by_wsproto(stream, cuts, size):
    compare(stream, cuts, size)


@settings(max_examples=1500, deadline=None)
@given(st.lists(ALMOST, min_size=1, max_size=6).map(b"".join), CUTS, SIZES)
def test_a_stream_of_almost_frames_is_refused_as_by_wsproto(stream, cuts, size):
    compare(stream, cuts, size)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200), CUTS, SIZES)
def test_garbage_is_refused_as_by_wsproto(stream, cuts, size):
    compare(stream, cuts, size)


def test_every_close_code_is_judged_as_by_wsproto():
    for code in range(65536):
        stream = render(CLOSE, struct.pack("!H", code), True, b"mask")
        if code == 1014:
            assert ours(stream, [], 64) == ([(CLOSE, (1014, ""))], None)
        else:
            peer = Peer().feed(stream)
            assert ours(stream, [], 64) == (peer.messages, peer.error), code


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(DATA, CONTROL), max_size=6), CLOSING)
def test_wsproto_reads_what_we_write(messages, closing):
    write = {TEXT: text, PING: ping, PONG: pong, BINARY: lambda payload: frame(BINARY, payload)}
    stream = b"".join([write[opcode](payload) for opcode, payload in messages])
    peer = Peer(client=True).feed(stream + close(*closing))
    assert peer.error is None
    code, reason = closing
    while len(reason.encode()) > 123:
        reason = reason[:-1]
    assert peer.messages == messages + [(CLOSE, (code, reason))]


def test_wsproto_reads_a_long_frame_of_ours():
    for length in (125, 126, 65535, 65536, 70000):
        peer = Peer(client=True).feed(frame(BINARY, b"x" * length))
        assert peer.messages == [(int(Opcode.BINARY), b"x" * length)]
