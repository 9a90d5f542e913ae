"""An event as `events:notify`."""

from holdfast.vapix.notification import notify
from holdfast.wire.json import loads
from makers import module


def test_a_notification_has_every_member_that_real_clients_need():
    port = module().events.properties[2]
    frame = notify(port, "1", 1639385866198)
    assert frame[:2] == b"\x81\x7e"  # a final text frame with a 16-bit length
    assert loads(frame[4:]) == {
        "apiVersion": "1.0",
        "method": "events:notify",
        "params": {
            "notification": {
                "timestamp": 1639385866198,
                "topic": "tns1:Device/tnsaxis:IO/Port",
                "message": {"source": {"port": "0"}, "key": {}, "data": {"state": "1"}},
            }
        },
    }


def test_an_event_without_source_says_so_with_an_empty_object():
    heartbeat = module().events.properties[0]
    message = loads(notify(heartbeat, "0", 5)[4:])["params"]["notification"]["message"]
    assert message == {"source": {}, "key": {}, "data": {"lost": "0"}}


def test_a_cause_stands_behind_the_vendors_item():
    heartbeat = module().events.properties[0]
    frame = notify(heartbeat, "1", 5, cause='no "heartbeat"')
    assert b'"data":{"lost":"1","cause":"no \\"heartbeat\\""}' in frame
