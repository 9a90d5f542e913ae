"""All topics: those of core.events, which every module has, and our own, of uplinks and monitors.

Loaded with these, and for whoever looks at all of them.
"""

from holdfast.core.events import (
    DIGITAL_INPUT,
    HEARTBEAT,
    OUTPUT_PORT,
    PORT,
    RELAY,
    REMOVED,
    SYSTEM_READY,
    VIRTUAL_INPUT,
    VIRTUAL_PORT,
)

_BOOLEAN = ("0", "1")
UPLINK = (
    "tns1:Device/tnsholdfast:Uplink/Link",
    "name",
    "up",
    _BOOLEAN,
)
OVERFLOW = (
    "tns1:Device/tnsholdfast:Uplink/Overflow",
    "name",
    "lost",
    _BOOLEAN,
)
# Ours; by the name a monitor is known by, because its id is a secret. See core.monitors.
MONITOR = (
    "tns1:Device/tnsholdfast:Monitor/State",
    "monitor",
    "state",
    ("up", "down", "new", "late", "paused", REMOVED),
)
TOPICS = (
    HEARTBEAT,
    SYSTEM_READY,
    PORT,
    OUTPUT_PORT,
    VIRTUAL_INPUT,
    VIRTUAL_PORT,
    DIGITAL_INPUT,
    RELAY,
    UPLINK,
    OVERFLOW,
    MONITOR,
)
