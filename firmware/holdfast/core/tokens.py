"""Bearer tokens (RFC 6750): what each may, and which one somebody shows."""

import hashlib

from micropython import const

# Each may what the ones before it may.
PING = const(0)  # to check in by slug, and to make a monitor by that: healthchecks.io's ping key
VIEWER = const(1)  # to read
OPERATOR = const(2)  # to make, change and remove monitors
ROLES = ("ping", "viewer", "operator")


def token_row(rows, token):
    """The row `(name, role, sha256)` of a token (text), None when it is nobody's.

    All rows are compared, each to its end: how long that takes tells nothing.
    """
    digest = hashlib.sha256(token.encode()).digest()
    found = None
    for row in rows:
        differs = 0
        for mine, theirs in zip(row[2], digest):
            differs |= mine ^ theirs
        if differs == 0:
            found = row
    return found
