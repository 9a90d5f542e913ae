"""The history as bytes: what goes in comes out, and what is not whole does not count."""

from claims import raises
from holdfast.wire import records
from holdfast.wire.records import batches, groups, seal, sound

EVENTS = (
    (0, 0, None, None, b""),
    (1500, 2, 23, 0, b"done"),
    (70000, 3, None, 255, b"x" * 48),
    (4294967295, 4, 4294967295, None, b"\xc3\xa4"),
)


def packed():
    return b"".join(
        [records.record(after, kind, message, d, s) for after, kind, d, s, message in EVENTS]
    )


def test_events_come_out_as_they_went_in():
    data = packed()
    assert tuple(records.records(data, 0, len(data))) == EVENTS
    at = 0
    for i, event in enumerate(EVENTS):
        assert records.skip(data, i) == at
        after, kind, duration, status, message = event
        at += len(records.record(after, kind, message, duration, status))
    assert at == len(data)


def test_the_longest_record_and_the_shortest():
    assert len(records.record(0, 6, b"x" * 48, 1, 1)) == 59
    assert len(records.record(0, 0, b"", None, None)) == 5
    # What is too long is as long as can be told.
    late = records.record(1 << 40, 0, b"", 1 << 40, None)
    assert next(records.records(late, 0, len(late)))[0] == 0xFFFFFFFF


def test_groups_come_out_as_they_went_in():
    data = packed()
    payload = records.group(7, True, 300, 1790000000123, 4, data)
    payload += records.group(65535, False, 0, 0, 1, data[:5])
    found = list(groups(payload, 0, len(payload)))
    assert [row[:5] for row in found] == [
        (7, 4, True, 300, 1790000000123),
        (65535, 1, False, 0, 0),
    ]
    assert list(groups(payload, 0, len(payload), 65535)) == found[1:]
    assert list(groups(payload, 0, len(payload), 7)) == found[:1]
    assert list(groups(payload, 0, len(payload), 255)) == []
    assert payload[found[0][5] : found[0][6]] == data
    assert records.group_at(payload, found[1][5]) == found[1]
    assert records.group_at(payload, 3) is None
    assert records.group_at(payload, len(payload) + 1) is None


def test_hours_come_out_as_they_went_in():
    rows = [(1, (1, 2, 3, 4)), (258, (65535, 0, 7, 9))]
    payload = records.hour_row(494000, True, rows)
    assert records.hour_of(payload, 0, 1) == (494000, True, (1, 2, 3, 4))
    assert records.hour_of(payload, 0, 258) == (494000, True, (65535, 0, 7, 9))
    assert records.hour_of(payload, 0, 2) == (494000, True, None)
    assert records.hour_of(records.hour_row(5, False, []), 0, 1) == (5, False, None)


def test_how_monitors_stand_comes_out_as_it_went_in():
    rows = [(1, 0, 77, 1790000000123, (1, 2, 3, 4)), (9, 1, 0, 0, (0, 0, 0, 65535))]
    data = seal(records.standing(494000, (250, 6, 0, 0), 10, rows))
    assert records.stood(data) == (494000, (250, 6, 0, 0), 10, rows)
    for end in range(len(data)):
        raises(ValueError, records.stood, data[:end])
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        raises(ValueError, records.stood, bytes(damaged))
    raises(ValueError, records.stood, seal(b"\x01"))
    raises(ValueError, records.stood, seal(b"\x02" + data[7:]))


def test_a_file_that_is_cut_at_any_byte_gives_what_is_whole():
    parts = [seal(b"one"), seal(b""), seal(b"three" * 100)]
    data = b"".join(parts)
    ends = [0, len(parts[0]), len(parts[0]) + len(parts[1]), len(data)]
    for end in range(len(data) + 1):
        whole = max([e for e in ends if e <= end])
        assert sound(data[:end]) == whole
        assert len(list(batches(data[:end]))) == ends.index(whole)
    # What is damaged ends it, and so does erased flash.
    assert sound(parts[0] + b"\xff" * 40) == len(parts[0])
    damaged = bytearray(data)
    damaged[len(parts[0]) + len(parts[1]) + 20] ^= 1
    assert sound(bytes(damaged)) == len(parts[0]) + len(parts[1])
