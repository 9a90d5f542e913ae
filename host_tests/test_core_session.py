"""Heartbeat sessions."""

from holdfast.core.session import Session, uuid4


def test_a_uuid4_has_its_version_and_variant_whatever_the_random_bytes():
    assert uuid4(bytes(16)) == "00000000-0000-4000-8000-000000000000"
    assert uuid4(b"\xff" * 16) == "ffffffff-ffff-4fff-bfff-ffffffffffff"


def test_a_shorter_duration_takes_effect_at_once():
    session = Session("a")
    session.begin("id", 0)
    session.feed(10000, 0)
    session.feed(10, 5)
    assert session.expires_at == 16
    assert session.duration_ms == 10


def test_the_margin_counts_from_the_second_heartbeat():
    session = Session("a")
    session.begin("id", 0)
    session.feed(100, 0)
    assert session.least_margin_ms is None
    session.feed(100, 100)
    assert session.least_margin_ms == 1


def test_a_new_session_is_neither_alive_nor_lost_and_nothing_has_happened():
    session = Session("a")
    assert (session.master, session.id, session.expires_at, session.ports) == ("a", None, None, ())
    assert (session.lost, session.untold, session.beats) == (False, False, 0)
    for moment in (session.lost_at, session.began_at, session.moved_at, session.last_at):
        assert moment is None
    assert (session.duration_ms, session.least_margin_ms) == (None, None)


def test_a_heartbeat_is_counted_and_dated():
    session = Session("a")
    session.begin("id", 7)
    assert (session.id, session.began_at) == ("id", 7)
    for now in (10, 15):
        session.feed(100, now)
    assert (session.beats, session.last_at, session.duration_ms) == (2, 15, 100)
    assert session.expires_at == 116  # more than Duration, on a clock of whole ms


def test_the_margin_is_the_least_of_this_id():
    session = Session("a")
    session.begin("id", 0)
    for now in (0, 90, 120, 215):
        session.feed(100, now)
    assert session.least_margin_ms == 6
    session.begin("other", 300)
    assert session.least_margin_ms is None
    # A deadline that no heartbeat has set, as after a restart, is no margin.
    session = Session("b")
    session.expires_at = 500
    session.feed(100, 400)
    assert session.least_margin_ms is None


def test_of_a_uuid4_all_but_six_bits_are_the_random_ones():
    text = uuid4(bytes(range(0x10, 0x100, 15)))
    assert text == "101f2e3d-4c5b-4a79-8897-a6b5c4d3e2f1"
    assert uuid4(bytes([0xFF] * 6 + [0x00, 0xFF, 0x00] + [0xFF] * 7))[14:] == (
        "40ff-80ff-ffffffffffff"
    )


def test_the_longest_silence_of_this_id_and_what_was_heard_since_its_first():
    session = Session("a")
    assert (session.count, session.longest_ms, session.peer) == (0, 0, None)
    session.begin("id", 50)
    assert (session.count, session.longest_ms) == (0, 0)
    told = []
    for now in (50, 60, 95, 100, 135):
        session.feed(100, now)
        told.append((session.count, session.longest_ms))
    assert told == [(0, 0), (1, 10), (2, 35), (3, 35), (4, 35)]
    session.begin("other", 200)
    assert (session.count, session.longest_ms) == (0, 0)
