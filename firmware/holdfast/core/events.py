"""The one event system: declared properties, their current values, and the changes not yet told.

A property (ONVIF Core, "property events") is one stateful instance of a topic: `IO/Port` of port
4, say. Its value is kept; only a change of it makes an event, a tuple `(property, data, at)`:
what, the new value as text, and the time in ms at which it became true (not when it was noticed).
"""

# Rows: topic, name of the source item (None: no source), name of the data item, its type. VAPIX
# "Input and outputs" and "Heartbeat service API"; child topics without prefix, as real devices
# emit them.
HEARTBEAT = ("tns1:Device/tnsaxis:Monitor/Heartbeat", None, "lost", "xsd:boolean")
PORT = ("tns1:Device/tnsaxis:IO/Port", "port", "state", "xsd:boolean")
DIGITAL_INPUT = ("tns1:Device/Trigger/DigitalInput", "InputToken", "LogicalState", "xsd:boolean")
RELAY = ("tns1:Device/Trigger/Relay", "RelayToken", "LogicalState", "tt:RelayLogicalState")
TOPICS = (HEARTBEAT, PORT, DIGITAL_INPUT, RELAY)


class Property:
    """One declared property: a row of TOPICS, its source value or None, and the current value."""

    def __init__(self, index, topic, source, data, at):
        self.index = index
        self.topic = topic
        self.source = source
        self.data = data
        self.at = at


class EventSystem:
    """All properties in order of declaration, and the changes since the last `take()`."""

    def __init__(self):
        self.properties = []
        self._changes = []

    def declare(self, topic, source, data, at):
        """Add a property with its first value; that is state, not an event."""
        declared = Property(len(self.properties), topic, source, data, at)
        self.properties.append(declared)
        return declared

    def set(self, changed, data, at):
        """Give a property its value at time `at`; the same value twice is silence."""
        if changed.data != data:
            changed.data = data
            changed.at = at
            self._changes.append((changed, data, at))

    def take(self):
        """Return the changes not yet taken, oldest first."""
        changes = self._changes
        if changes:
            self._changes = []
        return changes
