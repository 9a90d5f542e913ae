"""One port: an input that is looked at, or an output with its fallback timeline.

State is that of the circuit, OPEN or CLOSED; what electrical level that is, the wiring says.
Everything that may happen when a deadline passes is prepared here when settings load and allocates
nothing.
"""

from micropython import const

OPEN = const(0)
CLOSED = const(1)
HOLD = const(2)  # in a timeline only: leave the port as it is
STATES = ("open", "closed", "hold")

# Why an output is in its state.
POWER_ON = "power on"
COMMAND = "command"
FALLBACK = "fallback"
RESTORE = "restore"  # the master is restored
RELEASED = "release"  # ... or an administrator does not wait for it


class PortSettings:
    """One port as configured; see Port for the meanings."""

    def __init__(self, name, usage, output, normal, closed_level, power_on, fallback, debounce_ms):
        self.name = name
        self.usage = usage
        self.output = output
        self.normal = normal
        self.closed_level = closed_level
        self.power_on = power_on
        self.fallback = fallback
        self.debounce_ms = debounce_ms


class Fallback:
    """What an output does when its master is lost.

    master: the account whose loss counts, None for that of the heartbeat, see core.module. steps:
    `((offset_ms, state), ...)`, ascending from the loss. restore: on return take back the last
    commanded state, else stay as it is until somebody sets the port. locked: commands are refused
    while the master is lost.
    """

    def __init__(self, master, steps, restore, locked):
        self.master = master
        self.steps = steps
        self.restore = restore
        self.locked = locked


