"""Keeps the monitors: their definitions, their history and how they stand, in flash.

Loaded with the first monitor; a module without one has none of this.

    monitors.json          the definitions, a line each; .new, .old as storage.atomic has it.
                           Written before a change is acknowledged.
    standing.bin           how monitors stand, with the counts of the hour under way; replaced, too
    events.0 ..            the journal of events: at least the latest EVENTS_KEPT of every monitor
    hours.0 ..             the journal of statistics: at least 30 days

The bounds of both come from the board's flash: where less than RESERVE_BYTES is free the oldest
file gives way, though it be within those. Settings and the log need that room.

Events wait in a batch, packed as they will be in flash. It is written when it is 15 minutes old,
three quarters full, or has a change of state to tell, but never twice within a minute: so many
writes a day at most, however many check in. What does not fit any more meanwhile is lost from the
history, the oldest first, and counted; statistics count it all the same. One step writes one
thing, and only while nothing is due that a pin hangs on. A killed module loses one batch.

Time of day. Records carry UTC. Where the module does not know it, its guess goes on from the
latest time in flash, or from 1970; what was kept by guess says so.
"""

import asyncio
import hashlib
from binascii import hexlify

from micropython import const

# What others here import comes first: an import inside another takes 550 bytes of the C stack.
from holdfast.wire import records

# isort: split
from holdfast.core.checkins import DOWN, HOUR_MS, LATE, MESSAGE_BYTES, MISSED, PAUSED
from holdfast.core.events import REMOVED
from holdfast.core.monitors import Monitor, Monitors
from holdfast.core.session import uuid4
from holdfast.runtime.memory import forget, load
from holdfast.runtime.portable import report, sleep_ms
from holdfast.settings.model import NotSaved
from holdfast.storage.atomic import Copies
from holdfast.storage.journal import Journal
from holdfast.wire.json import JsonError, loads, quote

DEFINITIONS = ("monitors.json", "monitors.new", "monitors.old")
STANDING = ("standing.bin", "standing.new", "standing.old")
_BAD = "monitors.bad"

EVENTS_KEPT = const(100)  # of every monitor
BATCH_BYTES = const(2048)
_FULL_BYTES = const(1536)
BATCH_MS = const(900000)
PAUSE_MS = const(60000)  # between two batches
_MOST_IN_GROUP = const(255)
_MOST_NUMBERS = const(65535)
EVENT_FILES = const(64)  # then the oldest is let go, with what is live in it carried over
_EVENT_FILES_AT_MOST = const(72)  # ... or without, should it not keep up
HOUR_FILES = const(64)  # 32 monitors that check in every hour fill 60 of them in 30 days
RESERVE_BYTES = const(64 * 1024)  # settings in four copies at most, and the log
_LOOK_MS = const(1000)
_FIRST = '{"monitors":1,"following":%d}\n'
_CHECKSUM = "sha256 "


