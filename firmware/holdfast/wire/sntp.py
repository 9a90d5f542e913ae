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


class BadReply(ValueError):
    """Not an answer to our question, or none to go by. `kiss`: the code of a kiss-o'-death."""

    def __init__(self, text, kiss=None):
        super().__init__(text)
        self.kiss = kiss


def question(cookie):
    """The packet to send; cookie: 8 random bytes."""
    return bytes([_CLIENT]) + bytes(39) + cookie


def answer(data, cookie, sent, received):
    """UTC in ms at `received`, out of an answer; BadReply. sent, received: ms of any clock."""
    if len(data) < PACKET_BYTES:
        raise BadReply("too short")
    row = struct.unpack(_FORMAT, data[:PACKET_BYTES])
    first, stratum, _, _, delay, dispersion, reference, _, origin, s2, f2, s3, f3 = row
    # Only who has seen the question can answer it: anything else is not even looked at.
    if first & 7 != _SERVER or first >> 3 & 7 not in (3, 4) or origin != cookie:
        raise BadReply("not an answer to the question")
    if stratum == 0:
        raise BadReply("kiss-o'-death", reference)
    if first >> 6 == _UNSYNCHRONIZED or stratum > _MOST_STRATUM:
        raise BadReply("the server does not know the time")
    if delay >= _MOST_ROOT or dispersion >= _MOST_ROOT:
        raise BadReply("the server is not sure of the time")
    if not s3 and not f3:
        raise BadReply("no time")
    arrived = _ms(s2, f2)
    left = _ms(s3, f3)
    way = received - sent - (left - arrived)
    if left < arrived or way < -1:
        raise BadReply("times that cannot be")
    utc = left + max(way, 0) // 2
    if utc < _EARLIEST_MS:
        raise BadReply("a time before this program was made")
    return utc


def _ms(seconds, fraction):
    if seconds < 1 << 31:
        seconds += _ERA_S
    return (seconds - _UNIX_S) * 1000 + (fraction * 1000 >> 32)
