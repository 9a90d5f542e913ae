"""What keeps a network up, against an interface that is up and down as the test wants."""

from holdfast.hal.link import BLOCK_MS, DOWN, JOIN_MS, PATIENCE_MS, SILENT_MS, UP, Link


class Interface:
    """Calls are told with their time; `air`: the address it gets, `trouble`: calls that raise."""

    def __init__(self):
        self.now = 0
        self.story = []
        self.air = "10.0.0.9"
        self.trouble = ()
        self.error = OSError

    def _call(self, name):
        self.story.append((self.now, name))
        if name in self.trouble:
            raise self.error(1)

    def start(self):
        self._call("start")

    def join(self):
        self._call("join")

    def leave(self):
        self._call("leave")

    def stop(self):
        self._call("stop")

    def address(self):
        if "address" in self.trouble:
            raise self.error(1)
        return self.air


class Bench:
    def __init__(self):
        self.interface = Interface()
        self.quiet = True
        self.asked = []
        self.link = Link(self.interface, self.ask)
        self.heard_at = None

    def ask(self, ms):
        self.asked.append(ms)
        return self.quiet

    def run(self, ms):
        """Step every 250 ms, as the app does; the address at the end."""
        end = self.interface.now + ms
        address = None
        while self.interface.now < end:
            self.interface.now += 250
            address = self.link.step(self.interface.now, self.heard_at)
        return address

    def calls(self):
        story, self.interface.story = self.interface.story, []
        return [name for _, name in story]


def test_it_starts_joins_and_tells_the_address():
    bench = Bench()
    assert bench.run(2000) == "10.0.0.9"
    assert bench.calls() == ["start", "join"]
    assert bench.link.state == UP
    bench.interface.air = "10.0.0.77"  # another lease
    assert bench.run(1500) == "10.0.0.77"
    assert bench.calls() == []


def test_a_network_that_goes_and_comes_200_times_is_joined_again_each_time():
    bench = Bench()
    bench.run(2000)
    bench.calls()
    for i in range(200):
        bench.interface.air = None
        assert bench.run(2000 + 37 * i % 20000) is None
        bench.interface.air = "10.0.%d.9" % i
        assert bench.run(15000) == "10.0.%d.9" % i
    assert bench.link.losses == 200
    calls = bench.calls()
    assert calls.count("join") >= 200 and calls.count("leave") >= 200
    assert "stop" not in calls


def test_joins_that_fail_are_tried_later_and_later_and_then_from_the_start_for_ever():
    bench = Bench()
    bench.interface.air = None
    bench.run(4 * JOIN_MS + 30000)
    calls = bench.calls()
    assert calls[:8] == ["start", "join", "leave", "join", "leave", "join", "leave", "join"]
    assert calls[8:12] == ["leave", "stop", "start", "join"]
    bench.run(24 * 3600 * 1000)
    assert bench.link.starts > 100
    bench.interface.air = "10.0.0.9"
    assert bench.run(15000) == "10.0.0.9"


def test_whatever_raises_is_a_failed_join_and_no_more():
    for error in (OSError, RuntimeError):
        for name in ("start", "join", "address"):
            bench = Bench()
            bench.interface.error = error
            bench.interface.trouble = (name,)
            assert bench.run(120000) is None
            assert len(bench.calls()) > 5
            bench.interface.trouble = ("leave", "stop")
            assert bench.run(60000) == "10.0.0.9", name
            bench.interface.air = None
            bench.run(10 * JOIN_MS)
            bench.interface.air = "10.0.0.9"
            assert bench.run(60000) == "10.0.0.9"


def test_a_start_that_failed_is_done_again_before_a_join():
    bench = Bench()
    bench.interface.trouble = ("start",)
    bench.run(30000)
    assert "join" not in bench.calls()


def test_what_blocks_waits_for_quiet_but_not_for_ever():
    bench = Bench()
    bench.quiet = False
    bench.run(PATIENCE_MS - 1000)
    assert bench.calls() == [] and bench.link.state == DOWN
    assert set(bench.asked) == {BLOCK_MS}
    bench.run(4000)
    assert bench.calls() == ["start", "join"]
    # A stop waits as well.
    bench.interface.air = None
    bench.run(4 * JOIN_MS + 25000)
    at = [time for time, name in bench.interface.story if name == "stop"]
    bench = Bench()
    bench.interface.air = None
    bench.run(4 * JOIN_MS + 25000)
    before = [time for time, name in bench.interface.story if name == "stop"]
    assert at[0] - before[0] >= PATIENCE_MS


def test_an_interface_that_is_up_and_silent_is_joined_anew_once_it_was_heard():
    bench = Bench()
    bench.run(2 * SILENT_MS)
    assert bench.calls() == ["start", "join"]  # nobody ever called: nothing is wrong
    bench.heard_at = bench.interface.now
    bench.run(SILENT_MS - 2000)
    assert bench.calls() == []
    assert bench.run(8000) == "10.0.0.9"
    assert bench.calls() == ["leave", "join"]
    bench.run(10 * SILENT_MS)
    assert bench.calls() == []  # once
    bench.heard_at = bench.interface.now
    bench.run(2 * SILENT_MS)
    assert bench.calls() == ["leave", "join"]
