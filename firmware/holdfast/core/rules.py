"""The rule engine: events in, commands to ports and notifications out. Pure, as all of core.

A rule has a start event, conditions, or both, and one action:

    (SET, port, active)               the port stays so
    (PLAY, port, ((active, ms), ..))  a pulse or a sequence
    (FOLLOW, port, active)            the port is so while the conditions hold, then the opposite
    (NOTIFY, receiver, target, message, login, password)    an HTTP request, see settings.address

Without a start it fires when the conditions come to hold; with one, when that event happens while
they hold. A start of the module is no event: what fires once does not fire because the module was
restarted, only what follows its conditions takes its place at once.

Rules command ports like anybody else: what fallback has locked stays locked, and nothing here can
hold a fallback up. The latest command counts, whoever gives it, and ends a pulse. What was refused
is counted and in the event log; core.blocked tells beforehand. Rules that chase each other are
stopped: one that fires more than BURST times in a second rests for a minute and says so.
"""

from micropython import const

from holdfast.core.contentfilter import content_matches
from holdfast.core.events import VALUES
from holdfast.core.log import RULES
from holdfast.core.topicfilter import asks

SET = const(0)
PLAY = const(1)
FOLLOW = const(2)
NOTIFY = const(3)

BURST = const(20)  # firings of one rule within a second
_SECOND_MS = const(1000)
REST_MS = const(60000)
OUTGOING = const(8)  # notifications that wait; the oldest gives way


class Rule:
    """One rule at work. events: the EventSystem."""

    def __init__(self, row, events):
        self.id, self.name, start, conditions, self.action = row
        self.who = "rule " + self.name
        self._topics = events.topics
        self.start = None if start is None else (bytearray(), start[0], start[1])
        # The last of each: the properties for which it holds.
        self.conditions = [(bytearray(), topics, content, []) for topics, content in conditions]
        for declared in events.properties:
            self.note(declared, declared.data)
        self.met = self.holds()  # all conditions
        self.on = False  # of FOLLOW: the conditions hold
        self.held = False  # .. and the port has taken that
        self.fired = 0
        self.missed = 0  # firings while it rested
        self.refused = 0  # by a lock
        self.resting_until = None
        self._second = None  # when the second began in which firings are counted
        self._burst = 0

    def note(self, declared, data):
        """A property has this value now."""
        for flags, topics, content, found in self.conditions:
            if asks(flags, topics, self._topics, declared.topic):
                holds = not declared.gone() and matches(content, declared, data, True)
                if holds and declared not in found:
                    found.append(declared)
                elif not holds and declared in found:
                    found.remove(declared)

    def holds(self):
        """True when every condition holds for some property."""
        for condition in self.conditions:
            if not condition[3]:
                return False
        return True

    def starts(self, declared, data):
        """True for an event that is the start."""
        if self.start is None:
            return False
        flags, topics, content = self.start
        if not asks(flags, topics, self._topics, declared.topic):
            return False
        return matches(content, declared, data, False)

    def may(self, now):
        """Count a firing; False while the rule rests, or from now on has to."""
        if self.resting_until is not None:
            if now < self.resting_until:
                self.missed += 1
                return False
            self.resting_until = None
            self._second = None
        if self._second is None or now - self._second >= _SECOND_MS:
            self._second = now
            self._burst = 0
        self._burst += 1
        if self._burst > BURST:
            self.resting_until = now + REST_MS
            self.missed += 1
            return False
        self.fired += 1
        return True

    def unfired(self):
        """What was counted did not happen, and will be tried again."""
        self.fired -= 1
        self._burst -= 1


