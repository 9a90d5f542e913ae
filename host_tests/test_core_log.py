"""The event log: numbered, bounded, and nobody from outside pushes out what matters."""

from claims import raises
from holdfast.core.events import VIRTUAL_INPUT
from holdfast.core.log import (
    ALARM,
    BURST,
    BYPASS,
    CLOCK,
    DAY_MS,
    DELAY,
    FAILED,
    HEAP,
    HOUR_MS,
    KINDS,
    LOGIN,
    NETWORK,
    NOTIFICATION,
    REFILL_MS,
    RELEASE,
    RESET,
    RETURN,
    RULES,
    SETTINGS,
    STRAY,
    TLS,
    TRIP,
    Log,
)
from holdfast.core.reconfigure import release
from holdfast.core.rules import BURST as FIRINGS
from holdfast.rest.log import NAMES
from makers import module, turn


def texts(log, book=0):
    return [(NAMES[entry[3]], entry[4]) for entry in log.books[book].waiting]


def write_out(log, now):
    """What the shell does when a book is due, with flash that always works."""
    book = log.due(now)
    if book is not None:
        log.wear(book, 100)
        book.wrote(len(book.waiting))
    return book


def test_entries_are_numbered_across_both_books():
    log = Log()
    log.add(TRIP, "a", 5, 2)
    log.add(LOGIN, "b", 6)
    log.add(RETURN, "c", 7)
    assert log.books[0].waiting == [(1, 5, 2, TRIP, "a"), (3, 7, 0, RETURN, "c")]
    assert log.books[1].waiting == [(2, 6, 0, LOGIN, "b")]


def test_long_texts_and_odd_lateness_are_bounded():
    log = Log()
    log.add(TRIP, "x" * 1000, 5, 1 << 40)
    log.add(TRIP, "y", 5, -7)
    assert [(len(entry[4]), entry[2]) for entry in log.books[0].waiting] == [(96, 65535), (1, 0)]


def test_an_attacker_gets_four_lines_an_hour_and_is_counted():
    log = Log()
    log.add(TRIP, "matters", 0)
    for i in range(100000):
        log.add(LOGIN, "guess", i)
    assert texts(log) == [("trip", "matters")]
    assert len(texts(log, 1)) == 4
    log.turn(HOUR_MS)
    assert texts(log, 1)[-1] == ("login refused", "99996 more of these within an hour")
    log.add(LOGIN, "guess", HOUR_MS + 1)
    assert len(texts(log, 1)) == 6


def test_what_waits_is_bounded_and_the_oldest_gives_way():
    log = Log()
    for hour in range(10):
        for i in range(12):
            log.add(TRIP, "%d" % i, hour * HOUR_MS + i)
    assert len(log.books[0].waiting) == 24
    assert log.books[0].waiting[-1][0] == log.number == 120
    assert log.lost == 96


