"""Which events there are: `aev:GetEventInstances` (VAPIX Event and action services, Event data
streaming), made of the same rows and properties that the event system works with.
"""

from holdfast.core.events import (
    DATA,
    DIGITAL_INPUT,
    HEARTBEAT,
    OUTPUT_PORT,
    PORT,
    RELAY,
    SOURCE,
    SYSTEM_READY,
    TOPIC,
    VIRTUAL_INPUT,
    VIRTUAL_PORT,
)
from holdfast.core.topics import MONITOR, OVERFLOW, UPLINK
from holdfast.wire.xml import escape

# How topics are declared, in one text each: names for people of topic, source and data, with types
# where they have one, and "application" for application data.
DETAILS = {
    HEARTBEAT[TOPIC]: "Heartbeat||Heartbeat lost,xsd:boolean|",
    SYSTEM_READY[TOPIC]: "System ready||Ready,xsd:boolean|",
    PORT[TOPIC]: "Digital port|Port,xsd:int|State,xsd:boolean|",
    OUTPUT_PORT[TOPIC]: "Output port|Port,xsd:int|State,xsd:string|",
    VIRTUAL_INPUT[TOPIC]: "Virtual input|Number,xsd:int|Active,xsd:boolean|",
    VIRTUAL_PORT[TOPIC]: "Manual trigger|Number,xsd:int|State,xsd:boolean|",
    DIGITAL_INPUT[TOPIC]: "Digital input|Input,xsd:string|Active,xsd:boolean|application",
    RELAY[TOPIC]: "Relays and outputs|Output,xsd:string|State,tt:RelayLogicalState|",
    UPLINK[TOPIC]: "Uplink|Name,xsd:string|Up,xsd:boolean|",
    OVERFLOW[TOPIC]: "Queued notifications lost|Name,xsd:string|Lost,xsd:boolean|",
    MONITOR[TOPIC]: "Monitor|Monitor,xsd:string|State,xsd:string|",
}

_OURS = ' xmlns:tnsholdfast="urn:holdfast:event:topics"'


class EventInstances:
    """events: the EventSystem."""

    def __init__(self, events):
        self._events = events

    def get_event_instances(self, caller, element, now):
        """The tree of all topics, each with the values of its source, as XML texts."""
        return self._tree

    def _tree(self):
        # As they are now: others have their turn meanwhile.
        properties = [row for row in self._events.properties if not row.gone()]
        rows = {row.topic[TOPIC]: row.topic for row in properties}
        yield "<wstop:TopicSet>"
        path = []  # of the elements that are open
        for topic in sorted(rows):
            steps = topic.split("/")
            shared = 0
            while path[shared : shared + 1] == steps[shared : shared + 1]:
                shared += 1
            yield from _close(path, shared)
            for step in steps[shared:-1]:
                yield '<%s aev:NiceName="%s">' % (_named(step), step.split(":")[-1])
            path = steps[:-1]
            yield from _declare(steps[-1], rows[topic], properties)
            yield ""
        yield from _close(path, 0)
        yield "</wstop:TopicSet>"


def _named(step):
    """The name of an element; ours says what its prefix means, the envelope says the others."""
    return step + _OURS if step.startswith("tnsholdfast:") else step


def _close(path, keep):
    """Close the open elements but the outer `keep`."""
    for step in reversed(path[keep:]):
        yield "</%s>" % step


def _declare(name, row, properties):
    """One topic: a property, its source with all values, its data."""
    nice, source, data, application = DETAILS[row[TOPIC]].split("|")
    yield '<%s wstop:topic="true" aev:NiceName="%s"' % (name, nice)
    if application:
        yield ' aev:isApplicationData="true"'
    yield '><aev:MessageInstance aev:isProperty="true">'
    if source:
        yield "<aev:SourceInstance>"
        yield _item(source, row[SOURCE])
        yield ">"
        for declared in properties:
            if declared.source is not None and declared.topic[TOPIC] == row[TOPIC]:
                yield "<aev:Value>%s</aev:Value>" % escape(declared.source)
        yield "</aev:SimpleItemInstance></aev:SourceInstance>"
    yield "<aev:DataInstance>"
    yield _item(data, row[DATA])
    yield ' isPropertyState="true"/></aev:DataInstance></aev:MessageInstance></%s>' % name


def _item(details, name):
    """The beginning of an item, up to its last attribute."""
    nice, kind = details.split(",")
    return '<aev:SimpleItemInstance aev:NiceName="%s" Type="%s" Name="%s"' % (nice, kind, name)
