"""The words of monitors: numbers that are in flash and places in tables, so they never change."""

from holdfast.core.checkins import (
    CHECK_INS,
    COMPLETE,
    DOWN,
    FAIL,
    FAILED,
    HOUR_MS,
    IGNORED,
    INTERVALS,
    LATE,
    LOG,
    MESSAGE_BYTES,
    MISSED,
    NEW,
    PAUSED,
    RESULTS,
    RUN,
    TICK,
    TIMELY,
    UP,
    Refused,
)
from holdfast.core.events import VALUES
from holdfast.core.topics import MONITOR


def test_states_are_the_places_of_their_words_in_events():
    words = [MONITOR[VALUES][state] for state in (UP, DOWN, NEW, LATE, PAUSED)]
    assert words == ["up", "down", "new", "late", "paused"]


def test_results_are_the_places_of_their_words():
    results = (TICK, RUN, COMPLETE, FAIL, LOG, MISSED, IGNORED)
    assert results == (0, 1, 2, 3, 4, 5, 6)
    assert [RESULTS[result] for result in results] == list(RESULTS)


def test_counts_are_in_the_order_of_pinghomes_fields():
    assert (INTERVALS, CHECK_INS, FAILED, TIMELY) == (0, 1, 2, 3)
    assert (HOUR_MS, MESSAGE_BYTES) == (3600000, 48)


def test_a_refusal_names_the_field_and_what_is_wrong():
    error = Refused("name", "is taken", True)
    assert (error.field, error.problem, error.taken) == ("name", "is taken", True)
    assert Refused("name", "is empty").taken is False
    assert str(error) == "name"
