"""Dates as texts (RFC 3339) and as ms since 1970, in integers alone. Proleptic Gregorian, UTC."""

from micropython import const

_DAY_MS = const(86400000)
_LENGTHS = b"\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"  # of the months, February with 28


def date_text(ms):
    """ "2026-11-25T14:00:00.250Z"; without a fraction where there is none."""
    days, rest = divmod(ms, _DAY_MS)
    # Years that begin in March, in eras of 400 of them, so that the leap day is the last.
    days += 719468
    era, day = divmod(days, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    month += 3
    year += era * 400
    if month > 12:
        month -= 12
        year += 1
    seconds, fraction = divmod(rest, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = "%04d-%02d-%02dT%02d:%02d:%02d" % (year, month, day, hours, minutes, seconds)
    return text + (".%03dZ" % fraction if fraction else "Z")


def moment(text):
    """ms since 1970 of a date, with or without a time of day, a fraction and an offset, UTC when
    there is none; ValueError. A space may stand for T, as in RFC 3339 section 5.6.
    """
    year = _number(text, 0, 4, 1970, 9999)
    _expect(text, 4, "-")
    month = _number(text, 5, 7, 1, 12)
    _expect(text, 7, "-")
    last = _LENGTHS[month - 1]
    if month == 2 and year % 4 == 0 and (year % 100 or year % 400 == 0):
        last += 1
    day = _number(text, 8, 10, 1, last)
    if month <= 2:
        year -= 1
        month += 12
    days = 365 * year + year // 4 - year // 100 + year // 400
    days += (153 * (month - 3) + 2) // 5 + day - 719469
    ms = days * _DAY_MS
    if len(text) > 10:
        _expect(text, 10, "Tt ")
        ms += _time(text[11:])
    return ms


def _time(text):
    """ms of a time of day with its offset."""
    hours = _number(text, 0, 2, 0, 23)
    _expect(text, 2, ":")
    minutes = _number(text, 3, 5, 0, 59)
    seconds = 0
    at = 5
    fraction = 0
    if text[5:6] == ":":
        seconds = _number(text, 6, 8, 0, 60)  # a leap second is the next minute's first
        at = 8
        if text[8:9] == ".":
            at = 9
            while text[at : at + 1].isdigit():
                at += 1
            digits = text[9:at]
            fraction = _number((digits + "00")[:3], 0, 3, 0, 999)
            if not digits or len(digits) > 9:
                raise ValueError("fraction")
    ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction
    zone = text[at:]
    if zone in ("", "Z", "z"):
        return ms
    _expect(zone, 0, "+- ")  # a plus that nobody escaped is a space in a query
    _expect(zone, 3, ":")
    offset = (_number(zone, 1, 3, 0, 23) * 60 + _number(zone, 4, 6, 0, 59)) * 60000
    if len(zone) != 6:
        raise ValueError("zone")
    return ms + offset if zone[0] == "-" else ms - offset


def _number(text, start, end, low, high):
    part = text[start:end]
    if len(part) != end - start or part.strip("0123456789"):
        raise ValueError("digits expected")
    value = int(part)
    if not low <= value <= high:
        raise ValueError("out of range")
    return value


def _expect(text, at, wanted):
    part = text[at : at + 1]
    if not part or part not in wanted:
        raise ValueError("%s expected" % wanted)
