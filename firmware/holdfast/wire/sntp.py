"""The time from an NTP server, as a client of SNTP sees it (RFC 5905 sections 7.3 and 14).

All times are ms, UTC since 1970. The request tells nothing: its transmit timestamp is a random
number, which the answer must bring back. NTP counts seconds from 1900 in 32 bits; a number without
its highest bit is taken for the era that begins in 2036.
"""

import struct

from micropython import const

PACKET_BYTES = const(48)
_FORMAT = "!BBbbII4s8s8sIIII"
_CLIENT = const(0x23)  # leap 0, version 4, mode 3
_SERVER = const(4)
_UNSYNCHRONIZED = const(3)  # leap indicator: the server does not know the time itself
_MOST_STRATUM = const(15)
_UNIX_S = const(2208988800)  # from 1900 to 1970
_ERA_S = const(1 << 32)
_MOST_ROOT = const(0x10000)  # root delay and dispersion, 16.16 s: more than 1 s is no good source
_EARLIEST_MS = const(1735689600000)  # 2025-01-01: this program is not older


# What a server says with a kiss-o'-death (RFC 5905 section 7.4). No other code reaches the log.
_KISSES = {
    b"DENY": "the server refuses to be asked (DENY)",
    b"RSTR": "the server refuses to be asked (RSTR)",
    b"RATE": "the server was asked too often (RATE)",
}


class BadReply(ValueError):
    """Not an answer to our question, or none to go by; the text tells a person why. `kiss`: the
    code of a kiss-o'-death.
    """

    def __init__(self, text, kiss=None):
        super().__init__(text)
        self.kiss = kiss


def question(cookie):
    """The packet to send; cookie: 8 random bytes."""
    return bytes([_CLIENT]) + bytes(39) + cookie


def answer(data, cookie, sent, received):
    """UTC in ms at `received`, out of an answer; BadReply. sent, received: ms of any clock."""
    if len(data) < PACKET_BYTES:
        raise BadReply("the answer is too short")
    row = struct.unpack(_FORMAT, data[:PACKET_BYTES])
    first, stratum, _, _, delay, dispersion, reference, _, origin, s2, f2, s3, f3 = row
    # Only who has seen the question can answer it: anything else is not even looked at.
    if first & 7 != _SERVER or first >> 3 & 7 not in (3, 4):
        raise BadReply("the answer is none of NTP version 3 or 4")
    if origin != cookie:
        raise BadReply("the answer belongs to another question")
    if stratum == 0:
        raise BadReply(_KISSES.get(reference, "the server refuses to tell the time"), reference)
    if first >> 6 == _UNSYNCHRONIZED:
        raise BadReply("the server is not synchronized (leap indicator 3)")
    if stratum > _MOST_STRATUM:
        raise BadReply("the server is not synchronized (stratum %d)" % stratum)
    if delay >= _MOST_ROOT or dispersion >= _MOST_ROOT:
        raise BadReply("the server may be wrong by more than 1 s (root delay or dispersion)")
    if not s3 and not f3:
        raise BadReply("the answer holds no time")
    arrived = _ms(s2, f2)
    left = _ms(s3, f3)
    way = received - sent - (left - arrived)
    if left < arrived or way < -1:
        raise BadReply("the times of the answer contradict each other")
    utc = left + max(way, 0) // 2
    if utc < _EARLIEST_MS:
        raise BadReply("the time of the answer is before 2025")
    return utc


def _ms(seconds, fraction):
    if seconds < 1 << 31:
        seconds += _ERA_S
    return (seconds - _UNIX_S) * 1000 + (fraction * 1000 >> 32)
