"""Dates as texts and as ms, against the calendar of others where there is one."""

from claims import raises
from holdfast.wire.date import date_text, moment

DAY = 86400000
# Texts and seconds that `date -u -d @N` of GNU gives.
KNOWN = (
    ("1970-01-01T00:00:00Z", 0),
    ("2000-02-29T12:00:00Z", 951825600),
    ("2000-03-01T00:00:00Z", 951868800),
    ("2022-04-03T21:00:00Z", 1649019600),
    ("2038-01-19T03:14:08Z", 2147483648),
    ("2099-12-31T23:59:59Z", 4102444799),
    ("2100-02-28T23:59:59Z", 4107542399),
    ("2100-03-01T00:00:00Z", 4107542400),
)


def test_known_dates_both_ways():
    for text, seconds in KNOWN:
        assert date_text(seconds * 1000) == text
        assert moment(text) == seconds * 1000


def test_every_day_of_a_century_both_ways():
    for day in range(0, 150 * 366, 13):
        ms = day * DAY + day % DAY
        assert moment(date_text(ms)) == ms


def test_fractions_offsets_and_dates_alone():
    noon = 1649019600000
    for text, ms in (
        ("2022-04-03T21:00:00.250Z", noon + 250),
        ("2022-04-03T21:00:00.2Z", noon + 200),
        ("2022-04-03T21:00:00.123456789Z", noon + 123),
        ("2022-04-03T23:00:00+02:00", noon),
        ("2022-04-03T15:30:00-05:30", noon),
        ("2022-04-03T23:00:00 02:00", noon),  # a plus that nobody escaped
        ("2022-04-03t21:00:00z", noon),
        ("2022-04-03 21:00", noon),
        ("2022-04-03T21:00:60Z", noon + 60000),
        ("2022-04-03", noon - 21 * 3600000),
    ):
        assert moment(text) == ms, text
    assert date_text(noon + 7) == "2022-04-03T21:00:00.007Z"


def test_what_is_no_date_is_refused():
    for text in (
        "",
        "now",
        "2022",
        "2022-04",
        "2022-4-3",
        "2022-13-01",
        "2022-00-01",
        "2022-02-29",
        "2100-02-29",
        "2022-04-31",
        "1969-12-31",
        "2022-04-03T",
        "2022-04-03T24:00:00Z",
        "2022-04-03T21:60:00Z",
        "2022-04-03T21:00:61Z",
        "2022-04-03T21:00:00.Z",
        "2022-04-03T21:00:00.1234567890Z",
        "2022-04-03T21:00:00+2",
        "2022-04-03T21:00:00+02:00x",
        "2022-04-03T21:00:00+24:00",
        "2022-04-03T21:00:00Zz",
        "2022-04-03X21:00:00",
        "+022-04-03",
        "٢022-04-03",
        "1649019600",
    ):
        raises(ValueError, moment, text)
