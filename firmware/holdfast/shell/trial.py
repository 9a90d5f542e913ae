"""Changed settings on trial: kept when somebody who still reaches the module says so, else taken
back after a minute.

What is in force in flash stays there, untouched, until they are kept; so whatever restarts the
module meanwhile brings the old ones back. Settings that count at the start only (the network's)
wait under another name: the next start tries them, once, and its minute begins there.

Loaded for a trial, and let go when it is over.
"""

import asyncio

from micropython import const

from holdfast.core.settings import NotSaved
from holdfast.shell.portable import report, sleep_ms

TRIAL_MS = const(60000)
_LOOK_MS = const(250)
_PATIENCE_MS = const(5000)  # for a moment without a deadline nearby


class Trial:
    """One trial at a time.

    store: of the settings. now: a function() that gives ms of the module's time. restart: a
    function() that starts the module again. over: a function(text) that lets go of this, and notes
    what became of the settings.
    """

    def __init__(self, store, now, restart, over):
        self.until = None  # when they go back; None: no trial, or it waits for the next start
        self._store = store
        self._now = now
        self._restart = restart
        self._over = over
        self._from_start = False
        self._task = None

    def begin(self, edit, at_start, now):
        """Edit the settings and try them: at once, or at the next start. SettingsError, NotSaved:
        as of Store.change.
        """
        settings = self._store.attempt(edit, at_start, now)
        if at_start:
            self._over("changed on trial, from the next start on")
            return
        try:
            self._store.adopt(settings, now)
        except MemoryError:
            self._store.trying = None  # it is tried once more
            raise
        self._wait(now)

    def resume(self, now):
        """The module has started with settings on trial."""
        self._from_start = True
        self._wait(now)

    def left_ms(self, now):
        """How long they may still be kept; None when there are none."""
        return None if self.until is None else max(0, self.until - now)

    def end(self, keep, now):
        """Keep them, or take them back now; False when there is no trial. NotSaved: not now."""
        if self.until is None:
            self._over(None)
            return False
        if keep:
            self._store.keep(now)
            self._finish("on trial: kept")
        else:
            self._take_back(now, "on trial: taken back")
        return True

    def _wait(self, now):
        self.until = now + TRIAL_MS
        self._task = asyncio.create_task(self._watch())

    async def _watch(self):
        """Take them back when the time is over, in a quiet moment if there is one."""
        while self.until is not None:
            now = self._now()
            quiet = self._store.quiet(now) or now >= self.until + _PATIENCE_MS
            if now >= self.until and quiet:
                try:
                    self._take_back(now, "on trial: not kept in time, taken back")
                except MemoryError:
                    pass  # once more in a moment
                except Exception as error:
                    report(error)
                    self._restart()  # the old settings come with the start
                    return
            await sleep_ms(_LOOK_MS)

    def _take_back(self, now, text):
        if self._from_start:
            if not self._restart():
                raise NotSaved("this board cannot start again by itself")
            self._finish(text + " by a restart")
            return
        self._store.adopt(self._store.current(), now)
        self._finish(text)

    def _finish(self, text):
        self.until = None
        self._store.trying = None
        self._over(text)
