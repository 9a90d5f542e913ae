"""The words of monitors: states, results, counts; see core.monitors. Apart, because who answers
for monitors needs them whether there is one or not.
"""

from micropython import const

# States: numbers of MONITOR's values.
UP = const(0)
DOWN = const(1)
NEW = const(2)
LATE = const(3)
PAUSED = const(4)

# What can be told of a monitor; the first four are Pinghome's results.
TICK = const(0)
RUN = const(1)
COMPLETE = const(2)
FAIL = const(3)
LOG = const(4)
MISSED = const(5)  # it went down without a word
IGNORED = const(6)  # a check-in while it was paused
RESULTS = ("tick", "run", "complete", "fail", "log", "missed", "ignored")

# Places in `counts`, in the order of Pinghome's fields.
INTERVALS = const(0)  # tick_count: intervals that were expected, each FAILED or TIMELY
CHECK_INS = const(1)  # run_count: check-ins received
FAILED = const(2)  # fail_count: intervals that were missed, or had a fail
TIMELY = const(3)  # complete_count: intervals with a check-in in time

HOUR_MS = const(3600000)
MESSAGE_BYTES = const(48)  # of a message that are kept; the rest is cut


class Refused(Exception):
    """A monitor cannot be made so: `field` is the bad one, `problem` what is wrong with it; taken:
    it clashes with what there is already.
    """

    def __init__(self, field, problem, taken=False):
        super().__init__(field)
        self.field = field
        self.problem = problem
        self.taken = taken
