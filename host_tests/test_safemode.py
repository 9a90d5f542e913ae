"""Safe mode: outputs are in their fallback, nobody is believed, and it ends by itself."""

import asyncio

from holdfast import safemode
from holdfast.core.accounts import PRE_AUTH
from holdfast.core.crashloop import SAFE_MODE, WATCHDOG, Restart
from holdfast.runtime.portable import again
from holdfast.safemode import LENGTH_MS, SafeMode, stand
from holdfast.server import tls as secure
from holdfast.server.connection import Connection
from holdfast.settings.model import SettingsError
from makers import WIRING, Asked, module, settings

ADDRESS = ("192.0.2.1", 80)


class Clock:
    def __init__(self, time=5000):
        self.time = time

    def now(self):
        return self.time

    def epoch_ms(self):
        return 0


class Pins:
    def read(self, index):
        return 0

    def write(self, levels):
        pass


class Hal:
    """Watchdog and network of a HAL; sleeping makes time pass."""

    def __init__(self):
        self.fed = 0
        self.slept = []
        self.time = 70
        self.steps = []

    def Watchdog(self, board):
        return self

    def feed(self):
        self.fed += 1

    def Network(self, board, network, quiet):
        self.quiet = quiet
        return self

    def address(self):
        return ADDRESS

    def step(self, now, heard_at):
        self.steps.append(now)
        return ADDRESS[0]

    def ticks(self):
        return lambda: self.time, lambda end, start: end - start

    def sleep_ms(self, ms):
        self.slept.append((ms, self.fed))
        self.time += ms


class Board:
    PORTS = WIRING
    SAMPLE_MS = 10
    CONNECTIONS = 5
    STALL_MS = 400
    TLS_STALL_MS = 950


class Life:
    def __init__(self, crashes=3):
        self.restart = Restart("power on", None)
        self.restart.crashes = crashes
        self.restart.why = WATCHDOG
        self.story = []

    def keep(self, stage):
        self.story.append(("kept", stage))

    def starting(self, subject):
        self.story.append(("starting", self.restart.crashes))


class Listener:
    closed = False

    def close(self):
        self.closed = True


async def forever(*arguments):
    while True:
        await asyncio.sleep(0)


async def over(*arguments):
    """A task that ends, which none of safe mode's is to do."""


class Files:
    """A store and its storage: logs in flash, and a certificate that is this, or an error."""

    def __init__(self, found=None):
        self.found = found
        self.storage = self
        self.written = {}

    def files(self, tls):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def read(self, name):
        return self.written.get(name)

    def write(self, name, data):
        self.written[name] = data

    def append(self, name, data):
        self.written[name] += data


def made(tls=None, found=None):
    clock, hal, life = Clock(), Hal(), Life()
    config = settings()
    config.tls = tls
    before = secure.tls_context
    secure.tls_context = lambda certificate, key: None
    try:
        running = clock, Files(found), config, module()
        mode = SafeMode(Board, hal, Pins(), running, life)
    finally:
        secure.tls_context = before
    mode.server.accept = mode.server.reap = mode._ticker.run = forever
    return mode, clock, hal, life


def run(mode, clock, listened=None):
    """Run it with time that passes as it sleeps; the listener."""
    listener = Listener()

    def listen(host, port, backlog):
        assert (host, backlog) == (ADDRESS[0], 2)
        if listened is None:
            assert port == ADDRESS[1]
        else:
            listened.append(port)
        return listener

    async def sleep_ms(ms):
        clock.time += ms
        for _ in range(5):
            await asyncio.sleep(0)

    before = safemode.listen, safemode.sleep_ms
    safemode.listen, safemode.sleep_ms = listen, sleep_ms
    try:
        asyncio.run(mode.run())
    finally:
        safemode.listen, safemode.sleep_ms = before
        again()
    return listener


# -- what is answered -----------------------------------------------------------------------------


def test_every_path_and_method_gets_the_page_and_nobody_has_to_log_in():
    mode, clock, _, _ = made()
    for path in ("/", "/vapix/axhbt", "/holdfast/status"):
        ((known, methods, role, service, name),) = mode.method("rows")(path)
        assert (known, role, service, name) == (path, PRE_AUTH, mode, "page")
        assert {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} == set(methods)


