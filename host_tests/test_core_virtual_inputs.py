"""Virtual inputs and manual triggers: switched, for good or for a time."""

from holdfast.core.events import PORT, VIRTUAL_INPUT, VIRTUAL_PORT, EventSystem
from holdfast.core.virtual_inputs import COUNT, VirtualInputs


def made():
    system = EventSystem()
    return system, VirtualInputs(system, 0)


def told(system):
    return [(p.topic is VIRTUAL_PORT, p.source, data, at) for p, data, at, _ in system.take()]


def test_each_kind_has_its_numbers_from_one():
    system, inputs = made()
    assert len(system.properties) == 2 * COUNT
    for topic in (VIRTUAL_INPUT, VIRTUAL_PORT):
        assert inputs.set(topic, 1, True, None, 5)
        assert inputs.set(topic, COUNT, True, None, 5)
        assert inputs.set(topic, 0, True, None, 5) is None
        assert inputs.set(topic, COUNT + 1, True, None, 5) is None
    assert told(system) == [
        (False, "1", "1", 5),
        (False, str(COUNT), "1", 5),
        (True, "1", "1", 5),
        (True, str(COUNT), "1", 5),
    ]


def test_several_end_in_their_order_each_at_its_time():
    system, inputs = made()
    inputs.set(VIRTUAL_INPUT, 1, True, 300, 0)
    inputs.set(VIRTUAL_INPUT, 2, True, 100, 0)
    inputs.set(VIRTUAL_PORT, 1, True, None, 0)
    system.take()
    assert inputs.due == 100
    inputs.advance(100)
    assert told(system) == [(False, "2", "0", 100)]
    assert inputs.due == 300
    inputs.advance(1000)
    assert told(system) == [(False, "1", "0", 300)]
    assert inputs.due is None


def test_switching_off_or_on_again_forgets_the_end():
    system, inputs = made()
    inputs.set(VIRTUAL_INPUT, 1, True, 100, 0)
    assert inputs.set(VIRTUAL_INPUT, 1, False, None, 50)
    assert inputs.due is None
    inputs.set(VIRTUAL_INPUT, 1, True, 100, 60)
    assert not inputs.set(VIRTUAL_INPUT, 1, True, 100, 100)
    assert inputs.due == 200


def test_the_two_kinds_are_counted_apart_though_others_were_declared_before():
    system = EventSystem()
    for number in range(3):
        system.declare(PORT, str(number), False, 0)
    inputs = VirtualInputs(system, 0)
    inputs.set(VIRTUAL_PORT, 2, True, None, 1)
    inputs.set(VIRTUAL_INPUT, 3, True, None, 2)
    assert told(system) == [(True, "2", "1", 1), (False, "3", "1", 2)]
    assert [p.source for p in system.properties if p.data == "1"] == ["3", "2"]


def test_what_has_ended_ends_once():
    system, inputs = made()
    inputs.set(VIRTUAL_INPUT, 1, True, 100, 0)
    inputs.advance(100)
    assert inputs.due is None
    # Another one has its own end, and this one is not looked at again.
    inputs.set(VIRTUAL_INPUT, 2, True, 100, 300)
    assert inputs.due == 400
    system.take()
    inputs.advance(400)
    assert told(system) == [(False, "2", "0", 400)] and inputs.due is None