class Keeper:
    """All of that. store: the settings' Store, whose `quiet` and storage are used."""

    def __init__(self, module, store, clock, random_bytes):
        self._module = module
        self._store = store
        self._storage = store.storage
        self._clock = clock
        self._random_bytes = random_bytes
        self._waiting = {}  # by number: [first event's number, count, first at, bytearray]
        self._bytes = 0  # of all that waits, with the groups' heads
        self._oldest_at = None
        self._urgent = False
        self._written_at = None
        self._batched = False  # a batch is in flash, and how monitors stand with it is not
        self._stale_at = None  # since when how monitors stand in flash is not how they stand
        self._task = None
        self.lost = 0  # events that did not fit
        self._set_aside = 0  # damaged files, since the start
        now = clock.now()
        self._definitions = Copies(self._storage, DEFINITIONS)
        self._standing = Copies(self._storage, STANDING)
        rows, self._following = self._read_definitions()
        self.engine = None
        try:
            self._load(rows, now)
        except MemoryError:
            # Whoever tries again declares them again.
            for monitor in [] if self.engine is None else self.engine.all:
                monitor.declared.data = REMOVED
            raise

    # -- the start --------------------------------------------------------------------------------

    def _read_definitions(self):
        """(rows of definitions, the next number)."""
        for name in DEFINITIONS:
            data = self._storage.read(name)
            if data is None:
                continue
            try:
                found = _definitions(data)
            except (ValueError, JsonError, UnicodeError):
                self._put_aside(name, _BAD)
                continue
            self._definitions.held = name
            return found
        return [], 1

    def _read_standing(self):
        for name in STANDING:
            data = self._storage.read(name)
            if data is None:
                continue
            try:
                found = records.stood(data)
            except ValueError:
                self._put_aside(name, "standing.bad")
                continue
            self._standing.held = name
            return found
        return 0, (None, None, None, None), 1, []

    def _put_aside(self, name, bad):
        print("holdfast: %s: damaged, set aside as %s" % (name, bad))
        self._set_aside += 1
        try:
            self._storage.rename(name, bad)
        except OSError:
            pass  # it stays, and is not read again before it is replaced

    def _load(self, rows, now):
        hour, files, following, stands = self._read_standing()
        self._following = max(self._following, following)
        self._events = Journal(self._storage, "events", files[0], files[1])
        self._hours = Journal(self._storage, "hours", files[2], files[3])
        offset = self._clock.epoch_ms()
        known = offset != 0
        # Where it goes on when it is not told better.
        self._guess = max([hour * HOUR_MS] + [row[3] for row in stands]) - now
        self.engine = Monitors(
            self._module.events, self._note, now, offset if known else self._guess, known
        )
        for row in rows:
            self.engine.add(Monitor(*row), now, True)
        in_journal = self._last_hour() >= hour
        left = []
        for number, state, noted, last_ms, counts in stands:
            monitor = self._by_number(number)
            if monitor is None:
                continue
            monitor.noted = noted
            last_at = last_ms - self.engine.offset if last_ms else None
            now_in = hour == self.engine.hour
            self.engine.resume(monitor, state, last_at, counts if now_in else (0, 0, 0, 0), now)
            monitor.kept = monitor.state
            if not now_in and not in_journal and max(counts):
                left.append((number, counts))
        if left:
            self.engine.closed.append((hour, known, left))
        self._recount()
        self._module.monitors = self.engine
        self._module.wake_by(self.engine.due)

    def _last_hour(self):
        """The latest hour in the journal, -1 when there is none."""
        hour = -1
        for number in self._hours.numbers()[-1:]:
            data, payloads = self._hours.read(number)
            for start, _ in payloads:
                hour = records.hour_of(data, start, 0)[0]
        return hour

    def _recount(self):
        """Events that came into flash after it was last noted how monitors stand."""
        for number in self._events.numbers()[-2:]:
            data, payloads = self._events.read(number)
            for start, end in payloads:
                for row in records.groups(data, start, end):
                    monitor = self._by_number(row[0])
                    if monitor is not None:
                        monitor.noted = max(monitor.noted, row[3] + row[1])

    def _reckon(self, now):
        """What is due comes before any new fact."""
        self._module.act(now)
        self._module.tell(now)

    def figures(self):
        """(monitors, those that are down, events lost, damaged files set aside)."""
        down = len([monitor for monitor in self.engine.all if monitor.state == DOWN])
        aside = self._set_aside + self._events.set_aside + self._hours.set_aside
        return len(self.engine.all), down, self.lost, aside

    def _by_number(self, number):
        for monitor in self.engine.all:
            if monitor.number == number:
                return monitor
        return None

    def start(self):
        """Look after flash from now on."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self):
        while True:
            try:
                self.step(self._clock.now())
            except MemoryError:
                pass  # later
            except Exception as error:
                report(error)
            await sleep_ms(_LOOK_MS)

    # -- definitions ------------------------------------------------------------------------------

    def create(self, fields, now):
        """A new Monitor of these fields; core.definition's Refused, NotSaved."""
        self._reckon(now)
        everybody = self.engine.all
        values = load("holdfast.core.definition", "made")(fields, everybody)
        forget("holdfast.core.definition")
        number = self._following
        while self._by_number(number) is not None or not 0 < number <= _MOST_NUMBERS:
            number = number % _MOST_NUMBERS + 1
        self._following = number + 1
        monitor = Monitor(number, uuid4(self._random_bytes(16)), *values)
        self._save([_line(other) for other in everybody] + [_line(monitor)], now)
        self.engine.add(monitor, now)
        self._done()
        self.start()
        return monitor

    def change(self, monitor, fields, now):
        """Change what the fields tell; core.definition's Refused, NotSaved."""
        self._reckon(now)
        everybody = self.engine.all
        values = load("holdfast.core.definition", "made")(fields, everybody, monitor)
        forget("holdfast.core.definition")
        service, name, label, interval_s, grace_s, enabled, waits = values
        changed = Monitor(monitor.number, monitor.id, *values)
        lines = [_line(changed if other is monitor else other) for other in everybody]
        self._save(lines, now)
        self.engine.rename(monitor, service, name, label, now)
        self.engine.adjust(monitor, interval_s, grace_s, enabled, waits, now)
        self._done()

    def remove(self, monitors, now):
        """Remove them all, or none; NotSaved."""
        self._reckon(now)
        lines = [_line(other) for other in self.engine.all if other not in monitors]
        self._save(lines, now)
        for monitor in monitors:
            self.engine.remove(monitor, now)
            self._discard(monitor.number)
        self._done()

    def _done(self):
        self._module.wake_by(self.engine.due)
        if self._stale_at is None:
            self._stale_at = self._clock.now()

    def _save(self, lines, now):
        """Have the definitions in flash."""
        if not self._store.quiet(now):
            raise NotSaved("a deadline is too near to write to flash")
        text = (_FIRST % self._following) + "".join(lines)
        check = hexlify(hashlib.sha256(text.encode()).digest()).decode()
        try:
            self._definitions.write((text + _CHECKSUM + check + "\n").encode())
        except OSError:
            raise NotSaved("flash cannot be written")

    # -- facts ------------------------------------------------------------------------------------

    def find(self, identifier):
        return self.engine.find(identifier)

    def check_in(self, monitor, result, now, message="", run_id=None, status=None):
        """As the engine's; 0 or the ms to wait."""
        self._reckon(now)
        wait = self.engine.check_in(monitor, result, now, message, run_id, status)
        self._module.wake_by(self.engine.due)
        return wait

    def utc(self, at):
        """(ms of UTC since 1970, is that known?) of a ms of the module's time."""
        return at + self.engine.offset, self.engine.known

    def _note(self, monitor, result, at, message, duration_ms, status):
        """Something for the history."""
        number = monitor.number
        if monitor.state not in (monitor.kept, LATE) or result == MISSED:
            self._urgent = True
        row = self._waiting.get(number)
        if row is None:
            row = self._waiting[number] = [monitor.noted, 0, at, bytearray()]
            self._bytes += records.GROUP_BYTES
        data = records.record(at - row[2], result, _cut(message), duration_ms, status)
        row[3].extend(data)
        row[1] += 1
        monitor.noted += 1
        self._bytes += len(data)
        if self._oldest_at is None:
            self._oldest_at = at
        if self._bytes > BATCH_BYTES or row[1] == _MOST_IN_GROUP:
            self._shorten()

    def _shorten(self):
        """Let go of the older half of what the busiest monitor has told."""
        longest = None
        for row in self._waiting.values():
            if longest is None or len(row[3]) > len(longest[3]):
                longest = row
        count = (longest[1] + 1) // 2
        at = records.skip(longest[3], count)
        longest[3] = longest[3][at:]
        longest[0] += count
        longest[1] -= count
        self._bytes -= at
        self.lost += count

    def _discard(self, number):
        row = self._waiting.pop(number, None)
        if row is not None:
            self._bytes -= records.GROUP_BYTES + len(row[3])

    # -- flash ------------------------------------------------------------------------------------

    def step(self, now):
        """Follow the clock of the day; write one thing, if there is one and this is the moment."""
        module = self._module
        self._reckon(now)
        offset = self._clock.epoch_ms()
        self.engine.set_clock(offset or self._guess, offset != 0, now)
        module.wake_by(self.engine.due)
        if not self._store.quiet(now):
            return
        try:
            self._write(now)
        except OSError as error:
            # Full, or worn out: what waits goes on waiting, within its bounds.
            print("holdfast: the history of monitors cannot be written: %s" % error)
            self._written_at = now

    def _write(self, now):
        engine = self.engine
        if self._events.damaged:
            self._events.repair()
        elif self._hours.damaged:
            self._hours.repair()
        elif self._written_at is not None and now - self._written_at < PAUSE_MS:
            return
        elif self._batched:
            self._write_standing(now)
        elif engine.closed:
            hour, known, rows = engine.closed[0]
            self._hours.append(records.hour_row(hour, known, rows))
            engine.closed.pop(0)
            if self._hours.count > HOUR_FILES or self._short(self._hours):
                self._hours.drop()
        elif self._waiting and self._ripe(now):
            self._events.append(self._batch())
            self._waiting = {}
            self._bytes = 0
            self._oldest_at = None
            self._urgent = False
            self._batched = True
            if self._short(self._events):
                self._events.drop()
            elif self._events.count > EVENT_FILES:
                self._collect()
        elif self._stale_at is None:
            for monitor in engine.all:
                if monitor.state == DOWN or max(monitor.counts):
                    self._stale_at = now
                    break
        elif now - self._stale_at >= BATCH_MS:
            self._write_standing(now)

    def _short(self, journal):
        """True when flash is short, and a journal has a file to spare."""
        free = self._storage.free() if journal.count > 1 else None
        return free is not None and free < RESERVE_BYTES

    def _write_standing(self, now):
        for monitor in self.engine.all:
            monitor.settle(now)
        self._standing.write(records.seal(self._stand()))
        self._batched = False
        self._stale_at = None
        self._written_at = now
        for monitor in self.engine.all:
            monitor.kept = monitor.lasting()

    def _ripe(self, now):
        if self._urgent or self._bytes >= _FULL_BYTES:
            return True
        for at in (self._oldest_at, self._stale_at):
            if at is not None and now - at >= BATCH_MS:
                return True
        return False

    def _batch(self):
        parts = []
        for number in sorted(self._waiting):
            sequence, count, first_at, data = self._waiting[number]
            first_ms, known = self.utc(first_at)
            if count:
                part = records.group(number, known, sequence, max(0, first_ms), count, bytes(data))
                parts.append(part)
        return b"".join(parts)

    def _stand(self):
        rows = []
        offset = self.engine.offset
        for monitor in self.engine.all:
            last = 0 if monitor.last_at is None else max(0, monitor.last_at + offset)
            waiting = self._waiting.get(monitor.number)
            noted = monitor.noted if waiting is None else waiting[0]
            rows.append((monitor.number, monitor.lasting(), noted, last, monitor.counts))
        files = (self._events.first, self._events.count, self._hours.first, self._hours.count)
        return records.standing(max(0, self.engine.hour), files, self._following, rows)

    def _collect(self):
        """Let go of the oldest file of events; what is among the latest of its monitor is carried
        over.
        """
        if self._events.count <= _EVENT_FILES_AT_MOST:
            parts = []
            data, payloads = self._events.read(self._events.first)
            for start, end in payloads:
                for row in records.groups(data, start, end):
                    monitor = self._by_number(row[0])
                    if monitor is not None:
                        parts.append(_live(data, row, monitor.noted - EVENTS_KEPT))
            carried = b"".join(parts)
            if carried:
                self._events.append(carried)
        self._events.drop()

    # -- answers, in pieces of one file each ------------------------------------------------------

    def events(self, monitor, limit, after_ms):
        """Generates the events of the history, oldest first: (ms of UTC, known, result,
        duration_ms, status, message), and None where others may have their turn. The latest
        `limit`, or with after_ms the first `limit` later than that.
        """
        lowest = monitor.noted - EVENTS_KEPT
        if after_ms is None:
            lowest = monitor.noted - limit
        waiting = self._waiting.get(monitor.number)
        places = []  # of groups: (first event's number, file, offset of its records)
        for number in self._events.numbers():
            data, payloads = self._events.read(number)
            for start, end in payloads:
                for row in records.groups(data, start, end, monitor.number):
                    if row[3] + row[1] > lowest:
                        places.append((row[3], number, row[5]))
            data = None
            yield None
        if waiting is not None:
            places.append((waiting[0], -1, 0))
        following = max(0, lowest)
        for _, number, at in sorted(places):
            if number < 0:
                first_ms, known = self.utc(waiting[2])
                row = (0, waiting[1], known, waiting[0], first_ms, 0, len(waiting[3]))
                data = bytes(waiting[3])
            else:
                data = self._events.read(number)[0]
                row = records.group_at(data, at)
                if row is None or row[0] != monitor.number:
                    continue  # its file was let go meanwhile
            sequence = row[3]
            for after, result, duration, status, message in records.records(data, row[5], row[6]):
                ms = row[4] + after
                # A group that was carried over may be there twice.
                if sequence >= following and (after_ms is None or ms > after_ms):
                    if limit == 0:
                        return
                    limit -= 1
                    following = sequence + 1
                    yield ms, row[2], result, duration, status, message
                sequence += 1
            data = None
            yield None

    def statistics(self, monitor, start_hour, end_hour):
        """Generates (hour, known, counts) of the hours from start up to end, as they were closed,
        and None where others may have their turn.
        """
        # As it is now: while others have their turn, hours come from here into the last file.
        engine = self.engine
        late = []
        for hour, known, rows in engine.closed:
            for number, counts in rows:
                if number == monitor.number:
                    late.append((hour, known, counts))
        if max(monitor.counts):
            late.append((engine.hour, engine.known, tuple(monitor.counts)))
        numbers = self._hours.numbers()
        there = len(self._hours.read(numbers[-1])[1]) if numbers else 0
        for number in numbers:
            data, payloads = self._hours.read(number)
            for start, _ in payloads[:there] if number == numbers[-1] else payloads:
                row = records.hour_of(data, start, monitor.number)
                if row[2] is not None and start_hour <= row[0] < end_hour:
                    yield row
            data = None
            yield None
        for row in late:
            if start_hour <= row[0] < end_hour:
                yield row


