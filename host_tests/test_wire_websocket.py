"""What a WebSocket client may send and what it may not (RFC 6455), at every cut of the stream."""

from claims import raises
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
    accept_key,
    check_handshake,
    close,
    frame,
    ping,
    pong,
    text,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x37\xfa\x21\x3d"
LIMIT = 300
ERROR = "error"


def client(opcode, payload=b"", final=True, reserved=0, width=None, mask=MASK):
    """Build a client's frame; `width` forces the bytes of its length, mask None is no mask."""
    length = len(payload)
    if width is None:
        width = 0 if length < 126 else 2 if length < 65536 else 8
    short = {0: length, 2: 126, 8: 127}[width]
    head = bytes([(0x80 if final else 0) | reserved | opcode, (0x80 if mask else 0) | short])
    if width:
        head += length.to_bytes(width, "big")
    if not mask:
        return head + payload
    return head + mask + bytes([byte ^ mask[at % 4] for at, byte in enumerate(payload)])


def closing(code, reason=b""):
    return client(CLOSE, code.to_bytes(2, "big") + reason)


def drain(reader, got):
    """Collect what the reader has; an error as (ERROR, code). It must stop, whatever it reads."""
    for _ in range(1000):
        try:
            message = reader.next()
        except WebSocketError as error:
            message = (ERROR, error.code)
        if message is None:
            return
        got.append(message)
    raise AssertionError("no end")


def fed(chunks, limit=LIMIT, size=64, dropped=0):
    """Feed the chunks through a buffer of `size` bytes; return all that came out. dropped: the
    longest message that the reader drops because it is too long.
    """
    buffer = ReceiveBuffer(size)
    reader = MessageReader(buffer, limit, dropped)
    got = []
    for chunk in chunks:
        while chunk:
            count = min(len(buffer.space()), len(chunk))
            assert count, "asks for more, but has no space"
            buffer.feed(chunk[:count])
            chunk = chunk[count:]
            drain(reader, got)
    return got


def claim(stream, expected, limit=LIMIT):
    """The stream gives what is expected: whole, byte by byte, and cut at every position."""
    for size in (14, 64, len(stream) + 1):
        if size >= 14:
            assert fed([stream], limit, size) == expected, (size, fed([stream], limit, size))
            assert fed([stream[at : at + 1] for at in range(len(stream))], limit, size) == expected
    for cut in range(1, len(stream)):
        got = fed([stream[:cut], stream[cut:]], limit, 512)
        assert got == expected, (cut, got)


def refused(code, stream, limit=LIMIT, after=()):
    """The stream is refused with that code, after what came before; what follows is dropped."""
    claim(client(TEXT, b"a") + stream, [(TEXT, "a")] + list(after) + [(ERROR, code)], limit)
    claim(stream + client(TEXT, b"b"), list(after) + [(ERROR, code)], limit)


