"""One port: its image, its timeline, its reasons."""

from holdfast.core.port import CLOSED, COMMAND, FALLBACK, OPEN, RESTORE, Port
from makers import settings


def make(**fallback):
    image = bytearray(4)
    row = settings({"3": {"fallback": fallback}}).ports[3]
    return Port(3, row, image), image


def test_the_level_follows_the_wiring():
    port, image = make()
    port.put(CLOSED, 1, COMMAND, "a")
    assert image[3] == 0  # closed is level 0 on this port
    port.put(OPEN, 2, COMMAND, "a")
    assert image[3] == 1


def test_since_moves_with_the_state_only():
    port, _ = make()
    port.command(CLOSED, 10, "a")
    port.command(CLOSED, 20, "b")
    assert (port.since, port.who, port.why) == (10, "b", COMMAND)


def test_a_timeline_is_walked_step_by_step():
    port, _ = make(steps=[{"state": "closed"}, {"after": 7, "state": "open"}])
    port.lose(100, "a")
    assert port.due == 100
    port.advance()
    assert (port.state, port.due, port.why, port.who) == (CLOSED, 107, FALLBACK, "a")
    port.advance()
    assert (port.state, port.due, port.since) == (OPEN, None, 107)


def test_restore_takes_back_the_last_command():
    port, _ = make(on_return="restore")
    port.command(CLOSED, 1, "a")
    port.lose(5, "a")
    port.advance()
    port.regain(9)
    assert (port.state, port.why, port.lost) == (CLOSED, RESTORE, False)
