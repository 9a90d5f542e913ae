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
