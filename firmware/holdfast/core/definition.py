"""What a monitor is told, checked: Pinghome's fields, and two more. Pure; loaded when one is made
or changed.

    grace            seconds after the interval in which it is late, and not yet down
    wait_for_first   true: while it is new it waits for its first check-in for ever, as
                     healthchecks.io has it; false, unless told: that one is due within the
                     first interval, as Pinghome has it
"""

from micropython import const

from holdfast.core.checkins import PAUSED, Refused
from holdfast.core.text import printable

MAX_MONITORS = const(32)
MAX_TEXT = const(64)  # characters of a name or a service_id; the document's are UUIDs
MAX_S = const(31536000)  # a year, of an interval or a grace time, as healthchecks.io has it
_INTERVAL_S = const(60)  # as in Pinghome's examples
# The last one is in Pinghome's example of an update, and means nothing.
_FIELDS = ("service_id", "name", "interval", "grace", "enabled", "wait_for_first", "methods")


def definition(fields, monitor=None):
    """(service, name, interval_s, grace_s, enabled, waits) of a dict of fields; Refused. What is
    not there stays as it is; of a new monitor service_id and name have to be there.
    """
    for field in fields:
        if field not in _FIELDS:
            raise Refused(field, "unknown field; known are: " + ", ".join(_FIELDS[:-1]))
    if monitor is None:
        before = (None, None, _INTERVAL_S, 0, True, False)
    else:
        before = (
            monitor.service,
            monitor.name,
            monitor.interval_ms // 1000,
            monitor.grace_ms // 1000,
            monitor.state != PAUSED,
            monitor.waits,
        )
    service = _text(fields, "service_id", before[0])
    name = _text(fields, "name", before[1])
    interval_s = _seconds(fields, "interval", before[2], 1)
    grace_s = _seconds(fields, "grace", before[3], 0)
    enabled = _truth(fields, "enabled", before[4])
    waits = _truth(fields, "wait_for_first", before[5])
    return service, name, interval_s, grace_s, enabled, waits


def _truth(fields, field, before):
    value = fields.get(field, before)
    if not isinstance(value, bool):
        raise Refused(field, "must be true or false")
    return value


def _text(fields, field, before):
    value = fields.get(field, before)
    if value is None and field not in fields:
        raise Refused(field, "is required")
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not printable(value):
        raise Refused(field, "must be text of 1 to %d characters" % MAX_TEXT)
    return value


def _seconds(fields, field, before, low):
    value = fields.get(field, before)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= MAX_S:
        raise Refused(field, "must be an integer from %d to %d, in seconds" % (low, MAX_S))
    return value


def room(monitors, service, name, monitor=None):
    """Refused when there is no room for one more (monitor None), or the service has another one
    of this name.
    """
    if monitor is None and len(monitors) >= MAX_MONITORS:
        raise Refused("id", "there are %d monitors, and no more can be made" % MAX_MONITORS, True)
    for other in monitors:
        if other is not monitor and (other.service, other.name) == (service, name):
            raise Refused("name", "the service has a monitor of this name", True)


def label(monitors, name, monitor=None):
    """What a monitor is called in events: its name, with a number where another one has it."""
    taken = [other.label for other in monitors if other is not monitor]
    if monitor is not None and monitor.name == name:
        return monitor.label
    given = name
    number = 1
    while given in taken:
        number += 1
        given = "%s (%d)" % (name, number)
    return given


def made(fields, monitors, monitor=None):
    """What a Monitor is made with behind number and id, of fields and, when it is changed, of what
    it was; Refused.
    """
    service, name, interval_s, grace_s, enabled, waits = definition(fields, monitor)
    for other in monitors:
        if other.service == service:
            service = other.service  # a text that many have is kept once
    room(monitors, service, name, monitor)
    return service, name, label(monitors, name, monitor), interval_s, grace_s, enabled, waits