class Rules:
    """All enabled rules of a module. rows: of settings.schema_rules."""

    def __init__(self, module, rows, now):
        self._module = module
        self._changes = None  # those that were shown last, ..
        self._shown = 0  # .. and to how many rules, one change after the other
        self._moved = False  # .. of which one commanded a port
        self.outgoing = []  # ((NOTIFY, ...), property, data, at)
        self.lost = 0  # notifications that gave way
        self.rules = []
        self.begin([Rule(row, module.events) for row in rows], now)

    def begin(self, rules, now):
        """These are the rules from now on; what is new of them and follows its conditions takes
        its place.
        """
        fresh = [rule for rule in rules if rule not in self.rules]
        self.rules = rules
        self.notifies = NOTIFY in [rule.action[0] for rule in rules]
        for rule in fresh:
            if rule.action[0] == FOLLOW and rule.met and rule.start is None:
                rule.on = True
                self.fire(rule, None, None, now, now)

    def react(self, changes, now):
        """Take events in their order; True when a port was commanded.

        The heap may be full: called again with the same list this goes on where it was, so that no
        rule misses an event or takes it twice.
        """
        if changes is not self._changes:
            self._changes = changes
            self._shown = 0
            self._moved = False
        count = len(self.rules)
        while self._shown < len(changes) * count:
            declared, data, at, _ = changes[self._shown // count]
            if self._show(self.rules[self._shown % count], declared, data, at, now):
                self._moved = True
            self._shown += 1
        return self._moved

    def forgo(self, now):
        """The rule that is to be shown an event has had no memory for long: it misses that one."""
        rule = self.rules[self._shown % len(self.rules)]
        rule.missed += 1
        self._shown += 1
        self._module.note(RULES, "an event missed, the heap is full", now, 0, rule.who)

    def _show(self, rule, declared, data, at, now):
        """Show one event to one rule; True when it commanded a port. MemoryError: it is as if it
        had not seen it.
        """
        rule.note(declared, data)
        met = rule.holds()
        start = rule.starts(declared, data)
        on = rule.on
        if rule.action[0] == FOLLOW:
            rule.on = met and (on or start or rule.start is None)
            fires = rule.on != on
        elif rule.start is None:
            fires = met and not rule.met
        else:
            fires = start and met
        try:
            moved = fires and self.fire(rule, declared, data, at, now)
        except MemoryError:
            rule.on = on
            raise
        rule.met = met
        return moved

    def resume(self, now):
        """Let rules go on whose rest is over; what follows its conditions catches up. True when a
        port was commanded.
        """
        moved = False
        for rule in self.rules:
            until = rule.resting_until
            if until is not None and now >= until:
                rule.resting_until = None
                try:
                    if rule.action[0] == FOLLOW and self.fire(rule, None, None, now, now):
                        moved = True
                except MemoryError:
                    rule.resting_until = until  # once more
                    raise
        return moved

    def fire(self, rule, declared, data, at, now):
        """Do what the rule's action says; True when a port was commanded."""
        if rule.action[0] == FOLLOW and not rule.on and not rule.held:
            return False  # a lock, or a rest, kept it from holding what it would let go of
        rested = rule.resting_until
        if not rule.may(now):
            if rule.resting_until != rested:
                self._module.note(RULES, "fired too often", now, 0, rule.who)
            return False
        try:
            return self._act(rule, declared, data, at, now)
        except MemoryError:
            rule.unfired()
            raise

    def _act(self, rule, declared, data, at, now):
        action = rule.action
        kind = action[0]
        if kind == NOTIFY:
            notification = (action, declared, data, at)
            if len(self.outgoing) == OUTGOING:
                self.outgoing.pop(0)
                self.lost += 1
            self.outgoing.append(notification)
            return False
        module = self._module
        port = module.ports[action[1]]
        if kind == PLAY:
            steps = tuple([(_state(port, active), ms) for active, ms in action[2]])
            refused = module.sequence(port, steps, rule.who, now, True)
        else:
            active = action[2] if kind == SET or rule.on else not action[2]
            refused = module.command(port, _state(port, active), rule.who, now)
            rule.held = rule.on and refused is None
        if refused is not None:
            rule.refused += 1
            module.note(RULES, "port %s is %s, refused: %s" % (port.id, refused, rule.who), now)
            return False
        return True


def _state(port, active):
    return 1 - port.normal if active else port.normal


def matches(content, declared, data, stateful):
    """Does a content filter hold? Without one: any event, or for a condition the active state."""
    if content is not None:
        return content_matches(content, declared.items(data))
    return not stateful or data == declared.topic[VALUES][1]
