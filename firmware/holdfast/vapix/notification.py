"""An event as `events:notify` (VAPIX Event streaming over WebSocket, "Event notification syntax").

All values are JSON strings, booleans "0" and "1". `source`, `key` and `timestamp` are always
there: the page calls them optional, real clients fail without them.

While the time is not known, the page allows local time or no timestamp. Here it is the local time
of a clock that nobody has set: it begins at 1970 with the start of the module. So a timestamp
before the year 2000 says how long after the start something was, and the answers of the module
have no `Date` then. Once the time is known, timestamps are UTC, those of earlier events, too.
"""

from holdfast.core.events import DATA, SOURCE, TOPIC
from holdfast.wire import websocket
from holdfast.wire.json import quote


def notify(declared, data, timestamp_ms, more="", cause=None):
    """The WebSocket frame for a property's value; timestamp: ms since 1970 UTC, or since the
    start while the time is not known.

    more: further members of `notification` as text, each with its leading comma. cause: of a lost
    heartbeat, an item of our own behind the vendor's.
    """
    topic = declared.topic
    data = quote(data)
    if cause is not None:
        data += ',"cause":' + quote(cause)
    source = ""
    if declared.source is not None:
        source = '"%s":%s' % (topic[SOURCE], quote(declared.source))
    return websocket.frame(
        websocket.TEXT,
        (
            '{"apiVersion":"1.0","method":"events:notify","params":{"notification":{"timestamp":%d,'
            '"topic":"%s","message":{"source":{%s},"key":{},"data":{"%s":%s}}%s}}}'
            % (timestamp_ms, topic[TOPIC], source, topic[DATA], data, more)
        ).encode(),
    )