def test_the_page_says_how_often_why_and_for_how_long():
    mode, clock, _, _ = made()
    for now, left in ((5000, 600), (5001, 599), (604999, 0), (700000, 0)):
        answer = mode.method("page")(None, None, now)
        assert answer.status == 503
        text = answer.body.decode()
        assert "came down 3 times in a row. The last time it was: watchdog." in text
        assert "tries again in %d s" % left in text
        assert "Retry-After: %d" % (left + 1) in answer.lines


def test_an_administrator_ends_it_and_is_answered_before():
    mode, clock, _, _ = made()
    answer = mode._leave(None, None, clock.time)
    assert (answer.status, answer.body) == (202, b'{"restarting":true}')
    assert mode.asked is True
    listener = run(mode, clock)
    # One step for the answer to get out, one for connections to close.
    assert clock.time == 5000 + 2 * 250 and listener.closed


def test_no_token_is_one_and_events_go_nowhere():
    mode, _, _, _ = made()
    assert mode._redeem("token=x", 0) is None
    assert mode._publish([1]) is None
    assert mode.rest() is None


def test_whoever_writes_to_flash_hears_of_deadlines():
    mode, clock, hal, _ = made()
    mode._module.heartbeat("a", 1000, clock.time)
    assert hal.quiet(1000) is True and hal.quiet(1001) is False


def test_a_full_heap_costs_a_connection():
    mode, _, _, _ = made()
    asked = []
    mode.server.relieve = lambda: asked.append(1)
    mode._relieve()
    assert asked == [1]


# -- how it ends ----------------------------------------------------------------------------------


def test_it_ends_by_itself_after_ten_minutes_and_closes_everything():
    mode, clock, hal, _ = made()
    closed = []
    mode.server.close = lambda: closed.append(1)
    listener = run(mode, clock)
    assert LENGTH_MS == 600000
    assert clock.time == 5000 + LENGTH_MS + 250
    assert listener.closed and closed == [1] and mode.asked is False
    assert hal.steps[0] == 5000 and len(hal.steps) == LENGTH_MS // 250 + 1


def test_the_address_is_printed_when_there_is_another():
    mode, clock, hal, _ = made()
    addresses = [None, "192.0.2.1", "192.0.2.1", None, "192.0.2.1", "192.0.2.2"]
    hal.step = lambda now, heard_at: addresses.pop(0) if len(addresses) > 1 else addresses[0]
    printed = []
    safemode.print = printed.append
    try:
        run(mode, clock)
    finally:
        del safemode.print
    assert printed == ["safe mode http://192.0.2.1:80", "safe mode http://192.0.2.2:80"]


def test_a_task_that_ends_ends_safe_mode_as_a_crash():
    for name in ("accept", "reap", "ticker"):
        mode, clock, _, _ = made()
        if name == "ticker":
            mode._ticker.run = over
        else:
            setattr(mode.server, name, over)
        try:
            run(mode, clock)
        except RuntimeError:
            assert clock.time < 5000 + 1000
            continue
        raise AssertionError(name)


class Ended:
    """Stands for a SafeMode that is over."""

    def __init__(self, board, hal, pins, running, life):
        self.asked = life.asked
        self.life = life

    async def run(self):
        self.life.story.append("ran")


class Store:
    def __init__(self):
        self.settings = settings({"2": {"name": "Strike"}})

    def load(self):
        return self.settings


def test_after_it_the_application_runs_with_the_settings_as_they_are_in_flash():
    before = safemode.SafeMode, safemode.again, safemode.forget
    safemode.SafeMode = Ended
    safemode.again = lambda: life.story.append("again")
    safemode.forget = lambda name: life.story.append("forget " + name)
    try:
        for asked, crashes in ((True, 0), (False, 2)):
            life = Life(5)
            life.asked = asked
            clock, store, subject = Clock(), Store(), module()
            running = clock, store, settings(), subject
            again_running = safemode.run(Board, Hal(), Pins(), running, life)
            assert again_running == (clock, store, store.settings, subject)
            assert life.restart.crashes == crashes
            # The loop is made anew for the application, and safe mode's code gives it room.
            assert life.story == [
                "ran",
                "again",
                ("starting", crashes),
                "forget holdfast.core.reconfigure",
                "forget holdfast.safemode",
            ]
            assert subject.ports[2].name == "Strike"
            assert store.settings.ports == store.settings.rules == ()
    finally:
        safemode.SafeMode, safemode.again, safemode.forget = before


