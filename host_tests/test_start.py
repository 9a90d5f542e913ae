"""The first half of the start: settings into a core, outputs into their power-on states, or into
their fallback when the life before ended by itself.
"""

import sys

from flash import Flash
from holdfast.core.crashloop import FAILED, POWER_ON, WATCHDOG, Restart
from holdfast.hal import simulated
from holdfast.start import start
from holdfast.wire.dump import dumps
from makers import WIRING, account

PORTS = {
    "2": {"power_on": "closed", "fallback": {"steps": [{"state": "open"}]}},
    "3": {"fallback": {"steps": [{"after": 50, "state": "closed"}]}},
}
RULE = {
    "actions": {
        "1": {
            "template": "com.axis.action.unlimited.io.toggle",
            "parameters": {"port": "2", "state": "high"},
        }
    },
    "rules": {
        "1": {"action": "1", "conditions": [{"topic": "tns1:Device/tnsaxis:Monitor/Heartbeat"}]}
    },
}


class Pins:
    def __init__(self, story):
        self.story = story

    def read(self, index):
        return (1, 0, 0, 1)[index]  # both inputs are closed

    def write(self, levels):
        self.story.append(("write", bytes(levels)))


class Hal:
    """The parts of a HAL that a start needs; `story` tells the order of things."""

    wall_ms = None

    def __init__(self, flash):
        self.story = []
        self.flash = flash

    Random = simulated.Random

    def Watchdog(self, board):
        self.story.append("watchdog")
        return self

    def feed(self):
        self.story.append("fed")

    def Storage(self, board):
        self.story.append("storage")
        return self.flash

    def ticks(self):
        return lambda: 0, lambda end, start: end - start

    def report(self, error):
        self.story.append(error)


class Board:
    PORTS = WIRING


class Life:
    """What stands for life.Life: what it is told, in the story."""

    def __init__(self, hal, restart):
        self.hal = hal
        self.restart = restart

    def starting(self, module):
        self.hal.story.append("starting")


def crashed(count):
    """The start after so many crashes in a row, the last of them just now."""
    before = Restart(POWER_ON, None)
    before.crashes = count - 1
    return Restart(WATCHDOG, before.word(FAILED, bytes(4)))


def document(**more):
    data = {"name": "N", "accounts": [account("a")], "ports": PORTS}
    data.update(more)
    return dumps(data).encode()


def started(data, restart=None):
    """(hal, what start returns): with these settings in flash."""
    hal = Hal(Flash({} if data is None else {"settings.json": data}))
    life = None if restart is None else Life(hal, restart)
    return hal, start(Board, hal, Pins(hal.story), life)


def test_the_start_ends_with_power_on_levels_at_the_pins():
    for restart in (None, Restart(POWER_ON, None)):
        hal, (clock, store, settings, module) = started(document(), restart)
        writes = [step for step in hal.story if step[0] == "write"]
        assert writes == [("write", b"\1\0\1\1")]
        assert (module.name, settings.accounts[0].name, store.fresh) == ("N", "a", False)
        assert module.ports[0].state == module.ports[1].state == 1
        assert clock.now() == 0
        # The module has what it needs of these; they would only take room.
        assert settings.ports == settings.rules == ()


def test_the_watchdog_runs_before_anything_that_may_hang_and_is_fed_at_the_end():
    hal, _ = started(document(), Restart(POWER_ON, None))
    assert hal.story == ["watchdog", "storage", "starting", ("write", b"\1\0\1\1"), "fed"]


def test_its_code_has_left_the_heap_before_the_server_comes():
    __import__("holdfast.start")
    started(document())
    assert "holdfast.start" not in sys.modules


def test_broken_settings_start_with_every_output_open():
    hal, (_, store, settings, module) = started(b"{")
    assert ("write", b"\1\0\0\1") in hal.story
    assert settings.accounts == ()
    assert not store.fresh  # somebody set it up once: a stranger may not do so again


def test_a_new_device_is_to_be_set_up():
    _, (_, store, _, _) = started(None)
    assert store.fresh is True


def test_after_a_crash_outputs_are_in_their_fallback_and_nobody_is_alive():
    hal, (_, _, _, module) = started(document(), crashed(1))
    # The first step at once, though it has a time of its own: not the power-on state.
    assert ("write", b"\1\0\0\0") in hal.story
    assert ("write", b"\1\0\1\1") not in hal.story
    module.tell(0)
    assert module.lost and module.trips[0][3].startswith("restarted: an exception")
    for port in module.outputs:
        assert port.lost


def test_no_rule_acts_in_safe_mode():
    """One that the same settings have outside of it."""
    for count, rules in ((1, 1), (2, 1), (3, 0), (6, 0)):
        _, (_, _, _, module) = started(document(**RULE), crashed(count))
        assert (0 if module.rules is None else len(module.rules.rules)) == rules, count


def test_safe_mode_survives_whatever_is_wrong_with_the_settings():
    class Broken(Flash):
        def read(self, name):
            raise ValueError("a bug")

    for count in (1, 3):
        hal = Hal(Broken())
        life = Life(hal, crashed(count))
        try:
            _, store, settings, module = start(Board, hal, Pins(hal.story), life)
            assert count == 3
        except ValueError:
            assert count == 1
            continue
        assert [str(step) for step in hal.story if isinstance(step, ValueError)] == ["a bug"]
        assert settings.accounts == () and module.rules is None
        assert ("write", b"\1\0\0\1") in hal.story
