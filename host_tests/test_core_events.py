"""The event system: only changes make events."""

from holdfast.core.events import HEARTBEAT, PORT, EventSystem


def test_only_a_change_makes_an_event():
    system = EventSystem()
    lost = system.declare(HEARTBEAT, None, "0", 5)
    assert system.take() == []
    system.set(lost, "0", 6)
    assert system.take() == []
    system.set(lost, "1", 7)
    system.set(lost, "1", 8)
    assert system.take() == [(lost, "1", 7)]
    assert system.take() == []
    assert (lost.data, lost.at) == ("1", 7)


def test_changes_come_in_the_order_they_happened():
    system = EventSystem()
    ports = [system.declare(PORT, str(i), "0", 0) for i in range(3)]
    assert [port.index for port in ports] == [0, 1, 2]
    for i in (2, 0, 2):
        system.set(ports[i], str(10 + i) if i else "1", i)
    assert [(p.source, data) for p, data, _ in system.take()] == [("2", "12"), ("0", "1")]
