"""Which notification is tried when, and when it is given up, with no uplink to wait for; sending
is in test_e2e_rules.py.
"""

from holdfast.core.links import PAUSES_MS
from holdfast.core.notifications import Notifications
from holdfast.core.rules import NOTIFY, OUTGOING


def action(host="192.0.2.1", target="/", port=80):
    return (NOTIFY, (False, host, port), target, "", "", "")


def put(queue, *actions):
    for one in actions:
        queue.put(one, 0)


def counts(queue):
    return queue.sent, queue.failed, len(queue.waiting)


def test_what_was_taken_is_sent_and_gone():
    queue = Notifications(lambda n: bytes(n))
    put(queue, action())
    entry = queue.next(0)
    assert entry[0] == action() and queue.next(0) is None
    queue.settle(entry, 204, 10)
    assert counts(queue) == (1, 0, 0)


def test_a_failed_one_is_tried_again_with_growing_pauses_and_then_given_up():
    for answer in (None, 500, 302, 408, 429):
        queue = Notifications(lambda n: bytes(n))
        put(queue, action())
        now = 0
        queue.settle(queue.next(now), answer, now)
        for pause in PAUSES_MS:
            assert queue.next(now + pause - 1) is None
            now += pause
            queue.settle(queue.next(now), answer, now)
        assert counts(queue) == (0, 1, 0)


def test_a_receiver_that_refuses_is_not_asked_again():
    for answer in (400, 401, 404, 499):
        queue = Notifications(lambda n: bytes(n))
        put(queue, action())
        queue.settle(queue.next(0), answer, 0)
        assert counts(queue) == (0, 1, 0)


def test_one_receiver_s_failure_holds_up_its_own_and_nobody_else_s():
    queue = Notifications(lambda n: bytes(n))
    put(queue, action(target="/1"), action(target="/2"), action("192.0.2.2"), action(port=81))
    queue.settle(queue.next(0), None, 0)
    assert queue.next(0)[0][1][1] == "192.0.2.2"
    assert queue.next(0)[0][1][2] == 81
    assert queue.next(0) is None
    assert [queue.next(PAUSES_MS[0])[0][2] for _ in range(2)] == ["/1", "/2"]


def test_the_oldest_gives_way():
    queue = Notifications(lambda n: bytes(n))
    put(queue, *[action(target="/%d" % i) for i in range(OUTGOING + 2)])
    assert counts(queue) == (0, 2, OUTGOING)
    assert queue.next(0)[0][2] == "/2"


def test_one_that_failed_while_others_filled_the_queue_gives_way():
    queue = Notifications(lambda n: bytes(n))
    put(queue, action(target="/old"))
    entry = queue.next(0)
    put(queue, *[action() for _ in range(OUTGOING)])
    queue.settle(entry, None, 0)
    assert counts(queue) == (0, 1, OUTGOING)


def test_every_pause_has_a_random_part_of_up_to_half():
    """So that modules that lost the same receiver do not all come back at once."""
    for byte, part in ((0, 0), (128, PAUSES_MS[0] // 4), (255, PAUSES_MS[0] // 2)):
        queue = Notifications(lambda n, byte=byte: bytes([byte]) * n)
        put(queue, action())
        queue.settle(queue.next(0), None, 0)
        assert abs(queue.waiting[0][2] - PAUSES_MS[0] - part) <= 4


def test_what_counts_as_taken():
    for status, sent in ((199, 0), (200, 1), (299, 1), (300, 0)):
        queue = Notifications(lambda n: bytes(n))
        put(queue, action())
        queue.settle(queue.next(0), status, 0)
        assert queue.sent == sent, status
