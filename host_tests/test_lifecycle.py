"""A life from a reset to the next: what it begins with, and what it leaves behind however it ends.

The HAL, the start, safe mode and the application are fakes that tell what happened in one story.
"""

import sys

from claims import raises
from holdfast import lifecycle
from holdfast.core.crashloop import (
    ASKED,
    FAILED,
    HEALTHY,
    MAINTENANCE,
    SAFE_MODE,
    STARTING,
    Restart,
)
from holdfast.lifecycle import Life, live, maintain
from makers import WIRING, module

FALLBACK = b"\0\0\1\1"  # as the life before left it; the safe levels are 0, 1, 0, 1
SAFE = b"\0\1\0\1"
DONE = b"\1\1\1\1"  # the fallback of the application that was run


class Reset(Exception):
    """The chip was reset: nothing comes after it."""


class Board:
    PORTS = WIRING


class Hal:
    """cause, word: what a chip tells of its reset; `words` are those that were kept since."""

    def __init__(self, cause="power on", word=None):
        self.cause = cause
        self.word = word
        self.story = []
        self.words = []

    def Retained(self, board):
        return self

    def write(self, word):
        self.words.append(word)
        self.story.append("kept %d" % (word >> 20 & 7))

    def reset(self, board, asked=True):
        self.story.append("reset, asked" if asked else "reset")
        raise Reset

    def report(self, error):
        self.story.append("report %s" % error)

    def stop(self, board):
        self.story.append("stop")

    def lock_console(self):
        self.story.append("lock")

    def next(self, cause="watchdog"):
        """What the start after this one makes of it."""
        return Restart(cause, self.words[-1])


class Pins:
    def __init__(self, hal):
        self.story = hal.story

    def write(self, levels):
        self.story.append(("pins", bytes(levels)))

    def release(self):
        self.story.append("release")


def crashed(count):
    """A chip that the watchdog has just reset, for the so manieth time in a row."""
    before = Restart("power on", None)
    before.crashes = count - 1
    return Hal("watchdog", before.word(HEALTHY, FALLBACK))


class Module:
    """Stands for a module of the firmware while it is imported."""

    def __init__(self, name, **functions):
        self.name = name
        for key, value in functions.items():
            setattr(self, key, value)


def lived(hal, during=None, start=None):
    """Live once; the story. during: what the application does, start: what the start does."""
    before = {}

    def started(board, hal_, pins, life):
        hal.story.append("start")
        if start is not None:
            start(life)
        return ("clock", "store", "settings", "module")

    class App:
        """As holdfast.app has it; its module's fallback is DONE."""

        restarting = False
        stage = ASKED

        class module:
            fallback_levels = DONE

        def __init__(self, board, hal_, pins, clock, store, settings, module_, life):
            self.life = life
            self.told = "run %s %s" % (clock, module_)

        async def run(self):
            hal.story.append(self.told)
            if during is not None:
                during(self.life)

    def safe(board, hal_, pins, running, life):
        hal.story.append("safe mode")
        return ("later",) + running[1:]

    def stand(board, hal_, life):
        hal.story.append("stand")
        life.restart.relent()

    app = Module("app", App=App)
    heap = Module(
        "heap",
        known=lambda: None,
        loading=lambda: hal.story.append("loading"),
        loaded=lambda: hal.story.append("loaded"),
    )
    safemode = Module("safemode", run=safe, stand=stand)
    fakes = {
        "holdfast.start": Module("start", start=started),
        "holdfast.safemode": safemode,
        "holdfast.app": app,
        "holdfast.runtime.memory": heap,
    }
    __import__("holdfast.runtime")
    for name, fake in fakes.items():
        before[name] = sys.modules.get(name)
        sys.modules[name] = fake
        home, _, last = name.rpartition(".")
        setattr(sys.modules[home], last, fake)
    try:
        live(Board, hal, Pins(hal))
    except Reset:
        pass
    finally:
        for name in fakes:
            sys.modules.pop(name)
            home, _, last = name.rpartition(".")
            delattr(sys.modules[home], last)
            if before[name] is not None:
                sys.modules[name] = before[name]
                setattr(sys.modules[home], last, before[name])
    return hal.story


# -- what a life begins with ----------------------------------------------------------------------


def test_after_power_on_nothing_is_known_but_what_an_open_circuit_is():
    life = Life(Board, Hal())
    assert (life.levels, life.healthy, life.restart.crashed) == (SAFE, False, False)


def test_after_a_crash_the_fallback_is_that_of_the_life_before():
    life = Life(Board, crashed(1))
    assert (life.levels, life.restart.crashed, life.restart.crashes) == (FALLBACK, True, 1)


def test_a_life_that_was_asked_to_end_leaves_no_levels():
    word = Restart("power on", None).word(ASKED, FALLBACK)
    life = Life(Board, Hal("watchdog", word))
    assert (life.levels, life.restart.crashed) == (SAFE, False)


# -- what is kept while it goes on ----------------------------------------------------------------


def test_the_fallback_of_the_settings_is_in_the_word_from_then_on():
    closed = {"2": {"fallback": {"steps": [{"state": "closed"}]}}}
    for count, stage in ((1, STARTING), (2, STARTING), (3, SAFE_MODE), (5, SAFE_MODE)):
        hal = crashed(count)
        life = Life(Board, hal)
        subject = module(closed)
        life.starting(subject)
        assert hal.words[-1] >> 20 & 7 == stage
        after = hal.next()
        assert after.levels(4) == bytes(subject.fallback_levels)
        assert (after.levels(4)[2], after.crashes) == (1, count + 1)


