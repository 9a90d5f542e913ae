"""Rules that a lock makes useless: a loss triggers them, and the output that they move takes no
command during that loss.

A change of settings that makes such a rule is refused, whichever part of it does so: the rule, or
the lock (see settings.schema_rules). Settings that a start finds are taken as they are, and what
is useless in them is told: in the event log (core.reconfigure), in the status, and from there on
the page and by the command. Loaded for that.
"""

from holdfast.core.events import HEARTBEAT, TOPIC, VALUES, Property
from holdfast.core.rules import NOTIFY, matches
from holdfast.core.topicfilter import topic_matches


def blocked(owner, rule):
    """Why a Rule has no effect at a loss; None for one that has, or that no loss triggers. owner:
    whose `ports` it moves and who has `named` masters, a Module or Settings.
    """
    action = rule.action
    if action[0] == NOTIFY or not _by_loss(rule):
        return None
    fallback = owner.ports[action[1]].fallback
    if not fallback.locked or fallback.master is not None and len(owner.named) > 1:
        return None  # the loss of another master finds the output free
    return "port %d is locked while %s is lost" % (action[1], fallback.master or "a master")


def _by_loss(rule):
    """True when the rule needs that a master is lost."""
    for condition in rule.conditions:
        if _needs(condition, True):
            return True
    return rule.start is not None and _needs(rule.start, False)


def _needs(asked, stateful):
    """True for a filter, (flags, topics, content, ...), that a loss meets and its end does not."""
    topics, content = asked[1:3]
    no, yes = HEARTBEAT[VALUES]
    declared = Property(HEARTBEAT, None, no, 0)
    return (
        topic_matches(topics, HEARTBEAT[TOPIC])
        and matches(content, declared, yes, stateful)
        and not matches(content, declared, no, stateful)
    )
