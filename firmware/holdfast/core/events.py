"""The one event system: declared properties, their current values, and the changes not yet told.

A property (ONVIF Core, "property events") is one stateful instance of a topic: `IO/Port` of port
4, say. Its value is kept; only a change of it makes an event, a tuple `(property, data, at,
number)`: what, the new value as text, the time in ms at which it became true (not when it was
noticed), and a number that counts the events since the start.
"""

from micropython import const

HISTORY_KEPT = const(64)  # changes, for those who were away for a moment

# The data of a property that was withdrawn, as its last event says.
REMOVED = "removed"

# The fields of a topic's row. Everybody who declares, filters or lists events reads these rows.
TOPIC = const(0)  # child topics without prefix, as real devices emit them
SOURCE = const(1)  # name of the source item, None: there is no source
DATA = const(2)  # name of the data item
VALUES = const(3)  # the data while inactive and while active, then of further states

# VAPIX "Input and outputs" and "Heartbeat service API"; ONVIF Device I/O for the two triggers. Our
# own are in core.topics.
_BOOLEAN = ("0", "1")
HEARTBEAT = (
    "tns1:Device/tnsaxis:Monitor/Heartbeat",
    None,
    "lost",
    _BOOLEAN,
)
SYSTEM_READY = (
    "tns1:Device/tnsaxis:Status/SystemReady",
    None,
    "ready",
    _BOOLEAN,
)
PORT = (
    "tns1:Device/tnsaxis:IO/Port",
    "port",
    "state",
    _BOOLEAN,
)
OUTPUT_PORT = (
    "tns1:Device/tnsaxis:IO/OutputPort",
    "port",
    "state",
    ("low", "high"),
)
VIRTUAL_INPUT = (
    "tns1:Device/tnsaxis:IO/VirtualInput",
    "port",
    "active",
    _BOOLEAN,
)
VIRTUAL_PORT = (
    "tns1:Device/tnsaxis:IO/VirtualPort",
    "port",
    "state",
    _BOOLEAN,
)
DIGITAL_INPUT = (
    "tns1:Device/Trigger/DigitalInput",
    "InputToken",
    "LogicalState",
    _BOOLEAN,
)
RELAY = (
    "tns1:Device/Trigger/Relay",
    "RelayToken",
    "LogicalState",
    ("inactive", "active"),
)


class Property:
    """One declared property: its topic's row, its source value or None, and the current value."""

    def __init__(self, topic, source, data, at):
        self.topic = topic
        self.source = source
        self.data = data
        self.at = at

    def gone(self):
        """True when it was withdrawn: it only keeps its place in the list."""
        return self.data == REMOVED

    def items(self, data):
        """The (name, value) pairs of an event of this property: what a content filter looks at."""
        item = (self.topic[DATA], data)
        if self.source is None:
            return (item,)
        return ((self.topic[SOURCE], self.source), item)


class EventSystem:
    """All properties in order of declaration, and the changes since the last `take()`.

    `sequence` is the number of the latest; `history` are the latest, oldest first, None until
    somebody calls `remember()`. `trips`: of core.module, for the cause of a loss.
    """

    def __init__(self):
        self.trips = []
        self.properties = []
        self.topics = []  # of them, each once
        self.sequence = 0
        self.history = None
        self._changes = []

    def declare(self, topic, source, active, at):
        """Add a property with its first value; that is state, not an event.

        active: or the number of one of the topic's VALUES.
        """
        declared = Property(topic, source, topic[VALUES][int(active)], at)
        if topic not in self.topics:
            self.topics.append(topic)
        self.properties.append(declared)
        return declared

    def add(self, topic, source, active, at):
        """As `declare` while others listen: its first value is an event. It takes the place of one
        of its topic that was withdrawn, so that what is known of the topic at that place holds.
        """
        for place, declared in enumerate(self.properties):
            if declared.topic is topic and declared.gone():
                declared = Property(topic, source, topic[VALUES][int(active)], at)
                self.properties[place] = declared
                break
        else:
            declared = self.declare(topic, source, active, at)
        self.change(declared, declared.data, at)
        return declared

    def set(self, changed, active, at):
        """Make a property active or not at time `at`, or give it one of the topic's VALUES by its
        number; the same value twice is silence. None: it is no more, as its last event says.
        """
        data = REMOVED if active is None else changed.topic[VALUES][int(active)]
        if changed.data != data:
            self.change(changed, data, at)
            changed.data = data
            changed.at = at

    def change(self, changed, data, at):
        """An event: the property has this value now. Without memory for it there was none."""
        number = self.sequence + 1
        change = (changed, data, at, number)
        history = self.history
        if history is not None:
            if len(history) >= HISTORY_KEPT:
                history.pop(0)
            history.append(change)
        try:
            self._changes.append(change)
        except MemoryError:
            if history is not None:
                history.pop()
            raise
        self.sequence = number

    def remember(self):
        """From now on keep a history."""
        if self.history is None:
            self.history = []

    def pending(self):
        """True when there are changes not yet taken."""
        return len(self._changes) > 0

    def take(self):
        """Return the changes not yet taken, oldest first."""
        changes = self._changes
        if changes:
            self._changes = []
        return changes
