"""Settings that were changed while the module runs: what of them takes effect at once.

Loaded for a change and let go again. The fallback timelines, electrical levels and power-on states
of ports wait for the next start.
"""

from holdfast.core.accounts import ACTUATE
from holdfast.core.session import Session


def adopt(module, settings, now):
    """Take over names, usages, normal states, debounce times, masters and rules."""
    for port, row in zip(module.ports, settings.ports):
        port.name = row.name
        port.usage = row.usage
        port.debounce_ms = row.debounce_ms
        if module.set_normal(port, row.normal, "settings", now) is not None:
            port.normal = row.normal  # locked: the circuit stays, what it means changes
            port.since = now
    _masters(module, settings.accounts, now)
    if settings.rules or module.rules is not None:
        from holdfast.core.rules import Rules

        module.rules = Rules(module, settings.rules, now, module.rules)


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
    module.regain(now)
