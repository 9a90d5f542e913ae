"""The event log as operators read it."""

from claims import raises
from holdfast.core.log import LOGIN, TRIP, Log
from holdfast.rest.log import LogService
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import Asked, Caller, whole


def service(rows=()):
    asked = []

    def find(log, storage, since, limit, places):
        asked.append((since, limit))
        places.extend(rows[:limit])
        yield None

    def entries(log, storage, places, epoch_ms):
        yield None
        yield from places

    return LogService(Log(), lambda: (find, entries, None, int), bytes(range(16))), asked


def answer(subject, query=""):
    response = subject.get(Caller(), Asked(query=query), 77)
    return loads(whole(response))


def test_entries_have_numbers_times_and_for_trips_when_they_were_due():
    rows = ((1, 100, 3, TRIP, 0, 'a "b"'), (2, 200, 0, LOGIN, 1795617452636, "x"))
    told = answer(service(rows + rows)[0], "since=0&limit=2")
    assert told["entries"] == [
        {"number": 1, "at": 100, "due": 97, "time": None, "kind": "trip", "text": 'a "b"'},
        {"number": 2, "at": 200, "time": 1795617452636, "kind": "login refused", "text": "x"},
    ]
    assert told["more"] is True
    assert (told["now"], told["boot"]) == (77, "0001020304050607")


def test_a_clock_that_is_set_while_entries_are_looked_for_counts_for_these():
    epochs = [0]
    seen = []

    def find(log, storage, since, limit, places):
        epochs[0] = 1000
        yield None

    def entries(log, storage, places, epoch_ms):
        seen.append(epoch_ms)
        yield None

    answer(LogService(Log(), lambda: (find, entries, None, lambda: epochs[0]), bytes(16)))
    assert seen == [1000]


def test_an_empty_log_is_an_answer():
    assert answer(service()[0])["entries"] == []


def test_limits_are_bounded():
    subject, asked = service()
    zeros = "0" * 20  # a number is what its digits say, however many of them there are
    for query in ("", "since=", "since=5", "limit=1000000&since=0", "limit=0"):
        answer(subject, query)
    answer(subject, "limit=" + zeros + "7&since=" + zeros)
    assert asked == [(None, 32), (None, 32), (5, 33), (0, 65), (None, 1), (0, 8)]
    for query in ("since=-1", "since=x", "limit=1.5", "since=12345678901"):
        assert raises(HttpError, answer, subject, query).status == 400


def test_saved_is_up_to_where_flash_has_it():
    subject, _ = service()
    assert answer(subject)["saved"] == 0
    subject._log.add(TRIP, "a", 0)
    subject._log.books[0].wrote(1)
    assert answer(subject)["saved"] == 1
    subject._log.add(TRIP, "b", 0)
    subject._log.add(LOGIN, "c", 0)
    assert answer(subject)["saved"] == 1