def test_standing_still_feeds_the_watchdog_until_the_time_is_over():
    hal, life = Hal(), Life(6)
    printed = []
    safemode.print = printed.append
    try:
        stand(Board, hal, life)
    finally:
        del safemode.print
    assert printed == ["holdfast: safe mode came down, too: outputs only, for 600 s"]
    # Fed before each pause, and no pause is near a watchdog's time.
    assert hal.slept == [(1000, i + 1) for i in range(LENGTH_MS // 1000)]
    assert life.story == [("kept", SAFE_MODE)]
    assert life.restart.crashes == 2 and not life.restart.safe_mode()


# -- TLS ------------------------------------------------------------------------------------------


CERTIFICATE = ("a.der", "b.der")


def test_it_serves_tls_as_settings_have_it_and_says_where_it_cannot():
    bad = SettingsError("tls", "bad")
    for tls, found, ports in (
        (None, (b"", b""), {"http": ADDRESS[1]}),
        (CERTIFICATE + (True,), (b"", b""), {"http": ADDRESS[1], "https": 443}),
        (CERTIFICATE + (False,), (b"", b""), {"https": 443}),
        (CERTIFICATE + (False,), OSError(2), {"http": ADDRESS[1]}),
        (CERTIFICATE + (False,), bad, {"http": ADDRESS[1]}),
    ):
        printed = []
        safemode.print = printed.append
        try:
            from holdfast.settings import tls_files  # anew: safe mode lets go of it

            tls_files.files = Files.files
            mode, clock, _, _ = made(tls, found)
            page = mode.method("page")(None, None, 5000).body.decode()
            listened = []
            run(mode, clock, listened)
        finally:
            del safemode.print
        assert sorted(listened) == sorted(ports.values()), tls
        for scheme in ("http", "https"):
            line = "safe mode %s://192.0.2.1:%d" % (scheme, ports.get(scheme, 0))
            assert (line in printed) == (scheme in ports), tls
        failed = isinstance(found, Exception)
        assert ("HTTP is served instead of TLS" in page) == failed
        assert ("holdfast: HTTP is served instead" in printed) == failed
        command = "%s://THIS MODULE/holdfast/restart" % ("https" if "https" in ports else "http")
        assert command in page


# -- refused logins -------------------------------------------------------------------------------


def test_refused_logins_are_counted_slowed_down_and_in_flash_when_it_is_over():
    mode, clock, _, _ = made()
    dispatcher = mode.server._dispatcher
    connection = Connection(None, None, clock.time)
    connection.peer = ("192.0.2.7", 5)
    request = Asked()
    request.path = request.target = "/holdfast/restart"
    request.authorization = b'Digest username="root", uri="/holdfast/restart"'
    statuses = [dispatcher.answer(connection, request, clock.time, None).status for _ in range(7)]
    assert statuses == [401] * 6 + [429]
    assert mode._module.logins == [6, 1]
    run(mode, clock)
    written = b"".join(mode._store.written.values())
    assert b"no account's name, from 192.0.2.7" in written
    # What came a moment before the end is there, too.
    mode, clock, _, _ = made()
    mode.server._dispatcher.answer(connection, request, clock.time, None)
    mode._leave(None, None, clock.time)
    run(mode, clock)
    assert b"from 192.0.2.7" in b"".join(mode._store.written.values())


def test_it_takes_the_logins_that_settings_allow():
    config = settings()
    config.login = False, ("module.example",)
    mode = SafeMode(Board, Hal(), Pins(), (Clock(), Files(), config, module()), Life())
    dispatcher = mode.server._dispatcher
    assert dispatcher._authenticator.md5 is False
    assert dispatcher.names == ("module.example",)
