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
    function() that starts the module again. over: a function(text) that lets go of this; text:
    what became of the settings, None where there were none on trial.
    """

    def __init__(self, store, now, restart, over):
        self.until = None  # when they go back; None: no trial, or it waits for the next start
        self._store = store
        self._now = now
        self._restart = restart
        self._over = over
        self._from_start = False
        self._waiting = ()
        self._task = None

    def begin(self, edit, at_start, now, waiting=()):
        """Edit the settings and try them: at once, or at the next start. SettingsError, NotSaved:
        as of Store.change. waiting: paths of what counts from the next start on, once it is kept.
        """
        told = None
        try:
            settings = self._store.attempt(edit, at_start, now)
            if at_start:
                told = "changed on trial, from the next start on"
            else:
                self._store.adopt(settings, now)
                self._waiting = waiting
                self._wait(now)
        finally:
            if self.until is None:  # the next start begins it, or nobody: it may be tried again
                self._store.trying = None
                self._over(told)

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
            store = self._store
            store.waiting.extend([path for path in self._waiting if path not in store.waiting])
            self._finish("on trial: kept")
        else:
            self._take_back(now, "on trial: taken back")
        return True

    def _wait(self, now):
        self._task = asyncio.create_task(self._watch())  # it looks when this is done
        self.until = now + TRIAL_MS

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
            text += " by a restart"
        else:
            self._store.adopt(self._store.current(), now)
        self._finish(text)

    def _finish(self, text):
        self.until = None
        self._store.trying = None
        self._over(text)
