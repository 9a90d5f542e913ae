"""GetEventInstances: every topic once, with the values of its source."""

from holdfast.core.events import SOURCE, TOPIC
from holdfast.core.topics import TOPICS
from holdfast.vapix.eventinstances import DETAILS, EventInstances
from holdfast.wire.xml import parse
from makers import module

# The vendor's declaration of the heartbeat, as printed (VAPIX Heartbeat service API).
VENDOR = """<tns1:Device aev:NiceName="Device">
    <tnsaxis:Monitor aev:NiceName="Monitor">
        <Heartbeat wstop:topic="true" aev:NiceName="Heartbeat">
            <aev:MessageInstance aev:isProperty="true">
                <aev:DataInstance>
                    <aev:SimpleItemInstance
                        aev:NiceName="Heartbeat lost"
                        Type="xsd:boolean"
                        Name="lost"
                        isPropertyState="true" />
                </aev:DataInstance>
            </aev:MessageInstance>
        </Heartbeat>
    </tnsaxis:Monitor>
</tns1:Device>"""


def test_every_topic_says_how_it_is_declared():
    assert len(DETAILS) == len(TOPICS)
    for row in TOPICS:
        nice, source, data, application = DETAILS[row[TOPIC]].split("|")
        assert nice and application in ("", "application")
        assert len(data.split(",")) == 2
        assert len(source.split(",")) == (1 if row[SOURCE] is None else 2)


def instances(subject):
    return "".join(EventInstances(subject.events).get_event_instances(None, None, 0)())


def topics(element, path=()):
    """{path: element} of all that are topics."""
    found = {}
    for child in element.children:
        here = path + (child.name,)
        if child.attributes.get("topic") == "true":
            assert here not in found
            found[here] = child
        else:
            found.update(topics(child, here))
    return found


def same(one, other):
    return (
        one.name == other.name
        and one.attributes == other.attributes
        and len(one.children) == len(other.children)
        and all(same(a, b) for a, b in zip(one.children, other.children))
    )


def test_the_heartbeat_is_declared_as_the_vendor_prints_it():
    tree = parse(instances(module()).encode())
    assert tree.name == "TopicSet"
    device = tree.child("Device")
    wanted = parse(VENDOR.encode())
    assert device.attributes == wanted.attributes
    assert same(device.child("Monitor"), wanted.child("Monitor"))
    assert '<tnsaxis:Monitor aev:NiceName="Monitor">' in instances(module())


def test_every_declared_topic_is_there_once_with_its_sources():
    subject = module()
    found = topics(parse(instances(subject).encode()))
    wanted = {}
    for declared in subject.events.properties:
        steps = tuple([step.split(":")[-1] for step in declared.topic[TOPIC].split("/")])
        wanted.setdefault(steps, []).append(declared.source)
    assert set(found) == set(wanted)
    for path, element in found.items():
        message = element.child("MessageInstance")
        assert message.attributes == {"isProperty": "true"}
        data = message.child("DataInstance").child("SimpleItemInstance").attributes
        assert data["isPropertyState"] == "true" and data["Name"] and data["Type"]
        source = message.child("SourceInstance")
        values = [None]
        if source is not None:
            values = [value.text for value in source.children[0].all("Value")]
        assert values == wanted[path]
    assert found[("Device", "Trigger", "DigitalInput")].attributes["isApplicationData"] == "true"
    assert found[("Device", "IO", "Port")].child("MessageInstance").child("SourceInstance")


def test_parents_are_shared():
    text = instances(module())
    for parent in ("tns1:Device", "tnsaxis:IO", "tnsaxis:Monitor", "Trigger"):
        assert text.count("<%s aev:NiceName=" % parent) == 1
        assert text.count("</%s>" % parent) == 1