class Port:
    """One port; `image` is the module's table of electrical levels, one byte a port."""

    # Of the class, as long as they are so: each attribute of an object takes heap. An input has of
    # an output what stands here.
    fallback = None
    lost = False  # the fallback is in force
    due = None  # when the next step of the timeline is due, None when none is
    who = None
    sequence = None  # ((state, ms), ...) under way, set by somebody
    returning = None  # why the fallback ends at `due`, None when it does not
    bypassed_until = None  # no loss moves the output before; None when it is not bypassed

    def __init__(self, index, row, image):
        self.index = index
        self.id = str(index)
        self.name = row.name
        self.usage = row.usage
        self.output = row.output
        self.normal = row.normal
        self.debounce_ms = row.debounce_ms
        self.changed_at = None  # when an input's level began to differ, while it is debounced
        self.levels = (1 - row.closed_level, row.closed_level)  # by state
        self.image = image
        self.state = OPEN
        self.since = 0  # when the state became true
        if not row.output:
            return
        self.fallback = row.fallback
        self.power_on = row.power_on  # the state that the next start begins with
        self.wanted = OPEN  # what was last commanded; an output restores this
        self.lost = False
        self.overruled = False  # the next loss begins the timeline anew: commanded since the last
        self.due = None
        self.why = POWER_ON
        self.who = None
        self.sequence = None
        self.passing = False  # .. and the next command ends it
        self._player = None  # by whom
        self._steps = ()  # of the fallback under way; settings may bring another timeline
        self._began = 0
        self._step = 0

    def put(self, state, at, why, who):
        """Set the state and the level in the image; `at` is when it became true."""
        if state != self.state:
            self.state = state
            self.since = at
        self.image[self.index] = self.levels[state]
        self.why = why
        self.who = who

    def wake(self, at):
        """The module starts."""
        self.wanted = self.power_on
        self.put(self.power_on, at, POWER_ON, None)

    def command(self, state, at, who):
        """Somebody sets the port; that ends a fallback under way, and a pulse: its end must not
        undo what was set since. The other kind of sequence goes on, see `play`.
        """
        self._overrule()
        if self.passing:
            self.sequence = None
        if self.sequence is None:
            self.wanted = state
            self.due = None
        self.put(state, at, COMMAND, who)

    def play(self, sequence, at, who, passing=False):
        """Begin a sequence, ((state, ms), ...): its last state stays, and is what is wanted.

        passing: the next command ends it. Else its next step counts again (VAPIX I/O port
        management, setStateSequence).
        """
        due = at + sequence[0][1]  # may need memory: before anything has changed
        self._overrule()
        self.sequence = sequence
        self.passing = passing
        self.wanted = sequence[-1][0]
        self._step = 0
        self.due = at
        self._player = who
        self._play(due)

    def _overrule(self):
        self.overruled = True
        if self.returning is not None:
            self.lost = False
            self.returning = None

    def _play(self, due):
        """Take the step of the sequence that is due; the next one is due then."""
        sequence = self.sequence
        self.put(sequence[self._step][0], self.due, COMMAND, self._player)
        self._step += 1
        self.due = due
        if self._step == len(sequence):
            self.sequence = None
            self.due = None

    def stop(self):
        """End a sequence under way; the port stays as it is, and that is what is wanted."""
        if self.sequence is not None:
            self.sequence = None
            self.due = None
            self.wanted = self.state

    def lose(self, at, who):
        """The master was lost at time `at`: the timeline begins there, its first step is due.

        A sequence under way is cut short: it ends as it would have, never in between, and then the
        timeline counts.
        """
        steps = self.fallback.steps
        offset = steps[0][0]
        due = at + offset if offset else at
        while (self.sequence is not None or self.returning is not None) and self.due < at:
            self.advance()
        # From here on nothing needs memory: all of it, or nothing.
        self.lost = True
        self.overruled = False
        if self.returning is not None:
            self.returning = None
        if self.sequence is not None:
            self.sequence = None
            self.put(self.wanted, at, FALLBACK, who)
        self.who = who
        self._began = at
        self._step = 0
        self._steps = steps
        self.due = due

    def hurry(self, at):
        """The module came down: the first step of the timeline is taken at once, whatever its time
        is; the later ones stay where they are.
        """
        self.due = at
        self.advance()

    def first(self):
        """The state of the timeline's first step; that of power on where it leaves the port."""
        state = self.fallback.steps[0][1]
        return self.power_on if state == HOLD else state

    def advance(self):
        """Take the step that is due. The time of the next one may need memory: it comes first, so
        that a step is taken or still due.
        """
        step = self._step
        if self.returning is not None:
            self.regain(self.due, self.returning)
            return
        if self.sequence is not None:
            self._play(self.due + self.sequence[step][1])
            return
        steps = self._steps
        due = None
        if step + 1 < len(steps):
            due = self._began + steps[step + 1][0]
        if steps[step][1] != HOLD:
            self.put(steps[step][1], self.due, FALLBACK, self.who)
        self._step = step + 1
        self.due = due

    def rest(self):
        """The steps of a sequence or the fallback that are still to come: ((ms from `due`, level),
        ...).
        """
        if self.returning is not None:
            return ()
        if self.sequence is not None:
            at = 0
            rows = []
            for state, ms in self.sequence[self._step :]:
                rows.append((at, self.levels[state]))
                at += ms
            return tuple(rows)
        steps = self._steps[self._step :]
        first = steps[0][0]
        return tuple([(at - first, self.levels[state]) for at, state in steps if state != HOLD])

    def falls(self):
        """True when a loss begins the timeline: none is under way, nor is the port bypassed."""
        return self.bypassed_until is None and (self.overruled or not self.lost)

    def bypass(self, until):
        """No loss moves the output before `until`; it stays as it is, a sequence goes on."""
        self.bypassed_until = until
        self.lost = False
        if self.returning is not None:
            self.returning = None
        if self.sequence is None:
            self.due = None

    def defer(self, at, why):
        """The fallback ends at `at`: no more steps until then. Another loss begins it anew."""
        if self.sequence is None:
            self.due = at
            self.returning = why
            self.overruled = True
        else:
            self.regain(at, why)

    def regain(self, at, why=RESTORE):
        """The master is restored, or RELEASED: no more steps; what was commanded is restored if
        settings say so.

        A sequence that was begun meanwhile on an unlocked port has ended the timeline; it goes on.
        """
        self.lost = False
        if self.returning is not None:
            self.returning = None
        if self.sequence is not None:
            return
        self.due = None
        if self.fallback.restore:
            self.put(self.wanted, at, why, self.who)

    def active(self):
        """True when the circuit is not in its normal state."""
        return self.state != self.normal
