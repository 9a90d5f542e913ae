"""The event system: only changes make events."""

from holdfast.core.events import (
    HEARTBEAT,
    HISTORY_KEPT,
    PORT,
    RELAY,
    TOPIC,
    TOPICS,
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
    assert [port.index for port in ports] == [0, 1, 2]
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


def test_every_topic_has_two_values_or_more():
    for row in TOPICS:
        assert row[TOPIC].startswith("tns1:Device/") and len(row[VALUES]) >= 2
