"""What a change of settings means: merge patches, who applies a changed key to the running module,
and what waits for the next start.

Loaded for a change, and let go again.
"""

# Who applies changed keys at once, in this order; see apply.py. `ports.*` is any port. A key that
# stands nowhere here is read at a start alone.
APPLIED = (
    ("logins", "accounts realm login monitors"),
    (
        "module",
        "name rules actions uplinks heartbeat.masters heartbeat.needed heartbeat.first_within"
        " heartbeat.return_after heartbeat.stagger ports.*.name ports.*.usage ports.*.normal"
        " ports.*.debounce ports.*.fallback",
    ),
    ("sender", "rules actions uplinks"),
    ("clock", "time"),
    ("certificate", "tls.certificate tls.key"),  # where TLS is served
)


def late(document: dict, secure: bool) -> dict:
    """{path: value} of what is read at the start only; document: a JSON object, checked or not;
    secure: TLS is served, so that another certificate counts from the next connection on.
    """
    at_once = " %s " % " ".join([keys for _, keys in APPLIED])
    found = {}
    for key, value in document.items():
        if key == "tls" and secure:
            if value is not None:
                found[key] = True  # listening begins and ends with a start
            if isinstance(value, dict) and value.get("http", False) is not False:
                found["tls.http"] = value["http"]
        elif key == "ports" and isinstance(value, dict):
            for port in value:
                _late("ports.%s." % port, "ports.*.", value[port], at_once, found)
        elif key == "heartbeat" and isinstance(value, dict):
            _late("heartbeat.", "heartbeat.", value, at_once, found)
        elif " %s " % key not in at_once:
            found[key] = value
    return found


def _late(path, pattern, row, at_once, found):
    for name in row if isinstance(row, dict) else ():
        if " %s%s " % (pattern, name) not in at_once:
            found[path + name] = row[name]


def waits(before: dict, after: dict) -> list[str]:
    """The paths, in order, whose values differ between two results of `late`."""
    paths = [path for path in before if path not in after or after[path] != before[path]]
    paths += [path for path in after if path not in before]
    return sorted(paths)


def merge(document: dict, patch: dict) -> dict:
    """A JSON merge patch (RFC 7396) applied: a new object, made of parts of both, which stay."""
    merged = dict(document)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            old = merged.get(key)
            merged[key] = merge(old if isinstance(old, dict) else {}, value)
        else:
            merged[key] = value
    return merged
