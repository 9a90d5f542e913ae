"""Which topic filters are understood, and what they let through (ONVIF ConcreteSet)."""

from claims import raises
from holdfast.core.topicfilter import (
    MAX_LENGTH,
    MAX_PATHS,
    FilterError,
    asks,
    local_name,
    topic_filter,
    topic_matches,
)

PORT = "tns1:Device/tnsaxis:IO/Port"
READY = "tns1:Device/tnsaxis:Status/SystemReady"


def asks_for(text, topic):
    return topic_matches(topic_filter(text), topic)


def test_a_topic_is_asked_for_in_any_spelling_of_its_prefixes():
    for text in (
        "tns1:Device/tnsaxis:IO/Port",
        "tns1:Device/tnsaxis:IO/tnsaxis:Port",
        "onvif:Device/axis:IO/axis:Port",
        "axis:Device/tnsaxis:IO/Port",
        "Device/IO/Port",
        "_x-1.y:Device/\u00fc:IO/Port",
        " tns1:Device/tnsaxis:IO/Port\t\n",
    ):
        assert asks_for(text, PORT), text
        assert asks_for(text, "Device/IO/Port"), text
        assert not asks_for(text, READY), text


def test_without_its_suffix_a_path_is_exactly_one_topic():
    for topic in (
        "tns1:Device/tnsaxis:IO",
        "tns1:Device/tnsaxis:IO/Port/Below",
        "tns1:Device/tnsaxis:IO/Ports",
        "tns1:Device/tnsaxis:IO/Por",
        "tns1:Device/tnsaxis:IO/port",
        "tns1:Other/tnsaxis:IO/Port",
        "tns1:IO/Port",
    ):
        assert not asks_for(PORT, topic), topic


def test_a_path_with_the_suffix_is_the_topic_and_all_below_it():
    for suffix in ("//.", "//"):
        text = "tns1:Device/tnsaxis:IO" + suffix
        for topic in ("tns1:Device/tnsaxis:IO", PORT, PORT + "/Below"):
            assert asks_for(text, topic), topic
        for topic in (
            "tns1:Device",
            READY,
            "tns1:Device/tnsaxis:IOX",
            "tns1:Device/tnsaxis:IOX/Port",
        ):
            assert not asks_for(text, topic), topic


def test_everything_is_asked_for_by_the_suffix_alone_or_by_nothing():
    for text in ("//.", "//", "", " //. ", "tns1:Other|//."):
        assert asks_for(text, PORT), text
        assert asks_for(text, "Device"), text


def test_alternatives_may_have_blanks_around_their_bars():
    for text in (
        PORT + "|" + READY,
        "tns1:RuleEngine/MotionRegionDetector/Motion | tns1:Device//. ",
        "a |b\n|\ttns1:Device/tnsaxis:IO/Port|tns1:Device/tnsaxis:Status//.",
    ):
        assert asks_for(text, PORT), text
        assert asks_for(text, READY), text
        assert not asks_for(text, "tns1:Device2/tnsaxis:IO"), text


def test_topics_nobody_has_are_accepted():
    assert not asks_for("tnsaxis:CameraApplicationPlatform/VMD/Camera1ProfileANY", PORT)


def test_malformed_topic_filters_are_refused():
    for text in (
        " ",
        "|",
        "a|",
        "|a",
        "a||b",
        "/a",
        "a/",
        "a//b",
        "a///.",
        "///.",
        "///",
        "//./",
        "//.//.",
        "/.",
        ".",
        "a/.",
        "a/./b",
        "a//..",
        "*",
        "a/*",
        "a:",
        ":a",
        ":",
        "a:b:c",
        "a: b",
        "a b",
        "a /b",
        "1a",
        "a:1",
        "1:a",
        "-a",
        ".a/b",
        "a,b",
        "a(b)",
        "a@b",
        "a\x00",
        "'a'",
        "{a}b",
        "a&b",
    ):
        raises(FilterError, topic_filter, text)


def test_topic_filters_are_bounded():
    assert asks_for("a|" * (MAX_PATHS - 1) + "Device//.", PORT)
    raises(FilterError, topic_filter, "a|" * MAX_PATHS + "b")
    topic_filter("a" * MAX_LENGTH)
    raises(FilterError, topic_filter, "a" * (MAX_LENGTH + 1))


def test_the_bounds_are_longer_than_any_filter_seen_in_the_field():
    assert (MAX_LENGTH, MAX_PATHS) == (1024, 32)


def test_which_characters_a_name_is_made_of():
    """NCName, as far as it is ASCII: a letter or a line first, digits, dots, dashes only later."""
    for code in range(1, 256):
        byte = bytes([code])
        letter = byte.isalpha() or code == 95 or code >= 128
        for name, good in (
            (byte + b"a", letter),
            (b"a" + byte, letter or byte.isdigit() or code in b".-"),
        ):
            if code == 58:
                continue  # a colon ends a prefix
            try:
                assert local_name(name) == name and good, name
            except FilterError:
                assert not good, name


def test_what_is_asked_of_topics_is_found_out_once_and_goes_on_with_new_ones():
    topics = [(PORT, "port"), (READY, None)]
    compiled = topic_filter(PORT)
    flags = bytearray()
    assert asks(flags, compiled, topics, topics[0])
    assert list(flags) == [1]
    assert not asks(flags, compiled, topics, topics[1])
    assert list(flags) == [1, 0]
    assert asks(flags, compiled, topics, topics[0])
    topics += [("tns1:Device/Other", PORT), (READY + "/Below", PORT)]
    assert not asks(flags, compiled, topics, topics[3])
    assert list(flags) == [1, 0, 0, 0]
