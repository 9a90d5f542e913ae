"""Settings that were changed while the module runs: what of them takes effect at once.

Loaded for a change and let go again. The electrical levels and power-on states of ports wait for
the next start. A timeline under way goes on; the new one counts from the next loss on, or from a
lock that ends what was commanded since the last one.
"""

from holdfast.core.accounts import ACTUATE
from holdfast.core.log import RULES
from holdfast.core.port import RELEASED
from holdfast.core.session import Session


def adopt(module, settings, now):
    """Take over names, usages, normal states, debounce times, fallbacks, masters and rules."""
    before = _blocked(module)
    for port, row in zip(module.ports, settings.ports):
        port.name = row.name
        port.usage = row.usage
        port.debounce_ms = row.debounce_ms
        port.fallback = row.fallback
        port.power_on = row.power_on
        if module.set_normal(port, row.normal, "settings", now) is not None:
            port.normal = row.normal  # locked: the circuit stays, what it means changes
            port.since = now
    module.prepare()
    _masters(module, settings.accounts, now)
    if module.rules is not None:
        _rules(module, settings.rules, now)
    elif settings.rules:
        from holdfast.core.rules import Rules

        module.rules = Rules(module, settings.rules, now)
    for row in _blocked(module):
        if row not in before:
            module.note(RULES, "%s, so then it does nothing: %s" % (row[1], row[0].who), now)


def _blocked(module):
    """The rules that have no effect at a loss, each with the reason."""
    if module.rules is None:
        return []
    from holdfast.core.blocked import blocked

    rows = [(rule, blocked(module, rule)) for rule in module.rules.rules]
    return [row for row in rows if row[1] is not None]


def _rules(module, rows, now):
    """A rule that stays goes on: with what it holds, its rest, and what it has yet to see. What
    one that goes has held is let go, unless another holds it.
    """
    from holdfast.core.rules import Rule

    rules = module.rules
    before = rules.rules
    after = [Rule(row, module.events.properties) for row in rows]
    for i, rule in enumerate(after):
        asked = _asked(rule)
        for known in before:
            if _asked(known) == asked:
                after[i] = known
    rules.begin(after, now)
    kept = [rule.action for rule in after if rule.on]
    for rule in before:
        if rule.on and rule not in after and rule.action not in kept:
            rule.on = False
            rules.fire(rule, None, None, now, now)


def _asked(rule):
    """What its settings ask for: the same for two rules of the same row."""
    start = None if rule.start is None else rule.start[1:]
    conditions = [condition[1:] for condition in rule.conditions]
    return rule.id, rule.name, start, conditions, rule.action


def _masters(module, accounts, now):
    """A master whose account is gone is lost at once, and then awaited no more."""
    sessions = []
    for account in accounts:
        if account.role >= ACTUATE:
            sessions.append(module.session(account.name) or Session(account.name))
    gone = [session for session in module.sessions if session not in sessions]
    for session in gone:
        if session.expires_at is not None:
            module.lose(session, now)
    module.act(now)
    module.tell(now)
    for session in gone:
        session.lost = False
    module.watch(sessions)
    module.regain(now, RELEASED)
    _join(module, now)


def _join(module, now):
    """Ports that were given to a master which is lost already begin their fallback. So do those
    that were commanded since its loss and are locked now: nothing commanded outlasts a lock.
    """
    for session in module.watched:
        if session.lost:
            for port in session.ports:
                if not port.lost or (port.overruled and port.fallback.locked):
                    port.lose(now, session.master)
    module.watch(module.sessions)  # its next deadline is another
    module.act(now)
    module.tell(now)
