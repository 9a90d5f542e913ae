"""The receive buffer: what goes in comes out, in order, in the same block."""

from claims import raises
from holdfast.wire.buffer import ReceiveBuffer


def unused(buffer):
    return bytes(buffer.view[buffer.start : buffer.end])


def test_a_new_buffer_is_empty_and_all_of_it_is_space():
    buffer = ReceiveBuffer(8)
    assert len(buffer) == 0
    assert len(buffer.space()) == 8
    assert unused(buffer) == b""


def test_what_is_written_into_space_counts_once_it_is_filled():
    buffer = ReceiveBuffer(8)
    buffer.space()[:3] = b"abc"
    assert len(buffer) == 0
    buffer.filled(3)
    assert unused(buffer) == b"abc"
    buffer.space()[:2] = b"de"
    buffer.filled(2)
    assert unused(buffer) == b"abcde"
    assert len(buffer.space()) == 3


def test_feed_is_what_a_socket_does():
    buffer = ReceiveBuffer(8)
    buffer.feed(b"ab")
    buffer.feed(b"")
    buffer.feed(bytearray(b"cd"))
    assert unused(buffer) == b"abcd"
    assert len(buffer) == 4


def test_a_full_buffer_has_no_space_and_takes_no_more():
    buffer = ReceiveBuffer(4)
    buffer.feed(b"abcd")
    assert len(buffer.space()) == 0
    raises(ValueError, buffer.feed, b"e")
    assert unused(buffer) == b"abcd"


def test_what_is_longer_than_the_space_is_refused_whole():
    buffer = ReceiveBuffer(4)
    buffer.feed(b"ab")
    raises(ValueError, buffer.feed, b"cde")
    assert unused(buffer) == b"ab"


def test_compact_frees_all_that_is_used_for_every_start_and_end():
    for end in range(9):
        for start in range(end + 1):
            buffer = ReceiveBuffer(8)
            buffer.feed(b"abcdefgh"[:end])
            buffer.start = start
            left = unused(buffer)
            buffer.compact()
            assert unused(buffer) == left
            assert buffer.start == 0
            assert len(buffer.space()) == 8 - len(left)
            buffer.compact()
            assert unused(buffer) == left


def test_the_block_stays_the_same_block():
    buffer = ReceiveBuffer(8)
    data = buffer.data
    buffer.feed(b"abcdefgh")
    buffer.start = 5
    buffer.compact()
    buffer.feed(b"ijklm")
    assert buffer.data is data
    assert bytes(data) == b"fghijklm"


def test_unload_takes_what_is_not_used_and_load_puts_it_back():
    buffer = ReceiveBuffer(8)
    assert buffer.unload() == b""
    buffer.feed(b"abcdef")
    buffer.start = 2
    rest = buffer.unload()
    assert rest == b"cdef"
    assert len(buffer) == 0 and len(buffer.space()) == 8
    buffer.feed(b"somebody")
    assert buffer.unload() == b"somebody"
    buffer.load(rest)
    assert unused(buffer) == b"cdef"
    assert len(buffer.space()) == 4
    buffer.load(b"")
    assert len(buffer) == 0


def test_clear_forgets_what_is_there():
    buffer = ReceiveBuffer(8)
    buffer.feed(b"abc")
    buffer.clear()
    assert len(buffer) == 0
    assert len(buffer.space()) == 8
