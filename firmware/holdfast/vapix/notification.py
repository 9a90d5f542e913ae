"""An event as `events:notify` (VAPIX Event streaming over WebSocket, "Event notification syntax").

All values are JSON strings, booleans "0" and "1". `source`, `key` and `timestamp` are always
there: the page calls them optional, real clients fail without them.
"""

from holdfast.wire import websocket
from holdfast.wire.json import quote


def notify(declared, data, timestamp_ms):
    """The WebSocket frame for a property's value; timestamp: ms since 1970 UTC, or since start."""
    topic, source_name, data_name, _ = declared.topic
    source = "" if source_name is None else '"%s":%s' % (source_name, quote(declared.source))
    return websocket.frame(
        websocket.TEXT,
        (
            '{"apiVersion":"1.0","method":"events:notify","params":{"notification":{"timestamp":%d,'
            '"topic":"%s","message":{"source":{%s},"key":{},"data":{"%s":%s}}}}}'
            % (timestamp_ms, topic, source, data_name, quote(data))
        ).encode(),
    )


def items(declared, data):
    """The (name, value) pairs of a property's value that a content filter looks at."""
    _, source_name, data_name, _ = declared.topic
    if source_name is None:
        return ((data_name, data),)
    return ((source_name, declared.source), (data_name, data))
