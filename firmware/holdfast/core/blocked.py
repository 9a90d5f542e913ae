"""Rules that a lock keeps from what they are for: a master's loss triggers them, and the output
that they move takes no command while that master is lost.

They are no error: VAPIX clients expect success, and a later change may unlock the output. But
nobody is to believe that such a rule works: it is told in the event log when settings make it one
(core.adoption), and for as long as it is one in the status (own.status). Loaded for that.
"""

from holdfast.core.events import HEARTBEAT, VALUES
from holdfast.core.rules import NOTIFY, matches
from holdfast.core.topicfilter import asks


def blocked(module, rule):
    """Why a Rule has no effect at a loss; None for one that has, or that no loss triggers."""
    action = rule.action
    if action[0] == NOTIFY or not _by_loss(module.events.properties, rule):
        return None
    port = module.ports[action[1]]
    if not port.fallback.locked:
        return None
    return "port %s is locked while %s is lost" % (port.id, port.fallback.master or "a master")


def _by_loss(properties, rule):
    """True when the rule needs that a master is lost."""
    for declared in properties:
        if declared.topic is HEARTBEAT:
            break
    no, yes = HEARTBEAT[VALUES]
    for condition in rule.conditions:
        if _needs(condition, properties, declared, no, yes, True):
            return True
    start = rule.start
    return start is not None and _needs(start, properties, declared, no, yes, False)


def _needs(asked, properties, declared, no, yes, stateful):
    flags, topics, content = asked
    return (
        asks(flags, topics, properties, declared)
        and matches(content, declared, yes, stateful)
        and not matches(content, declared, no, stateful)
    )
