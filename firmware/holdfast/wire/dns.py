"""DNS questions into bytes, addresses out of replies (RFC 1035), for a stub resolver that asks for
IPv4 addresses (A) over UDP.

A reply counts only when it repeats the number and the question it answers; whose it is, the caller
knows. Names in it may point backwards only, so none can lead in a circle. An alias (CNAME) is
followed as far as the same reply goes, which is all the way with a server that recurses.
"""

from micropython import const

MESSAGE_BYTES = const(512)  # of one over UDP (section 4.2.1)
MAX_ADDRESSES = const(4)  # kept of one reply
_MAX_RECORDS = const(32)  # looked at in one reply
_MAX_ALIASES = const(8)
_MAX_NAME = const(255)  # bytes (section 2.3.4)

_A = const(1)
_CNAME = const(5)
_IN = const(1)
_HEAD_BYTES = const(12)
_NO_SUCH_NAME = const(3)


class BadReply(ValueError):
    """What came back is no reply to the question."""


class Refused(Exception):
    """The server has no answer (SERVFAIL, REFUSED and the like), or one that UDP has cut off with
    no address left in it: ask another."""


def question(number, name):
    """A query for the addresses of a host, as bytes. number: 0 to 65535; name: ASCII text."""
    data = bytearray(_HEAD_BYTES)
    data[0] = number >> 8
    data[1] = number & 255
    data[2] = 1  # recursion desired
    data[5] = 1  # question
    return bytes(data) + _question(name)


def _question(name):
    parts = []
    for label in name.encode().split(b"."):
        parts.append(bytes((len(label),)))
        parts.append(label)
    parts.append(b"\x00\x00\x01\x00\x01")
    return b"".join(parts)


def answer(data, number, name):
    """`(addresses, seconds)` out of a reply to `question(number, name)`.

    addresses: a list of texts, empty when there is no such name or it has none; seconds: how long
    that holds, the least TTL of all that was used, 0 for none. BadReply, Refused.
    """
    asked = _question(name.lower())
    end = _HEAD_BYTES + len(asked)
    if len(data) < end or data[0] << 8 | data[1] != number or data[2] & 0xF8 != 0x80:
        raise BadReply("another one")
    if data[4:6] != b"\x00\x01" or bytes(data[_HEAD_BYTES:end]).lower() != asked:
        raise BadReply("another question")
    code = data[3] & 15
    if code == _NO_SUCH_NAME:
        return [], 0
    if code:
        raise Refused()
    cut_off = data[2] & 2
    records = _records(data, end, data[6] << 8 | data[7], cut_off)
    found = _follow(records, asked[:-4])
    if cut_off and not found[0]:
        raise Refused()
    return found


def _records(data, at, count, cut_off):
    """The answers as rows `(owner, type, seconds, value)`; value: an address, or a name."""
    records = []
    for _ in range(min(count, _MAX_RECORDS)):
        if at >= len(data) and cut_off:
            break
        owner, at = _name(data, at)
        if at + 10 > len(data):
            raise BadReply("too short")
        kind = data[at] << 8 | data[at + 1]
        group = data[at + 2] << 8 | data[at + 3]
        seconds = data[at + 4] << 24 | data[at + 5] << 16 | data[at + 6] << 8 | data[at + 7]
        length = data[at + 8] << 8 | data[at + 9]
        at += 10
        if at + length > len(data):
            raise BadReply("too short")
        if seconds >> 31:
            seconds = 0  # RFC 2181 section 8
        if group == _IN and kind == _A and length == 4:
            value = "%d.%d.%d.%d" % (data[at], data[at + 1], data[at + 2], data[at + 3])
            records.append((owner, kind, seconds, value))
        elif group == _IN and kind == _CNAME:
            records.append((owner, kind, seconds, _name(data, at)[0]))
        at += length
    return records


def _follow(records, name):
    """The addresses of a name, through its aliases, with the least of their times."""
    least = None
    for _ in range(_MAX_ALIASES):
        addresses = []
        alias = None
        for owner, kind, seconds, value in records:
            if owner == name and (kind == _A or alias is None):
                if kind == _A:
                    addresses.append(value)
                else:
                    alias = value
                least = seconds if least is None else min(least, seconds)
        if addresses:
            return addresses[:MAX_ADDRESSES], least
        if alias is None:
            break
        name = alias
    return [], 0


def _name(data, at):
    """The name at a place, lower case as labels with their lengths, and the place behind it."""
    parts = []
    total = 0
    behind = None
    lowest = at  # a pointer leads to before all that was read of the name
    while True:
        if at >= len(data):
            raise BadReply("too short")
        length = data[at]
        if length >= 0xC0:
            if at + 1 >= len(data):
                raise BadReply("too short")
            target = (length & 0x3F) << 8 | data[at + 1]
            if behind is None:
                behind = at + 2
            if not _HEAD_BYTES <= target < lowest:
                raise BadReply("a pointer that does not lead back")
            at = lowest = target
            continue
        if length > 63:
            raise BadReply("no label")
        end = at + 1 + length
        total += 1 + length
        if end > len(data) or total > _MAX_NAME:
            raise BadReply("too long")
        parts.append(bytes(data[at:end]).lower())
        at = end
        if not length:
            return b"".join(parts), at if behind is None else behind