def test_writes_are_bounded_whatever_happens():
    """Ten days of an attack with everything at once: the number of writes, by simulation. Every
    ten seconds of the first two hours, then as often as uses up what an hour allows.
    """
    log = Log()
    writes = [0, 0]
    days = 10
    day = 24 * HOUR_MS
    for now in list(range(0, day // 12, 10000)) + list(range(day // 12, days * day, 300000)):
        for kind in range(len(NAMES)):
            log.add(kind, "attack", now)
        book = write_out(log, now)
        if book is not None:
            writes[book.index] += 1
    for index in (0, 1):
        most = BURST[index] + days * 24 * HOUR_MS // REFILL_MS[index]
        assert writes[index] <= most
    assert sum(writes) <= 18 + days * 60
    assert log.writes == sum(writes)
    assert log.writes_today <= 60


def test_nothing_to_say_is_nothing_to_write():
    log = Log()
    for now in range(0, 48 * HOUR_MS, 60000):
        assert log.due(now) is None


def test_a_book_waits_for_more_to_go_with_the_first():
    log = Log()
    log.add(TRIP, "a", 1000)
    assert log.due(2999) is None
    assert log.due(3000) is log.books[0]
    log.books[0].failed(3000)
    assert log.due(3000 + 599999) is None
    assert log.due(3000 + 600000) is log.books[0]


def test_a_start_waits_and_gives_nobody_more_writes():
    log = Log()
    log.books[0].left = 1
    log.opened(7, 3, 300, 0)
    log.add(TRIP, "a", 0)
    assert log.number == 8
    assert log.due(9999) is None
    assert write_out(log, 10000) is log.books[0]
    log.add(TRIP, "b", 10000)
    assert log.due(REFILL_MS[0] - 1) is None
    assert log.due(REFILL_MS[0]) is log.books[0]


def test_no_master_uses_up_what_another_is_allowed():
    """Heartbeats with the least Duration: the losses of one master, and the one of another."""
    log = Log()
    for i in range(100):
        log.add(TRIP, "lost", i, 0, "fast")
    log.add(TRIP, "lost", 100, 0, "door")
    assert texts(log) == [("trip", "fast: lost")] * 12 + [("trip", "door: lost")]
    log.turn(HOUR_MS)
    assert texts(log)[13:] == [("trip", "fast: 88 more of these within an hour")]
    for master in ("fast", "door", None):
        log.add(TRIP, "lost", HOUR_MS, 0, master)
    assert len(texts(log)) == 17


def test_when_the_main_book_is_full_the_busiest_master_gives_way():
    log = Log()
    log.add(TRIP, "first", 0, 0, "door")
    log.add(TRIP, "second", 0, 0, "door")
    for kind in (TRIP, RETURN, RELEASE):
        for i in range(12):
            log.add(kind, "%d" % i, 1, 0, "fast")
    left = texts(log)
    assert left[:2] == [("trip", "door: first"), ("trip", "door: second")]
    assert left[2:] == [("return", "fast: %d" % i) for i in range(2, 12)] + [
        ("release", "fast: %d" % i) for i in range(12)
    ]
    assert (len(left), log.lost) == (24, 14)
    # What was written gives way no more.
    log.books[0].wrote(2)
    log.books[0].put((0, 1, 0, TRIP, "x"), 1, "door")
    log.books[0].put((0, 1, 0, TRIP, "x"), 1, "door")
    log.books[0].put((0, 1, 0, TRIP, "x"), 1, "door")
    assert texts(log)[0] == ("return", "fast: 3") and texts(log)[-1] == ("trip", "x")


def test_what_strangers_cause_is_counted_by_its_kind_whoever_it_is_of():
    log = Log()
    for i in range(10):
        log.add(RULES, "fired too often", 0, 0, "rule %d" % i)
    assert len(texts(log, 1)) == 4


def test_so_many_masters_that_they_are_not_counted_apart_are_counted_together():
    """Accounts come and go: what is counted in an hour stays bounded."""
    log = Log()
    for i in range(1000):
        log.add(TRIP, "lost", 0, 0, "m%d" % i)
    assert len(log._counts) == 65
    log.turn(HOUR_MS)
    assert texts(log)[-1] == ("trip", "%d more of these within an hour" % (1000 - 64 - 12))
    assert log._counts == {}


def test_a_full_heap_costs_the_entry_and_raises_nothing():
    log = Log()

    class Full:
        def __getitem__(self, key):
            raise MemoryError

    log.add(TRIP, Full(), 0)
    assert (log.lost, log.number) == (1, 0)


def logged(ports=None, **more):
    subject = module(ports, **more)
    subject.log = Log()
    return subject


def test_trips_with_when_they_were_due_and_returns_are_noted():
    subject = logged()
    subject.heartbeat("a", 100, 0)
    turn(subject, 150)
    assert subject.log.books[0].waiting == [(1, 150, 49, TRIP, "a: no heartbeat for 100 ms")]
    subject.heartbeat("a", 100, 200)
    subject.heartbeat("a", 100, 210)
    assert texts(subject.log)[1:] == [("return", "a: heartbeats again")]


def test_beats_note_nothing():
    subject = logged()
    for now in range(0, 1000000, 1000):
        subject.heartbeat("a", 5000, now)
        turn(subject, now)
    assert subject.log.number == 0
    assert subject.log.due(10000000) is None


def test_a_release_says_who():
    subject = logged()
    subject.heartbeat("a", 100, 0)
    turn(subject, 150)
    release(subject, "a", 200, "root")
    assert subject.log.books[0].waiting[-1][3:] == (RELEASE, "a: not awaited any more, says root")


def test_a_failed_turn_is_noted():
    subject = logged()
    subject.heartbeat("a", 100, 0)
    subject.fail(10)
    turn(subject, 11)
    kinds = [entry[3] for entry in subject.log.books[0].waiting]
    assert kinds == [TRIP, FAILED]


def test_a_rule_that_must_rest_is_noted_once():
    topic = "tns1:Device/tnsaxis:IO/VirtualInput"
    subject = logged(
        actions={
            "1": {
                "template": "com.axis.action.fixed.io.toggle",
                "parameters": {"port": "2", "state": "high", "duration": ""},
            }
        },
        rules={"1": {"name": "r", "action": "1", "start": {"topic": topic}}},
    )
    for i in range(3 * FIRINGS):
        subject.switch(VIRTUAL_INPUT, 1, i % 2 == 0, None, i)
        subject.tell(i)
        subject.rules.react(subject.events.take(), i)
    assert [entry[3] for entry in subject.log.books[1].waiting] == [RULES]


def test_numbers_and_names_are_those_that_stand_in_flash():
    kinds = (TRIP, RETURN, RELEASE, RESET, SETTINGS, FAILED, LOGIN, HEAP, NETWORK, CLOCK, RULES)
    kinds += (NOTIFICATION, TLS, ALARM, BYPASS, STRAY, DELAY)
    assert kinds == tuple(range(17)) and len(NAMES) == KINDS == 17
    assert (HOUR_MS, DAY_MS) == (3600000, 86400000)
    assert (BURST, REFILL_MS) == ((16, 2), (1800000, 7200000))


def test_a_new_log_has_nothing_and_knows_of_no_file():
    log = Log()
    assert (log.number, log.lost, log.writes, log.bytes, log.failures) == (0, 0, 0, 0, 0)
    assert (log.writes_today, log.bytes_today) == (0, 0)
    for index in (0, 1):
        book = log.books[index]
        assert (book.index, book.segment, book.used, book.waiting) == (index, 0, None, [])
        assert book.left == BURST[index]
        assert book.due(10**9) is False


def test_each_book_keeps_so_many_and_the_oldest_gives_way():
    for index, kept in ((0, 24), (1, 12)):
        book = Log().books[index]
        gone = [book.put((i, 0, 0, 0, ""), 0) for i in range(kept + 2)]
        assert gone == [0] * kept + [1, 1]
        assert [entry[0] for entry in book.waiting] == list(range(2, kept + 2))


def test_the_first_that_waits_is_written_after_so_long_and_the_next_one_waits_anew():
    for index, gather in ((0, 2000), (1, 60000)):
        book = Log().books[index]
        book.put("a", 5)
        book.put("b", 6)
        assert not book.due(gather + 4) and book.due(gather + 5)
        book.wrote(1)
        assert book.waiting == ["b"] and book.due(gather + 5)
        book.wrote(1)
        assert book.waiting == [] and not book.due(gather * 9)
        book.put("c", gather * 9)
        assert not book.due(gather * 10 - 1) and book.due(gather * 10)


def test_before_a_start_nothing_holds_a_book():
    book = Log().books[0]
    book.put("a", -2000)
    assert book.due(0)  # nothing is awaited but time
    book = Log().books[0]
    book.put("a", -3000)
    assert not book.due(-1)


def test_without_memory_entries_and_masters_stay_in_step():
    class Full(list):
        def append(self, entry):
            raise MemoryError

    book = Log().books[0]
    book.waiting = Full()
    assert raises(MemoryError, book.put, "a", 0, "m")
    book.waiting = []
    for i in range(24):
        book.put(i, 0, "n" if i else None)
    book.put(24, 0)
    # The oldest of the master with most of them, not another one beside it.
    assert book.waiting == [0] + list(range(2, 25))  # noqa: RUF005 not on MicroPython


def test_without_memory_for_the_count_the_entry_is_lost_and_counted():
    class Unknown:
        def __hash__(self):
            raise MemoryError

    log = Log()
    for lost in (1, 2):
        log.add(TRIP, "a", 0, 0, Unknown())
        assert (log.lost, log.number) == (lost, 0)


def test_what_is_told_as_one_is_lost_as_so_many():
    class Full:
        def __mod__(self, more):
            raise MemoryError

        def __getitem__(self, key):
            raise MemoryError

    log = Log()
    log.put(TRIP, Full(), 0, 0, 7)
    assert (log.lost, log.number) == (7, 0)
    log.put(TRIP, Full(), 0)
    assert (log.lost, log.number) == (8, 0)


def test_who_is_counted_already_is_counted_on_when_the_table_is_full():
    log = Log()
    for i in range(64):
        log.add(TRIP, "a", 0, 0, "m%d" % i)
    for _ in range(12):
        log.add(TRIP, "b", 0, 0, "m1")
    log.turn(HOUR_MS)
    assert texts(log)[-1] == ("trip", "m1: 1 more of these within an hour")


def test_hours_begin_at_the_hour_and_what_was_only_counted_is_dated_at_their_end():
    log = Log()
    now = 7 * HOUR_MS + 5
    for _ in range(13):
        log.add(TRIP, "a", now)
    log.turn(8 * HOUR_MS - 1)
    assert log.number == 12
    log.turn(8 * HOUR_MS)
    assert log.books[0].waiting[-1][:4] == (13, 8 * HOUR_MS, 0, TRIP)
    assert texts(log)[-1] == ("trip", "1 more of these within an hour")
    for _ in range(12):
        log.add(TRIP, "a", 8 * HOUR_MS)
    assert log.number == 25
    for _ in range(2):
        log.add(LOGIN, "a", 9 * HOUR_MS - 1)
    log.due(9 * HOUR_MS)  # a look is a turn, too
    assert log._counts == {}


def test_wear_is_counted_for_ever_and_by_day():
    log = Log()
    log.opened(3, 100, 5000, 0)
    assert (log.writes, log.bytes, log.writes_today, log.bytes_today) == (100, 5000, 0, 0)
    log.wear(log.books[0], 60)
    log.wear(log.books[0], 40)
    assert (log.writes, log.bytes, log.writes_today, log.bytes_today) == (102, 5100, 2, 100)
    log.turn(DAY_MS - 1)
    assert (log.writes_today, log.bytes_today) == (2, 100)
    log.turn(DAY_MS)
    assert (log.writes, log.bytes, log.writes_today, log.bytes_today) == (102, 5100, 0, 0)
    log.wear(log.books[0], 1)
    log.turn(DAY_MS + 5 * HOUR_MS + 7)  # a day begins at midnight of the module's own time
    assert log.writes_today == 1
    log.turn(2 * DAY_MS - 1)
    assert log.writes_today == 1
    log.turn(2 * DAY_MS)
    assert (log.writes_today, log.bytes_today) == (0, 0)
    log = Log()
    log.turn(3 * DAY_MS + HOUR_MS)
    log.wear(log.books[0], 1)
    log.turn(4 * DAY_MS - 1)
    assert log.writes_today == 1
    log.turn(4 * DAY_MS)
    assert log.writes_today == 0


def test_an_entry_is_not_late_unless_it_is_said():
    log = Log()
    log.add(TRIP, "a", 9)
    log.put(TRIP, "b", 9)
    assert [entry[2] for entry in log.books[0].waiting] == [0, 0]