def test_the_examples_of_rfc_6455_are_read():
    claim(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", [(TEXT, "Hello")])
    claim(b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", [(PONG, b"Hello")])
    claim(client(TEXT, b"Hel", final=False) + client(0, b"lo"), [(TEXT, "Hello")])
    claim(client(PING, b"Hello"), [(PING, b"Hello")])
    payload = bytes(range(256))
    stream = client(BINARY, payload)
    assert stream[:4] == b"\x82\xfe\x01\x00"
    claim(stream, [(BINARY, payload)])


def test_the_examples_of_rfc_6455_are_written():
    assert text("Hello") == b"\x81\x05Hello"
    assert ping(b"Hello") == b"\x89\x05Hello"
    assert pong(b"Hello") == b"\x8a\x05Hello"
    assert frame(BINARY, bytes(256)) == b"\x82\x7e\x01\x00" + bytes(256)
    long = frame(BINARY, bytes(65536))
    assert long[:10] == b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" and len(long) == 65546
    assert isinstance(text("Hello"), bytes) and isinstance(long, bytes)


def test_a_64_kilobyte_frame_is_read_through_a_small_buffer():
    payload = bytes(range(256)) * 256
    stream = client(BINARY, payload)
    assert stream[:10] == b"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00"
    for size, step in ((14, 65536), (1000, 777), (1024, 1024), (70000, 70000)):
        chunks = [stream[at : at + step] for at in range(0, len(stream), step)]
        assert fed(chunks, 65536, size) == [(BINARY, payload)], (size, step)


def test_lengths_are_written_in_the_shortest_form():
    assert frame(TEXT, bytes(125))[:3] == b"\x81\x7d\x00"
    assert frame(TEXT, bytes(126))[:5] == b"\x81\x7e\x00\x7e\x00"
    assert frame(TEXT, bytes(65535))[:5] == b"\x81\x7e\xff\xff\x00"
    assert frame(TEXT, b"") == b"\x81\x00"


def test_messages_around_every_boundary_of_length_are_read():
    for length in (0, 1, 3, 4, 5, 125, 126, 127, 255, 256, 257, 260, 511, 513, 1000):
        payload = bytes([48 + at % 75 for at in range(length)])
        stream = client(TEXT, payload) + client(PING, b"p")
        expected = [(TEXT, payload.decode()), (PING, b"p")]
        for size in (14, 15, 17, 64, 300, 1100):
            for step in (1, 2, 3, 5, 7, 255, 257, 2000):
                chunks = [stream[at : at + step] for at in range(0, len(stream), step)]
                assert fed(chunks, 1000, size) == expected, (length, size, step)


def test_payloads_have_the_types_promised():
    messages = fed([client(BINARY, b"b" * 90) + client(PING, b"p") + client(PONG)], size=20)
    assert [type(payload) for _, payload in messages] == [bytes, bytes, bytes]
    messages = fed([client(BINARY, b"b" * 290)], size=400)
    assert [type(payload) for _, payload in messages] == [bytes]


def test_a_mask_of_zeros_and_one_of_ones_are_masks():
    claim(client(TEXT, b"zeros", mask=bytes(4)), [(TEXT, "zeros")])
    claim(client(TEXT, b"\x7f\x00", mask=b"\xff" * 4), [(TEXT, "\x7f\0")])


def test_bytes_left_over_from_the_handshake_are_read():
    buffer = ReceiveBuffer(64)
    buffer.feed(b"GET" + client(TEXT, b"early") + client(TEXT, b"bird")[:3])
    buffer.start += 3
    reader = MessageReader(buffer, LIMIT)
    assert reader.next() == (TEXT, "early")
    assert reader.next() is None and buffer.start == 0 and len(buffer) == 3
    buffer.feed(client(TEXT, b"bird")[3:])
    assert reader.next() == (TEXT, "bird")
    assert reader.next() is None and len(buffer.space()) == 64


def test_several_messages_in_one_chunk_come_one_by_one():
    stream = client(TEXT, b"1") + client(PING) + client(BINARY, b"2") + client(TEXT)
    claim(stream, [(TEXT, "1"), (PING, b""), (BINARY, b"2"), (TEXT, "")])


def test_fragments_are_put_together():
    stream = client(BINARY, b"abc", final=False)
    stream += client(CONTINUATION, b"defg", final=False, mask=b"1234")
    stream += client(CONTINUATION, b"hi", mask=b"qwer")
    claim(stream + client(TEXT, b"next"), [(BINARY, b"abcdefghi"), (TEXT, "next")])


def test_empty_fragments_are_fragments():
    empty = client(CONTINUATION, final=False)
    claim(client(TEXT, final=False) + empty + client(CONTINUATION), [(TEXT, "")])
    stream = client(TEXT, final=False) + empty * 5 + client(CONTINUATION, b"x", final=False)
    claim(stream + empty + client(CONTINUATION), [(TEXT, "x")])


def test_a_fragmented_message_larger_than_the_buffer_is_read():
    part = b"0123456789" * 9
    stream = client(BINARY, part, final=False) + client(0, part, final=False) + client(0, part)
    for size in (14, 50, 100, 290):
        assert fed([stream], LIMIT, size) == [(BINARY, part * 3)]


def test_control_frames_between_fragments_come_in_between():
    stream = client(TEXT, b"a", final=False) + client(PING, b"now")
    stream += client(CONTINUATION, b"b", final=False) + client(PONG) + client(CONTINUATION, b"c")
    claim(stream, [(PING, b"now"), (PONG, b""), (TEXT, "abc")])


def test_the_longest_control_frame_is_read():
    claim(client(PING, b"p" * 125), [(PING, b"p" * 125)])
    claim(closing(1000, b"r" * 123), [(CLOSE, (1000, "r" * 123))])


def test_a_control_frame_does_not_disturb_a_message_under_way():
    stream = client(TEXT, b"start", final=False) + client(PING, b"p" * 100)
    claim(stream + client(CONTINUATION, b"end"), [(PING, b"p" * 100), (TEXT, "startend")])


def test_a_close_between_fragments_ends_all():
    stream = client(TEXT, b"a", final=False) + closing(1001) + client(CONTINUATION, b"b")
    claim(stream, [(CLOSE, (1001, ""))])


def test_after_a_close_all_is_dropped():
    claim(client(CLOSE) + client(TEXT, b"late"), [(CLOSE, (None, ""))])
    claim(closing(1000, b"bye") + b"\xff" * 40, [(CLOSE, (1000, "bye"))])


def test_a_frame_without_mask_is_refused():
    refused(1002, client(TEXT, b"plain", mask=None))
    refused(1002, client(PING, mask=None))


def test_reserved_bits_are_refused():
    for reserved in (0x40, 0x20, 0x10, 0x70):
        refused(1002, client(TEXT, b"x", reserved=reserved))
        refused(1002, client(PING, reserved=reserved))


def test_reserved_opcodes_are_refused():
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        refused(1002, client(opcode, b"x"))
        refused(1002, client(TEXT, b"a", final=False) + client(opcode, b"x"))


def test_fragmented_control_frames_are_refused():
    for opcode in (CLOSE, PING, PONG):
        refused(1002, client(opcode, final=False))


def test_long_control_frames_are_refused():
    for opcode in (CLOSE, PING, PONG):
        refused(1002, client(opcode, b"\x03\xe8" + b"p" * 124))
        refused(1002, client(opcode, b"p", width=2))


def test_a_continuation_of_nothing_is_refused():
    refused(1002, client(CONTINUATION, b"x"))
    refused(1002, client(CONTINUATION, b"x", final=False))
    # Also after a message that was complete.
    stream = client(TEXT, b"a", final=False) + client(CONTINUATION, b"b") + client(CONTINUATION)
    refused(1002, stream, after=[(TEXT, "ab")])


def test_a_new_message_inside_a_message_is_refused():
    for opcode in (TEXT, BINARY):
        refused(1002, client(TEXT, b"a", final=False) + client(opcode, b"b"))
        refused(1002, client(TEXT, final=False) + client(opcode, b"b", final=False))


def test_lengths_not_in_the_shortest_form_are_refused():
    for length in (0, 1, 125):
        refused(1002, client(TEXT, b"x" * length, width=2))
        refused(1002, client(TEXT, b"x" * length, width=8))
    refused(1002, client(BINARY, b"x" * 126, width=8))
    refused(1002, b"\x82\xff" + (65535).to_bytes(8, "big") + MASK)


def test_a_length_with_the_top_bit_is_refused():
    refused(1002, b"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01" + MASK)
    refused(1002, b"\x82\xff" + b"\xff" * 8 + MASK)


def test_a_message_of_the_limit_is_read_and_one_byte_more_is_refused():
    claim(client(BINARY, b"x" * LIMIT), [(BINARY, b"x" * LIMIT)])
    claim(client(TEXT, b"x" * 5), [(TEXT, "xxxxx")], limit=5)
    refused(1009, client(BINARY, b"x" * 6), limit=5)
    claim(client(TEXT, b""), [(TEXT, "")], limit=0)


def test_a_message_too_long_is_refused_by_its_header():
    for length in (LIMIT + 1, 65535):
        claim(b"\x82\xfe" + length.to_bytes(2, "big") + MASK, [(ERROR, 1009)])
    for length in (65536, 1 << 31, 1 << 62, (1 << 63) - 1):
        claim(b"\x82\xff" + length.to_bytes(8, "big") + MASK, [(ERROR, 1009)])


def test_the_limit_is_for_the_sum_of_the_fragments():
    parts = client(BINARY, b"x" * 4, final=False) + client(CONTINUATION, b"x" * 4, final=False)
    claim(parts + client(CONTINUATION, b"xx"), [(BINARY, b"x" * 10)], limit=10)
    header = client(CONTINUATION, b"xxx")[:6]
    claim(parts + header, [(ERROR, 1009)], limit=10)
    claim(parts + client(PING, b"p" * 20) + header, [(PING, b"p" * 20), (ERROR, 1009)], limit=10)


def test_the_limit_is_not_for_control_frames():
    claim(client(PING, b"p" * 20), [(PING, b"p" * 20)], limit=10)


def test_text_is_utf_8_also_when_cut_inside_a_character():
    word = "κόσμε €𐍈\U0010ffff\ud7ff\ue000"
    data = word.encode()
    claim(client(TEXT, data), [(TEXT, word)])
    for cut in range(len(data) + 1):
        stream = client(TEXT, data[:cut], final=False) + client(CONTINUATION, data[cut:])
        assert fed([stream]) == [(TEXT, word)], cut


def test_text_that_is_not_utf_8_is_refused():
    for data in (
        b"\x80",
        b"\xc3",
        b"\xc3(",
        b"\xc0\xaf",
        b"\xc1\x80",
        b"\xe0\x80\xaf",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x80\x80\xaf",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xff",
    ):
        refused(1007, client(TEXT, b"ok " + data))
        refused(1007, client(TEXT, data, final=False) + client(CONTINUATION, b"ok"))
        refused(1007, closing(1000, data))
        claim(client(BINARY, data), [(BINARY, data)])
    refused(1007, client(TEXT, b"x" * 280 + b"\xc0\xaf"))


def test_close_has_a_code_and_a_reason_or_nothing():
    claim(client(CLOSE), [(CLOSE, (None, ""))])
    claim(closing(1000), [(CLOSE, (1000, ""))])
    claim(closing(4000, "grüezi".encode()), [(CLOSE, (4000, "grüezi"))])
    refused(1002, client(CLOSE, b"\x03"))


def test_close_codes_that_may_be_sent_are_read():
    codes = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014)
    for code in codes + (3000, 3999, 4000, 4999):
        claim(closing(code), [(CLOSE, (code, ""))])


def test_close_codes_that_may_not_be_sent_are_refused():
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        refused(1002, closing(code))


def test_the_error_tells_code_and_reason_and_comes_once():
    buffer = ReceiveBuffer(64)
    reader = MessageReader(buffer, LIMIT)
    buffer.feed(client(TEXT, b"plain", mask=None))
    error = raises(WebSocketError, reader.next)
    assert error.code == 1002 and error.reason == "no mask"
    for _ in range(3):
        assert reader.next() is None and len(buffer.space()) == 64
        buffer.feed(client(TEXT, b"more"))


def test_a_read_of_nothing_changes_nothing():
    buffer = ReceiveBuffer(64)
    reader = MessageReader(buffer, LIMIT)
    assert reader.next() is None
    stream = client(TEXT, b"slowly")
    for at in range(len(stream)):
        buffer.feed(b"")
        assert reader.next() is None
        buffer.feed(stream[at : at + 1])
    assert reader.next() == (TEXT, "slowly")


def test_what_is_written_is_what_is_said():
    assert text("") == b"\x81\x00"
    assert text("é") == b"\x81\x02\xc3\xa9"
    assert frame(BINARY, b"\0\1") == b"\x82\x02\0\1"
    assert ping() == b"\x89\x00" and pong() == b"\x8a\x00"
    assert close(1000) == b"\x88\x02\x03\xe8"
    assert close(1002, "no") == b"\x88\x04\x03\xeano"
    assert close() == b"\x88\x00" and close(None) == b"\x88\x00"


def test_a_close_reason_is_cut_between_characters():
    assert close(1000, "x" * 200) == b"\x88\x7d\x03\xe8" + b"x" * 123
    assert close(1000, "x" * 123) == b"\x88\x7d\x03\xe8" + b"x" * 123
    assert close(1000, "é" * 62) == b"\x88\x7c\x03\xe8" + "é".encode() * 61
    assert close(1000, "x" + "é" * 61) == b"\x88\x7d\x03\xe8x" + "é".encode() * 61
    assert close(1000, "x" + "€" * 41) == b"\x88\x7b\x03\xe8x" + "€".encode() * 40
    assert close(1000, "xxx" + "𐍈" * 31) == b"\x88\x7d\x03\xe8xxx" + "𐍈".encode() * 30
    assert close(1000, "𐍈" * 31) == b"\x88\x7a\x03\xe8" + "𐍈".encode() * 30


def test_the_accept_key_is_that_of_rfc_6455():
    assert accept_key(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert accept_key(KEY.encode()) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_valid_handshake_has_no_problem():
    assert check_handshake("GET", "13", KEY, "websocket", "Upgrade") is None
    assert check_handshake("GET", "13", KEY, "WebSocket", "keep-alive, Upgrade") is None
    assert check_handshake("GET", "13", KEY, "h2c,\tWEBSOCKET", "upgrade ,close") is None
    assert check_handshake("GET", "13", "A" * 22 + "==", "websocket", "upgrade") is None


def test_another_version_is_told_apart():
    for version in ("12", "8", "0", "", "013", "13, 8", "x"):
        assert check_handshake("GET", version, KEY, "websocket", "Upgrade")[0] == 426, version
    assert check_handshake("GET", None, KEY, "websocket", "Upgrade")[0] == 400


def test_a_handshake_needs_all_its_parts():
    for method in ("POST", "HEAD", "get"):
        assert check_handshake(method, "13", KEY, "websocket", "Upgrade")[0] == 400
    for upgrade in (None, "", "h2c", "websockets", "web socket", "websocket/13"):
        assert check_handshake("GET", "13", KEY, upgrade, "Upgrade")[0] == 400, upgrade
    for connection in (None, "", "keep-alive", "upgrades", "close"):
        assert check_handshake("GET", "13", KEY, "websocket", connection)[0] == 400, connection


def test_a_key_is_16_bytes_in_base64():
    for key in (
        None,
        "",
        "==",
        "A" * 24,
        "A" * 23 + "=",
        "A" * 20 + "====",
        "A" * 20 + "==",
        "A" * 18 + "==",
        "A" * 26 + "==",
        "A" * 21 + "!==",
        "A" * 21 + " ==",
        " " + "A" * 21 + "==",
        "A" * 10 + "=" + "A" * 11 + "==",
        "A" * 9 + "==" + "A" * 11 + "==",
        "A" * 21 + "\xe9==",
        "A" * 21 + "=A=",
        "A" * 22 + "=!",
        "A" * 22 + "!!",
        KEY + ", " + KEY,
    ):
        problem = check_handshake("GET", "13", key, "websocket", "Upgrade")
        assert problem and problem[0] == 400, key


def test_a_message_that_is_too_long_is_dropped_as_it_comes():
    whole = client(TEXT, b"x" * (LIMIT + 1))
    parts = client(BINARY, b"x" * LIMIT, final=False) + client(PING, b"p")
    parts += client(0, b"\xff", final=False) + client(0, b"", final=False)
    parts += client(PING, b"q") + client(0, b"x" * (2 * LIMIT - 1))
    late = client(TEXT, b"x" * (LIMIT + 1), final=False) + client(0, b"x", final=True)
    for stream, expected in (
        (whole, [(TEXT, None)]),
        (parts, [(PING, b"p"), (PING, b"q"), (BINARY, None)]),
        (late, [(TEXT, None)]),
    ):
        stream = stream + client(TEXT, b"next") + whole + client(BINARY, b"last")
        expected = expected + [(TEXT, "next"), (TEXT, None), (BINARY, b"last")]
        for size in (14, 64, 4096):
            for step in (1, 7, 13, 5000):
                chunks = [stream[at : at + step] for at in range(0, len(stream), step)]
                assert fed(chunks, size=size, dropped=3 * LIMIT) == expected, (size, step)


def test_a_message_is_dropped_up_to_a_limit():
    limit = 3 * LIMIT
    assert fed([client(TEXT, b"x" * limit)], dropped=3 * LIMIT) == [(TEXT, None)]
    error = [(ERROR, 1009)]
    assert (
        fed([client(TEXT, b"x" * (limit + 1))[:8]], dropped=3 * LIMIT) == error
    )  # its header says so
    endless = client(TEXT, b"x" * limit, final=False) + client(0, b"", final=False)
    assert fed([endless + client(0, b"x")[:6]], dropped=3 * LIMIT) == error
    # What is wrong beside the length is told as ever.
    begun = client(TEXT, b"x" * (LIMIT + 1), final=False)
    assert fed([begun + client(TEXT, b"y")], dropped=3 * LIMIT) == [(ERROR, 1002)]
