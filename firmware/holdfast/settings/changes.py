"""What of changed settings waits for the next start: the counterpart of core.reconfigure.

Loaded when somebody replaces settings, and let go again.
"""

# What a running module takes over, see core.reconfigure and the app. All else is read at a start.
_AT_ONCE = (
    "name",
    "realm",
    "accounts",
    "rules",
    "actions",
    "monitors",
    "uplinks",
    "time",
    "login",
    "checksum",
)
# Of `heartbeat` the others count at once: whose heartbeat counts.
_HEARTBEAT_LATE = ("shortest", "longest")
_PORT_AT_ONCE = ("name", "usage", "normal", "debounce", "fallback")


def late(document, secure):
    """{path: value} of what is read at the start only; document: a JSON object, checked or not;
    secure: TLS is served, so that another certificate counts from the next connection on.
    """
    found = {}
    for key in document:
        if key == "ports" and isinstance(document[key], dict):
            for port in document[key]:
                row = document[key][port]
                for name in row if isinstance(row, dict) else ():
                    if name not in _PORT_AT_ONCE:
                        found["ports.%s.%s" % (port, name)] = row[name]
        elif key == "heartbeat" and isinstance(document[key], dict):
            for name in _HEARTBEAT_LATE:
                if name in document[key]:
                    found["heartbeat." + name] = document[key][name]
        elif key == "tls" and secure:
            tls = document[key]
            if tls is not None:
                found[key] = True
            if isinstance(tls, dict) and tls.get("http", False) is not False:
                found["tls.http"] = tls["http"]
        elif key not in _AT_ONCE:
            found[key] = document[key]
    return found


def waits(before, after):
    """The paths, in order, whose values differ between two results of `late`."""
    paths = [path for path in before if path not in after or after[path] != before[path]]
    paths += [path for path in after if path not in before]
    return sorted(paths)


def merge(document, patch):
    """A JSON merge patch (RFC 7396) applied: a new object, made of parts of both, which stay."""
    merged = {}
    for key in document:
        merged[key] = document[key]
    for key in patch:
        value = patch[key]
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            old = merged.get(key)
            merged[key] = merge(old if isinstance(old, dict) else {}, value)
        else:
            merged[key] = value
    return merged
