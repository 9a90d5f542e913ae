"""What waits for one WebSocket peer: bounded, acknowledged by pings."""

from holdfast.wire import websocket
from holdfast.wire.outbox import (
    PING_EVERY_MS,
    PONG_WITHIN_MS,
    QUEUE_FRAMES,
    REPLIES,
    WINDOW_BYTES,
    Outbox,
)

FRAME = b"f" * 200


def nothing():
    return None


def make(refill=nothing):
    return Outbox(refill, 0)


def drain(outbox, now=0):
    """All that may be sent now, pings answered by nobody."""
    frames = []
    while True:
        frame = outbox.next(now)
        if frame is None:
            return frames
        frames.append(frame)


def ping(number):
    return websocket.ping(b"%d" % number)


def test_frames_come_out_in_order():
    outbox = make()
    for frame in (b"1", b"2", b"3"):
        outbox.put(frame)
    assert drain(outbox) == [b"1", b"2", b"3"]


def test_a_reply_comes_before_the_state_and_the_state_before_events():
    state = [b"state"]
    outbox = make(lambda: state.pop() if state else None)
    outbox.put(b"event")
    outbox.reply(b"reply")
    assert drain(outbox) == [b"reply", b"state", b"event"]


def test_no_more_goes_out_than_the_window_until_a_ping_is_answered():
    outbox = make()
    for _ in range(12):
        outbox.put(FRAME)
    sent = drain(outbox)
    assert ping(1) in sent
    assert WINDOW_BYTES <= sum(len(frame) for frame in sent) < WINDOW_BYTES + len(FRAME) + 10
    outbox.acknowledge(b"2", 0)  # not the ping under way
    assert drain(outbox) == []
    outbox.acknowledge(b"1", 0)
    more = drain(outbox)
    assert FRAME in more
    assert ping(2) in more


def test_everything_arrives_in_the_end_whatever_the_sizes():
    for size in (1, 100, 511, 513, 1023, 1024, 1025, 5000):
        outbox = make()
        waiting = [bytes([i % 100 + 27]) * size for i in range(60)]
        expected = list(waiting)
        received = []
        number = 0
        while len(received) < len(expected):
            while waiting and len(outbox._queue) < QUEUE_FRAMES:
                outbox.put(waiting.pop(0))
            sent = drain(outbox)
            assert sent, size  # it never stops for ever
            for frame in sent:
                if frame == ping(number + 1):
                    number += 1
                else:
                    received.append(frame)
            outbox.acknowledge(b"%d" % number, 0)
        assert received == expected


def test_a_peer_that_falls_behind_is_closed_and_told_why():
    outbox = make()
    for _ in range(QUEUE_FRAMES + 1):
        outbox.put(FRAME)
    assert outbox.closing
    assert drain(outbox) == [websocket.close(1008, "events were not read in time")]


def test_a_peer_that_asks_without_reading_is_closed():
    outbox = make()
    for _ in range(REPLIES + 1):
        outbox.reply(b"reply")
    assert outbox.closing


def test_of_several_pings_the_last_is_answered():
    outbox = make()
    outbox.pong(b"1")
    outbox.pong(b"2")
    assert drain(outbox) == [websocket.pong(b"2")]


def test_nothing_follows_a_close():
    outbox = make()
    outbox.put(b"event")
    outbox.close(1000)
    outbox.put(b"event")
    outbox.reply(b"reply")
    outbox.close(1002)
    assert drain(outbox) == [websocket.close(1000)]


def test_an_idle_peer_is_pinged_and_one_that_does_not_answer_is_gone():
    outbox = make()
    assert not outbox.tick(PING_EVERY_MS - 1)
    assert drain(outbox) == []
    assert not outbox.tick(PING_EVERY_MS)
    assert drain(outbox, PING_EVERY_MS) == [ping(1)]
    assert not outbox.tick(PING_EVERY_MS + PONG_WITHIN_MS - 1)
    assert outbox.tick(PING_EVERY_MS + PONG_WITHIN_MS)


def test_a_peer_that_answers_is_pinged_again_later():
    outbox = make()
    outbox.tick(PING_EVERY_MS)
    drain(outbox, PING_EVERY_MS)
    outbox.acknowledge(b"1", PING_EVERY_MS + 5)
    assert not outbox.tick(2 * PING_EVERY_MS + 4)
    assert drain(outbox) == []
    outbox.tick(2 * PING_EVERY_MS + 5)
    assert drain(outbox) == [ping(2)]
