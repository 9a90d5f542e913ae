"""What people change of a module: its settings, and what of them takes effect at once; whom it
waits for; which output is bypassed.

Loaded for the start and for a change, and let go again. The electrical levels and power-on states
of ports wait for the next start. A timeline that runs is not changed. The new timeline counts from
the next loss, or from the change that locks an output which was commanded since the last loss.
"""

from holdfast.core.accounts import ACTUATE
from holdfast.core.events import (
    DIGITAL_INPUT,
    HEARTBEAT,
    OUTPUT_PORT,
    PORT,
    RELAY,
    SYSTEM_READY,
)
from holdfast.core.log import BYPASS, RELEASE, RULES
from holdfast.core.module import NOT_OUTPUT
from holdfast.core.port import RELEASED
from holdfast.core.session import Session


def reconfigure(module, settings, now):
    """Take over what counts at once of ports, accounts, rules and uplinks."""
    module.name = settings.name
    before = _blocked(module)
    module.act(now)  # what is due is of the settings before
    for port, row in zip(module.ports, settings.ports):
        port.name = row.name
        port.usage = row.usage
        port.debounce_ms = row.debounce_ms
        port.fallback = row.fallback
        port.power_on = row.power_on
        if set_normal(module, port, row.normal, "settings", now) is not None:
            port.normal = row.normal  # locked: the circuit stays, what it means changes
            port.since = now
    module.prepare()
    _masters(module, settings, now)
    if module.rules is not None:
        _rules(module, settings.rules, now)
    elif settings.rules:
        from holdfast.core.rules import Rules

        module.rules = Rules(module, settings.rules, now)
    _links(module, settings.uplinks, now)
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


def _links(module, uplinks, now):
    rows, inbound = uplinks[:2] if uplinks else ((), None)
    if module.links is None:
        if not rows and inbound is None:
            return
        from holdfast.core.uplinks import Links

        module.links = Links(module.events, (), None, module.random_bytes, now)
    module.links.reconfigure(rows, inbound, now)


def _rules(module, rows, now):
    """A rule that stays goes on: with what it holds, its rest, and what it has yet to see. What
    one that goes has held is let go, unless another holds it.
    """
    from holdfast.core.rules import Rule

    rules = module.rules
    before = rules.rules
    after = [Rule(row, module.events) for row in rows]
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
    conditions = [condition[1:3] for condition in rule.conditions]
    return rule.id, rule.name, start, conditions, rule.action


def _masters(module, settings, now):
    """A master whose account is gone is lost at once, and then awaited no more; nor is one awaited
    that settings do not name any more. Who is named now is awaited from now on.
    """
    sessions = []
    for account in settings.accounts:
        if account.role >= ACTUATE:
            sessions.append(module.session(account.name) or Session(account.name))
    for session in module.sessions:
        if session not in sessions:
            if session.expires_at is not None and session.counts:
                module.act(now)
                others = [row for row in module.sessions if row.expires_at is not None]
                if session in others and (module.named or others == [session]):
                    module.lose(session, now)
            session.end()
    module.act(now)
    module.tell(now)
    for session in module.sessions:
        session.lost = session.lost and session in sessions
    watch(module, sessions, settings, now)
    lost = module.missed
    for session in sessions:
        if not session.counts or not (module.named or lost):
            session.lost = False
        if session.id is None and not (session.counts and module.named):
            session.expires_at = None
    expect(module, now)
    module.regain(now, RELEASED)
    _join(module, now)


def _join(module, now):
    """Ports that a loss concerns already begin their fallback. So do those that were commanded
    since it and are locked now: nothing commanded outlasts a lock.
    """
    for port in module.outputs:
        begun = port.lost and not (port.overruled and port.fallback.locked)
        if module.concerned(port) and port.bypassed_until is None and not begun:
            port.lose(now, module.loser(port))
            module.wake_by(now)
    module.act(now)
    module.tell(now)


def declare(module, now):
    """Declare every property with the state the module wakes up in; (that of the heartbeat, of
    the service, and by port those of ports).
    """
    heartbeat = module.events.declare(HEARTBEAT, None, False, now)
    ready = module.events.declare(SYSTEM_READY, None, False, now)
    rows = []
    for port in module.ports:
        if port.output:
            port.wake(now)
        else:
            port.state = port.levels.index(module.levels[port.index])
        topics = (PORT, RELAY, OUTPUT_PORT) if port.output else (PORT, DIGITAL_INPUT)
        active = port.active()
        rows.append(
            tuple([module.events.declare(topic, port.id, active, now) for topic in topics])
        )
    return heartbeat, ready, rows


def watch(module, sessions, settings, now):
    """These are the sessions of all masters from now on; settings say which count."""
    module.named = settings.named
    module.needed = settings.needed if settings.named else 1
    module.return_after = settings.return_after
    module.stagger_ms = settings.stagger_ms
    module.sessions = sessions
    module.watched = sessions + [module.fault]
    module.by_master = {session.master: session for session in sessions}
    module.fault.ports = tuple(module.outputs)
    module.heart.ports = _own(module, None)
    for session in sessions:
        counts = not module.named or session.master in module.named
        if session.counts != counts:
            session.counts = counts
        session.ports = _own(module, session.master)
    module.triggers = [module.heart] + sessions
    expect(module, now)


def _own(module, master):
    return tuple([port for port in module.outputs if port.fallback.master == master])


def expect(module, now):
    """Await every named master that neither runs nor is lost nor released."""
    for session in module.sessions:
        known = session.expires_at is not None or session.lost or session.released
        if module.named and session.counts and not known:
            session.expires_at = now + module.named[session.master] + 1
            module.wake_by(session.expires_at)
    module.reckon()


def release(module, master, now, who="somebody"):
    """A lost master, or "" for the module's own fault, is not awaited any more."""
    module.act(now)
    module.tell(now)
    session = module.fault if master == "" else module.by_master[master]
    if session.lost:
        session.released = session.id is None
        module.found(session)
        module.regain(now, RELEASED)
    module.tell(now)
    module.note(RELEASE, "not awaited any more, says " + who, now, 0, master or "all")


def bypass(module, port, until, who, now):
    """No loss moves an output before `until`; None: from now on losses do again.

    Return None, or why it was refused (NOT_OUTPUT).
    """
    module.act(now)
    module.tell(now)
    if not port.output:
        return NOT_OUTPUT
    if until is not None:
        port.bypass(until)
        module.wake_by(until)
        module.prepare()
        text = "for %d s, by %s" % ((until - now) // 1000, who)
        module.note(BYPASS, text, now, 0, "port " + port.id)
    elif port.bypassed_until is not None:
        module.resume_losses(port, now)
        module.note(BYPASS, "ended by %s" % who, now, 0, "port " + port.id)
    module.news = True
    module.act(now)
    module.tell(now)
    return None


def set_normal(module, port, normal, who, now):
    """Change the normal state. An output stays active or inactive, so its circuit flips."""
    refused = None
    if normal != port.normal:
        if port.output:
            refused = module.refuses(port, now)
            if refused is None:
                port.stop()
                module.command(port, 1 - port.state, who, now)
        else:
            port.since = now
        if refused is None:
            port.normal = normal
            module.news = True
    return refused


def restarted(module, why, now):
    """The life before ended by itself: every output is at the first step of its fallback, at
    once, and the later steps follow from now. As a fault of the module's own, until a master
    beats or it is released.
    """
    module.fault.why = "restarted: " + why
    module.lose(module.fault, now)
    for port in module.outputs:
        if port.lost:
            port.hurry(now)
    module.act(now)
