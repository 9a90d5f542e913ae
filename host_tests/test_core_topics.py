"""The rows of all topics, and which of them are our own."""

from holdfast.core.events import DATA, REMOVED, SOURCE, TOPIC, VALUES
from holdfast.core.topics import MONITOR, OVERFLOW, TOPICS, UPLINK


def test_every_topic_has_two_values_or_more():
    for row in TOPICS:
        assert row[TOPIC].startswith("tns1:Device/") and len(row[VALUES]) >= 2


def test_every_topic_is_there_once():
    names = [row[TOPIC] for row in TOPICS]
    assert len(names) == 11 and sorted(set(names)) == sorted(names)


def test_ours_are_known_by_a_name_and_have_a_prefix_of_our_own():
    for row in (UPLINK, OVERFLOW, MONITOR):
        assert row in TOPICS and "/tnsholdfast:" in row[TOPIC]
        assert row[SOURCE] in ("name", "monitor")
    assert [row[DATA] for row in (UPLINK, OVERFLOW, MONITOR)] == ["up", "lost", "state"]
    assert MONITOR[VALUES] == ("up", "down", "new", "late", "paused", REMOVED)
