"""Notifications that belong to no uplink, and when what failed is tried again."""

from holdfast.core.notifications import PAUSES_MS, Notifications, next_due, part_of, refuses
from holdfast.core.rules import NOTIFY, OUTGOING


def notify(host="192.0.2.1", target="/", port=80):
    return (NOTIFY, (False, host, port), target, "", "", "")


def put(queue, *actions):
    for one in actions:
        queue.put(one, 0)


def counts(queue):
    return queue.sent, queue.failed, len(queue.waiting)


def test_the_pauses_are_what_was_agreed_with_the_receivers():
    assert PAUSES_MS == (1000, 5000, 15000, 60000)


def test_a_part_by_chance_is_of_sixteen_bits_of_it():
    for number, part in (((0, 0), 0), ((0x80, 0), 500), ((0, 0x80), 1), ((0xFF, 0xFF), 999)):
        assert part_of(1000, lambda n, number=number: bytes(number + (0x55,) * (n - 2))) == part
    # No more is asked for than is used: chance is scarce at the start.
    asked = []
    part_of(1000, lambda n: asked.append(n) or bytes(n))
    assert asked == [2]


def test_which_answers_a_second_try_would_get_again():
    for status, refused in (
        (None, False),
        (399, False),
        (400, True),
        (404, True),
        (407, True),
        (408, False),
        (409, True),
        (428, True),
        (429, False),
        (430, True),
        (499, True),
        (500, False),
    ):
        assert refuses(status) is refused, status


def test_the_first_that_is_due_and_behind_none_to_its_receiver_is_next():
    here, there = (NOTIFY, "here"), (NOTIFY, "there")
    assert next_due([], 100) is None
    assert next_due([(here, 0, 101)], 100) is None
    assert next_due([(here, 0, 100)], 100) == 0
    assert next_due([(here, 0, 101), (here, 0, 1)], 100) is None
    assert next_due([(here, 0, 101), (there, 0, 100), (there, 0, 1)], 100) == 1


def test_what_was_taken_is_sent_and_gone():
    queue = Notifications(lambda n: bytes(n))
    put(queue, notify())
    entry = queue.next(0)
    assert entry[0] == notify() and queue.next(0) is None
    queue.settle(entry, 204, 10)
    assert counts(queue) == (1, 0, 0)


def test_a_failed_one_is_tried_again_with_growing_pauses_and_then_given_up():
    for answer in (None, 500, 302, 408, 429):
        queue = Notifications(lambda n: bytes(n))
        put(queue, notify())
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
        put(queue, notify())
        queue.settle(queue.next(0), answer, 0)
        assert counts(queue) == (0, 1, 0)


def test_one_receiver_s_failure_holds_up_its_own_and_nobody_else_s():
    queue = Notifications(lambda n: bytes(n))
    put(queue, notify(target="/1"), notify(target="/2"), notify("192.0.2.2"), notify(port=81))
    queue.settle(queue.next(0), None, 0)
    assert queue.next(0)[0][1][1] == "192.0.2.2"
    assert queue.next(0)[0][1][2] == 81
    assert queue.next(0) is None
    assert [queue.next(PAUSES_MS[0])[0][2] for _ in range(2)] == ["/1", "/2"]


def test_the_oldest_gives_way():
    queue = Notifications(lambda n: bytes(n))
    put(queue, *[notify(target="/%d" % i) for i in range(OUTGOING + 2)])
    assert counts(queue) == (0, 2, OUTGOING)
    assert queue.next(0)[0][2] == "/2"


def test_one_that_failed_while_others_filled_the_queue_gives_way():
    queue = Notifications(lambda n: bytes(n))
    put(queue, notify(target="/old"))
    entry = queue.next(0)
    put(queue, *[notify() for _ in range(OUTGOING)])
    queue.settle(entry, None, 0)
    assert counts(queue) == (0, 1, OUTGOING)


def test_every_pause_has_a_random_part_of_up_to_half():
    """So that modules that lost the same receiver do not all come back at once."""
    for byte, part in ((0, 0), (128, PAUSES_MS[0] // 4), (255, PAUSES_MS[0] // 2)):
        queue = Notifications(lambda n, byte=byte: bytes([byte]) * n)
        put(queue, notify())
        queue.settle(queue.next(0), None, 0)
        assert abs(queue.waiting[0][2] - PAUSES_MS[0] - part) <= 4


def test_what_counts_as_taken():
    for status, sent in ((199, 0), (200, 1), (299, 1), (300, 0)):
        queue = Notifications(lambda n: bytes(n))
        put(queue, notify())
        queue.settle(queue.next(0), status, 0)
        assert queue.sent == sent, status
