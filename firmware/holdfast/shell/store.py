"""The settings of the board: load them, look at them, change them. How, shell.saving knows; it is
loaded for each of these and let go again, because that happens seldom.
"""

from holdfast.core.settings import NotSaved
from holdfast.shell.heap import forget, load

# What loading and changing needs and nothing else does.
_PASSING = (
    "shell.saving",
    "shell.copies",
    "core.adoption",
    "core.blocked",
    "core.rulecheck",
    "core.uplinkcheck",
    "core.networkcheck",
    "core.address",
    "core.monitorcheck",
    "core.tlscheck",
    "core.timecheck",
    "shell.tlsfiles",
    "wire.certificate",
    "core.check",
    "wire.dump",
)


class Store:
    """Settings of one board.

    storage: of the HAL. wiring: the board's PORTS. quiet: a function(now) that tells whether
    nothing is due while flash is written. adopt: a function(settings, now) for what has changed.
    Both are set when the module runs.
    """

    def __init__(self, storage, wiring):
        self.storage = storage
        self.wiring = wiring
        self.quiet = None
        self.adopt = None
        self.name = None  # of the file that holds the settings in force, None for none
        self.fresh = False  # nobody has an account, and nothing is broken: a device to be set up
        self.trying = None  # the name of the file with settings on trial; see shell.trial
        self.waiting = []  # paths of what was changed and counts from the next start on

    def load(self):
        """The settings in flash; with none, or broken ones, safe defaults, no account, aloud."""
        return self._do("load")

    def defaults(self):
        """Safe defaults, whatever is in flash."""
        return self._do("defaults")

    def document(self):
        """The settings in force, as a JSON reader gives them; NotSaved."""
        return self._do("read")

    def documents(self):
        """The settings as a document to send and receive, for whoever does that."""
        return load("holdfast.shell.documents", "Documents")(self)

    def change(self, edit, now):
        """Edit the settings, check them, save them, adopt them; all or nothing.

        edit: a function(document) that changes it in place. SettingsError: the edit makes bad
        settings. NotSaved: not now, or flash is full.
        """
        self._may_write(now)
        if self.trying is not None:
            raise NotSaved("other settings are on trial")
        self.adopt(self._do("change", edit), now)
        _let_go()

    def files(self, tls):
        """(certificate, key) as DER for `tls` of the settings; SettingsError."""
        try:
            return load("holdfast.shell.tlsfiles", "files")(self.storage, tls)
        finally:
            _let_go()

    def attempt(self, edit, at_start, now):
        """Edit and check as `change`, but leave what is in force in flash; the settings to adopt.

        at_start: they are for the next start, which tries them once.
        """
        self._may_write(now)
        if self.trying is not None:
            raise NotSaved("other settings are on trial")
        return self._do("attempt", edit, at_start)

    def keep(self, now):
        """The settings on trial are those in force from now on; NotSaved."""
        self._may_write(now)
        self._do("keep")

    def current(self):
        """The settings in force in flash, though others are on trial; NotSaved."""
        return self._do("current")

    def _may_write(self, now):
        if self.name is None and not self.fresh:
            # A change of nothing would take the place of what is there, accounts and all.
            raise NotSaved("the settings in flash are damaged, or could not be read")
        if not self.quiet(now):
            raise NotSaved("a deadline is too near to write to flash")

    def _do(self, name, *arguments):
        try:
            return load("holdfast.shell.saving", name)(self, *arguments)
        finally:
            _let_go()


def _let_go():
    for name in _PASSING:
        forget("holdfast." + name)