def test_why_it_starts_is_known_to_the_module():
    subject = module()
    Life(Board, Hal()).starting(subject)
    assert subject.reset_cause == "power on"
    assert subject.boot_facts == ("reset: power on", "start: power on")
    Life(Board, crashed(2)).starting(subject)
    why = "the watchdog: the application hung"
    assert subject.reset_cause == why
    assert subject.boot_facts == ("reset: watchdog", "start: " + why, "crashes in a row: 2")


def test_a_life_that_has_run_for_long_enough_forgives_all_crashes():
    hal = crashed(2)
    life = Life(Board, hal)
    life.well()
    assert life.healthy is True and hal.words[-1] >> 20 & 7 == HEALTHY
    assert (hal.next().crashes, hal.next().levels(4)) == (1, FALLBACK)


def test_a_restart_that_was_asked_for_is_no_crash():
    hal = crashed(2)
    raises(Reset, Life(Board, hal).ask)
    assert hal.story == ["kept %d" % ASKED, "reset, asked"]
    assert not hal.next().crashed and hal.words[-1] >> 16 & 15 == 0


def test_an_end_by_an_error_is_told_and_counted():
    hal = crashed(2)
    raises(Reset, Life(Board, hal).fail, ValueError("a bug"))
    assert hal.story == ["report a bug", "kept %d" % FAILED, "reset"]
    after = hal.next()
    assert (after.crashes, after.levels(4)) == (3, FALLBACK)
    assert after.why == "an exception ended the application"


# -- a whole life ---------------------------------------------------------------------------------


def test_a_life_without_trouble():
    """The heap is kept in order while what stays is loaded."""
    story = [
        "kept %d" % STARTING,
        "lock",
        "loading",
        "start",
        "loaded",
        "run clock module",
        "release",
        ("pins", DONE),
        "stop",
    ]
    assert lived(Hal()) == story


def test_after_a_crash_the_fallback_is_at_the_pins_before_anything_else():
    story = lived(crashed(1))
    assert story[:3] == [("pins", FALLBACK), "kept %d" % STARTING, "lock"]


def test_whatever_hangs_or_fails_while_settings_load_is_a_crash():
    """The word says so before they are read: a watchdog that bites then counts, too."""
    for hal in (Hal(), crashed(1)):
        words = []
        lived(hal, None, lambda life, hal=hal, words=words: words.append(hal.words[-1]))
        after = Restart("watchdog", words[0])
        assert after.crashed and after.crashes == Restart(hal.cause, hal.word).crashes + 1


def broken(life):
    raise ValueError("a bug")


def test_a_start_that_fails_leaves_no_power_on_levels():
    for hal, levels in ((Hal(), SAFE), (crashed(1), FALLBACK)):
        story = lived(hal, None, broken)
        end = ["start", "release", ("pins", levels), "report a bug", "kept %d" % FAILED, "reset"]
        assert story[-6:] == end
        assert hal.next().crashed


def test_an_application_that_fails_leaves_the_fallback_of_its_settings():
    closed = {"2": {"fallback": {"steps": [{"state": "closed"}]}}}
    subject = module(closed)
    levels = bytes(subject.fallback_levels)
    hal = Hal()
    story = lived(hal, broken, lambda life: life.starting(subject))
    assert story[-5:] == ["release", ("pins", levels), "report a bug", "kept %d" % FAILED, "reset"]
    assert hal.next().levels(4) == levels


def test_when_the_power_goes_off_on_a_pc_nothing_has_failed():
    def off(life):
        raise KeyboardInterrupt

    story = lived(Hal(), off)
    assert story[-3:] == ["release", ("pins", DONE), "stop"]
    assert ("kept %d" % FAILED) not in story


def test_after_three_crashes_there_is_safe_mode_and_after_six_not_even_that():
    for count, wanted in (
        (2, ["start", "run clock module"]),
        (3, ["start", "safe mode", "run later module"]),
        (5, ["start", "safe mode", "run later module"]),
        (6, ["stand", "start", "run clock module"]),
    ):
        story = lived(crashed(count))
        told = [
            step for step in story if isinstance(step, str) and step[:4] not in ("load", "rele")
        ]
        assert told[2:-1] == wanted, count


def test_with_the_jumper_set_nothing_is_started_and_crashes_are_forgiven():
    hal = crashed(4)
    printed = []
    lifecycle.print = printed.append
    try:
        maintain(Board, hal)
    finally:
        del lifecycle.print
    assert printed == [
        "holdfast: maintenance: the application is not started; remove the jumper and reset"
    ]
    assert hal.story == ["kept %d" % MAINTENANCE]
    after = hal.next()
    assert (after.crashed, after.why) == (False, "the end of maintenance")
    assert hal.words[-1] >> 16 & 15 == 0


def test_a_change_of_settings_is_followed_in_the_word():
    hal = Hal()
    life = Life(Board, hal)
    subject = module()
    life.starting(subject)
    for healthy, stage in ((False, STARTING), (True, HEALTHY)):
        if healthy:
            life.well()
        subject.fallback_levels[2] = 1 - subject.fallback_levels[2]
        life.changed()
        assert hal.words[-1] >> 20 & 7 == stage
        assert hal.next().levels(4) == bytes(subject.fallback_levels)
