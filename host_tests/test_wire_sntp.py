"""SNTP: the time out of good answers, and nothing out of others."""

import struct

from claims import raises
from holdfast.wire.sntp import BadReply, answer, question

COOKIE = b"12345678"
NOW_MS = 1795617452500  # 2026


def ntp(ms):
    """(seconds, fraction) of NTP for ms since 1970, in whatever era."""
    return (ms // 1000 + 2208988800) % (1 << 32), (ms % 1000 << 32) // 1000 + 1


def packet(at=NOW_MS, left=None, first=0x24, stratum=2, origin=COOKIE, **more):
    row = struct.pack(
        "!BBbbII4s8s8s",
        first,
        stratum,
        6,
        -20,
        more.get("delay", 0),
        more.get("dispersion", 0),
        more.get("reference", b"abcd"),
        bytes(8),
        origin,
    )
    return row + struct.pack("!IIII", *(ntp(at) + ntp(at if left is None else left)))


def test_a_question_tells_nothing():
    assert question(COOKIE) == b"\x23" + bytes(39) + COOKIE


def test_the_time_is_that_of_the_server_and_half_the_way():
    assert answer(packet(), COOKIE, 1000, 1000) == NOW_MS
    assert answer(packet(), COOKIE, 1000, 1100) == NOW_MS + 50
    assert answer(packet(NOW_MS, NOW_MS + 40), COOKIE, 1000, 1100) == NOW_MS + 40 + 30
    assert answer(packet() + b"extension", COOKIE, 0, 0) == NOW_MS
    assert answer(packet(first=0x1C), COOKIE, 0, 0) == NOW_MS  # version 3


def test_eras_end_and_begin():
    for ms in (2085978495000, 2085978496000, 2147483648000, 4102444800000):  # 2036, 2038, 2100
        assert answer(packet(ms), COOKIE, 0, 0) == ms


def test_anything_else_is_refused_and_says_why():
    other = "belongs to another question"
    version = "none of NTP version 3 or 4"
    unsure = "may be wrong by more than 1 s"
    bad = (
        (packet()[:47], "too short"),
        (b"", "too short"),
        (packet(origin=b"87654321"), other),
        (packet(first=0x23), version),  # a question
        (packet(first=0x25), version),  # broadcast
        (packet(first=0x0C), version),  # version 1
        (packet(first=0xE4), "not synchronized (leap indicator 3)"),
        (packet(stratum=16), "not synchronized (stratum 16)"),
        (packet(delay=0x10000), unsure),
        (packet(dispersion=0x10000), unsure),
        (packet(at=NOW_MS + 5000, left=NOW_MS), "contradict each other"),
        (packet(at=NOW_MS, left=NOW_MS + 5000), "contradict each other"),
        (packet(at=1600000000000), "before 2025"),
        (packet()[:40] + bytes(8), "holds no time"),
    )
    for data, why in bad:
        error = raises(BadReply, answer, data, COOKIE, 0, 0)
        assert error.kiss is None and why in str(error), why


def test_a_kiss_is_told_only_to_whom_it_is_for_and_no_other_code_is_repeated():
    data = packet(stratum=0, reference=b"DENY")
    assert raises(BadReply, answer, data, COOKIE, 0, 0).kiss == b"DENY"
    assert raises(BadReply, answer, data, b"other...", 0, 0).kiss is None
    for code, said in ((b"DENY", True), (b"RSTR", True), (b"RATE", True), (b"EVIL", False)):
        error = raises(BadReply, answer, packet(stratum=0, reference=code), COOKIE, 0, 0)
        assert ("(%s)" % code.decode() in str(error)) is said
