"""The queues of the uplinks in flash: which notifications wait, a line each.

    <link> <which action> <when, ms since 1970 UTC, 0: not known>

An action is told by the beginning of a hash over all that it sends, and where to: its message and
its passwords stay in the settings alone. One that is in no rule any more when the module starts is
gone, and so is a line that is damaged; both are counted. Written whole under a new name, then
renamed: the old queues or the new ones are there, whenever the power goes.
"""

import hashlib
from binascii import hexlify

from holdfast.core.rules import NOTIFY

NAME = "uplinks.queue"
_NEW = "uplinks.new"


def save(storage, links, now, epoch_ms):
    """Write what waits; True when flash was touched. OSError. epoch_ms: what makes UTC of now."""
    lines = []
    for link in links.links:
        for action, at, _, _ in link.queue:
            utc = at + epoch_ms if epoch_ms and at is not None else 0
            lines.append("%s %s %d\n" % (link.name, mark(action), utc))
    if lines:
        storage.write(_NEW, "".join(lines).encode())
        storage.rename(_NEW, NAME)
    elif storage.read(NAME) is not None:
        storage.remove(NAME)
    else:
        return False
    return True


def load(storage, links, rules, epoch_ms, now):
    """Put what waited back into the queues; how many lines were of no use any more."""
    data = storage.read(NAME)
    actions = {}
    for rule in () if rules is None else rules.rules:
        if rule.action[0] == NOTIFY:
            actions[mark(rule.action)] = rule.action
    lost = 0
    for line in (data or b"").split(b"\n")[:-1]:
        try:
            name, which, utc = line.decode().split(" ")
            utc = int(utc)
        except ValueError:  # UnicodeError is one
            lost += 1
            continue
        action = actions.get(which)
        # Negative on the module's clock: it was before the start. None: nobody knows when.
        at = utc - epoch_ms if utc and epoch_ms else None
        if action is None or not links.restore(name, action, at, now):
            lost += 1
    return lost


def mark(action):
    """16 hex digits for an action."""
    text = "\n".join([str(part) for part in action])
    return hexlify(hashlib.sha256(text.encode()).digest()[:8]).decode()
