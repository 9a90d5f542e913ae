"""The one event system: declared properties, their current values, and the changes not yet told.

A property (ONVIF Core, "property events") is one stateful instance of a topic: `IO/Port` of port
4, say. Its value is kept; only a change of it makes an event, a tuple `(property, data, at,
number)`: what, the new value as text, the time in ms at which it became true (not when it was
noticed), and a number that counts the events since the start.
"""

from micropython import const

HISTORY_KEPT = const(64)  # changes, for those who were away for a moment

# The fields of a row of TOPICS. Everybody who declares, filters or lists events reads these rows.
TOPIC = const(0)  # child topics without prefix, as real devices emit them
NICE_NAME = const(1)  # for people
SOURCE = const(2)  # (name of the source item, nice name, type), None: there is no source
DATA = const(3)  # (name of the data item, nice name, type)
VALUES = const(4)  # the data while inactive and while active
APPLICATION_DATA = const(5)  # True: meant for applications, as the declaration says

# VAPIX "Input and outputs" and "Heartbeat service API"; ONVIF Device I/O for the two triggers.
_BOOLEAN = ("0", "1")
_PORT_SOURCE = ("port", "Port", "xsd:int")
_STATE = ("state", "State", "xsd:boolean")
HEARTBEAT = (
    "tns1:Device/tnsaxis:Monitor/Heartbeat",
    "Heartbeat",
    None,
    ("lost", "Heartbeat lost", "xsd:boolean"),
    _BOOLEAN,
    False,
)
SYSTEM_READY = (
    "tns1:Device/tnsaxis:Status/SystemReady",
    "System ready",
    None,
    ("ready", "Ready", "xsd:boolean"),
    _BOOLEAN,
    False,
)
PORT = ("tns1:Device/tnsaxis:IO/Port", "Digital port", _PORT_SOURCE, _STATE, _BOOLEAN, False)
OUTPUT_PORT = (
    "tns1:Device/tnsaxis:IO/OutputPort",
    "Output port",
    _PORT_SOURCE,
    ("state", "State", "xsd:string"),
    ("low", "high"),
    False,
)
VIRTUAL_INPUT = (
    "tns1:Device/tnsaxis:IO/VirtualInput",
    "Virtual input",
    ("port", "Virtual input number", "xsd:int"),
    ("active", "Active", "xsd:boolean"),
    _BOOLEAN,
    False,
)
VIRTUAL_PORT = (
    "tns1:Device/tnsaxis:IO/VirtualPort",
    "Manual trigger",
    ("port", "Virtual port number", "xsd:int"),
    _STATE,
    _BOOLEAN,
    False,
)
DIGITAL_INPUT = (
    "tns1:Device/Trigger/DigitalInput",
    "Digital input",
    ("InputToken", "Input", "xsd:string"),
    ("LogicalState", "Active", "xsd:boolean"),
    _BOOLEAN,
    True,
)
RELAY = (
    "tns1:Device/Trigger/Relay",
    "Relays and outputs",
    ("RelayToken", "Output", "xsd:string"),
    ("LogicalState", "State", "tt:RelayLogicalState"),
    ("inactive", "active"),
    False,
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
)


class Property:
    """One declared property: a row of TOPICS, its source value or None, and the current value."""

    def __init__(self, index, topic, source, data, at):
        self.index = index
        self.topic = topic
        self.source = source
        self.data = data
        self.at = at

    def items(self, data):
        """The (name, value) pairs of an event of this property: what a content filter looks at."""
        item = (self.topic[DATA][0], data)
        if self.source is None:
            return (item,)
        return ((self.topic[SOURCE][0], self.source), item)


class EventSystem:
    """All properties in order of declaration, and the changes since the last `take()`.

    `sequence` is the number of the latest; `history` are the latest, oldest first, None until
    somebody calls `remember()`.
    """

    def __init__(self):
        self.properties = []
        self.sequence = 0
        self.history = None
        self._changes = []

    def declare(self, topic, source, active, at):
        """Add a property with its first value; that is state, not an event."""
        data = topic[VALUES][1 if active else 0]
        declared = Property(len(self.properties), topic, source, data, at)
        self.properties.append(declared)
        return declared

    def set(self, changed, active, at):
        """Make a property active or not at time `at`; the same value twice is silence."""
        data = changed.topic[VALUES][1 if active else 0]
        if changed.data != data:
            changed.data = data
            changed.at = at
            self.sequence += 1
            change = (changed, data, at, self.sequence)
            self._changes.append(change)
            if self.history is not None:
                if len(self.history) >= HISTORY_KEPT:
                    self.history.pop(0)
                self.history.append(change)

    def remember(self):
        """From now on keep a history."""
        if self.history is None:
            self.history = []

    def take(self):
        """Return the changes not yet taken, oldest first."""
        changes = self._changes
        if changes:
            self._changes = []
        return changes