def _line(monitor):
    """A definition as a line of JSON. The last value is there where it is true: it is not known to
    0.1.0, which reads all others.
    """
    return "[%d,%s,%s,%s,%s,%d,%d,%s%s]\n" % (
        monitor.number,
        quote(monitor.id),
        quote(monitor.service),
        quote(monitor.name),
        quote(monitor.label),
        monitor.interval_ms // 1000,
        monitor.grace_ms // 1000,
        "false" if monitor.state == PAUSED else "true",
        ",true" if monitor.waits else "",
    )


def _definitions(data):
    """(rows, the next number) of a file of definitions; ValueError."""
    text, _, check = data.rpartition(_CHECKSUM.encode())
    if hexlify(hashlib.sha256(text).digest()) + b"\n" != check:
        raise ValueError("checksum")
    lines = text.split(b"\n")
    rows = []
    services = {}  # a text that many have is kept once
    for line in lines[1:-1]:
        row = loads(line)
        row[2] = services.setdefault(row[2], row[2])
        if row[4] == row[3]:
            row[4] = row[3]
        rows.append(row)
    return rows, loads(lines[0])["following"]


def _cut(message):
    """As many bytes of a text as are kept, cut between two characters."""
    data = message.encode()
    end = MESSAGE_BYTES
    if len(data) > end:
        while data[end] & 0xC0 == 0x80:
            end -= 1
        data = data[:end]
    return data


def _live(data, row, lowest):
    """A group without its events up to number `lowest`; empty when none is left."""
    number, count, known, sequence, first_ms, start, end = row
    drop = min(count, max(0, lowest - sequence))
    if drop == count:
        return b""
    start += records.skip(data[start:end], drop)
    return records.group(number, known, sequence + drop, first_ms, count - drop, data[start:end])
