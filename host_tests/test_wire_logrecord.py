"""Records of the event log: whole, cut, and damaged."""

from holdfast.wire.logrecord import WEAR, entry, record, scan, wear, worn

A = record(1, 0, 5, 1000, 1795617452636, "door: no heartbeat")
B = record(2, 1, 0, 1 << 40, 0, "Tür")
C = record(3, 2, 65535, 7, 0, "")


def rows(data):
    return [entry(data, start, end) for _, _, start, end in scan(data)]


ROWS = [
    (1, 0, 5, 1000, 1795617452636, "door: no heartbeat"),
    (2, 1, 0, 1 << 40, 0, "Tür"),
    (3, 2, 65535, 7, 0, ""),
]


def test_what_is_written_is_read():
    assert rows(A + B + C) == ROWS
    assert rows(b"") == []


def test_a_file_cut_at_any_byte_has_the_records_before_and_those_appended():
    whole = A + B
    for end in range(len(whole) + 1):
        found = rows(whole[:end])
        assert found == ROWS[: len(found)]
        assert len(found) == (end >= len(A)) + (end == len(whole))
        assert rows(whole[:end] + C) == found + ROWS[2:]


def test_a_flipped_bit_costs_one_record():
    whole = A + B + C
    for at in range(len(whole)):
        for bit in range(8):
            bad = bytearray(whole)
            bad[at] ^= 1 << bit
            hit = 0 if at < len(A) else 1 if at < len(A + B) else 2
            assert rows(bytes(bad)) == ROWS[:hit] + ROWS[hit + 1 :]


def test_long_texts_are_cut_between_characters():
    for text in ("x" * 300, "ü" * 200, "x" + "ü" * 200, "€" * 100, "x€" * 80):
        (row,) = rows(record(1, 0, 0, 0, 0, text))
        assert text.startswith(row[5])
        assert len(row[5].encode()) > 225


def test_the_wear_is_kept_as_numbers():
    data = wear(9, 3, 300, 15)
    ((number, kind, start, _),) = scan(data)
    assert (number, kind) == (9, WEAR)
    assert worn(data, start) == (3, 300, 15)
