"""The event system: only changes make events."""

from claims import raises
from holdfast.core.events import (
    DATA,
    HEARTBEAT,
    HISTORY_KEPT,
    PORT,
    RELAY,
    REMOVED,
    SOURCE,
    TOPIC,
    VALUES,
    EventSystem,
)


def test_only_a_change_makes_an_event():
    system = EventSystem()
    lost = system.declare(HEARTBEAT, None, False, 5)
    assert system.take() == []
    system.set(lost, False, 6)
    assert system.take() == []
    system.set(lost, True, 7)
    system.set(lost, True, 8)
    assert system.take() == [(lost, "1", 7, 1)]
    assert system.take() == []
    assert (lost.data, lost.at) == ("1", 7)


def test_changes_come_in_the_order_they_happened():
    system = EventSystem()
    ports = [system.declare(PORT, str(i), False, 0) for i in range(3)]
    assert system.properties == ports and system.topics == [PORT]
    for at, (i, active) in enumerate(((2, True), (0, True), (2, False))):
        system.set(ports[i], active, at)
    changes = [(p.source, data, at) for p, data, at, _ in system.take()]
    assert changes == [("2", "1", 0), ("0", "1", 1), ("2", "0", 2)]
    assert system.sequence == 3


def test_a_content_filter_sees_source_and_data():
    system = EventSystem()
    assert system.declare(HEARTBEAT, None, False, 0).items("1") == (("lost", "1"),)
    assert system.declare(PORT, "0", False, 0).items("0") == (("port", "0"), ("state", "0"))
    assert system.declare(RELAY, "0", True, 0).data == "active"


def test_the_history_begins_when_somebody_wants_it_and_is_bounded():
    system = EventSystem()
    port = system.declare(PORT, "0", False, 0)
    system.set(port, True, 1)
    assert system.history is None
    system.remember()
    for at in range(2, 2 + HISTORY_KEPT + 5):
        system.set(port, at % 2 == 1, at)
    assert len(system.history) == HISTORY_KEPT
    assert system.history[-1] == (port, port.data, port.at, system.sequence)
    assert system.history[0][3] == system.sequence - HISTORY_KEPT + 1
    system.remember()
    assert len(system.history) == HISTORY_KEPT


def test_how_much_of_the_history_is_kept_and_where_the_words_of_topics_are():
    assert HISTORY_KEPT == 64
    assert (HEARTBEAT[TOPIC][-9:], HEARTBEAT[SOURCE], HEARTBEAT[DATA]) == (
        "Heartbeat",
        None,
        "lost",
    )
    assert PORT[VALUES] == ("0", "1")


def test_a_declared_property_has_its_time_and_is_not_gone():
    system = EventSystem()
    job = system.declare(PORT, "job", 0, 5)
    assert (job.at, job.data, job.gone()) == (5, "0", False)
    job.data = REMOVED
    assert job.gone() is True


def test_changes_that_nobody_has_taken_are_pending():
    system = EventSystem()
    assert system.pending() is False
    port = system.declare(PORT, "0", False, 0)
    assert system.pending() is False
    system.set(port, True, 1)
    assert system.pending() is True
    system.set(port, False, 2)
    assert system.pending() is True
    assert len(system.take()) == 2
    assert system.pending() is False


class Full(list):
    """A list for which the heap has no room any more."""

    def append(self, item):
        raise MemoryError


def test_an_event_for_which_there_is_no_memory_has_not_happened():
    for remembers in (False, True):
        system = EventSystem()
        port = system.declare(PORT, "0", False, 0)
        if remembers:
            system.remember()
        system.set(port, True, 1)
        system.take()
        history = None if system.history is None else list(system.history)
        system._changes = Full()
        raises(MemoryError, system.set, port, False, 2)
        assert (port.data, port.at, system.sequence) == ("1", 1, 1)
        assert system.history == history
        # It is still to happen, and then has the next number.
        system._changes = []
        system.set(port, False, 3)
        assert system.take() == [(port, "0", 3, 2)]


def test_what_comes_while_others_listen_is_an_event_and_so_is_what_goes():
    system = EventSystem()
    system.declare(PORT, "0", False, 0)
    first = system.add(PORT, "1", True, 5)
    assert [change[:3] for change in system.take()] == [(first, "1", 5)]
    system.set(first, None, 6)
    assert [change[:3] for change in system.take()] == [(first, REMOVED, 6)]
    assert first.gone() and first.at == 6


def test_a_place_that_is_free_is_taken_again_by_its_own_topic_only():
    system = EventSystem()
    first = system.add(PORT, "0", True, 5)
    system.set(first, None, 6)
    other = system.add(RELAY, "0", True, 7)
    again = system.add(PORT, "1", False, 8)
    last = system.add(PORT, "2", False, 9)  # the first of its topic is there again
    assert system.topics == [PORT, RELAY]
    assert system.properties == [again, other, last] and first is not again
