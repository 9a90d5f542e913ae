"""An RP2040 that runs an image, and what it did: the lines that the image says, the levels of its
outputs, its resets, each with the chip's own time; and measures that the image knows nothing of.

rp2040py is the chip; its core is core.c's, or with `slow` its own, which measures nothing.
"""

import asyncio
import os
import struct
import time

LINE = 0x10  # the watchdog's SCRATCH1, by which the image speaks
WANTED = 0x14  # SCRATCH2: the script that is wanted, and a number for it
WHICH = 0x18  # SCRATCH3: how often, and which rows
GPIO = 6  # port 4, whose fallback is "closed": a high level
OUTPUTS = range(6, 10)
SAY_S = 10  # between lines of progress
SILENT_MS = 15000  # of the chip's time without a line: it will say no more

SRAM = 0x20000000
BLOCK_BYTES = 16  # of MicroPython's heap, with two bits each in its table
_LOOK_NS = 1e6  # between two looks at a chip whose thread mode is held

# SPI flash: what is written, and how its status is read (W25Q16JV datasheet, 8.1).
_PROGRAM, _STATUS, _ERASE_4K, _ERASE_64K = 0x02, 0x05, 0x20, 0xD8
_BUSY = 1
_POLL_NS = 1e5


class Failed(Exception):
    """What is missing or went wrong, and what to do."""


class Line:
    """What the image said, and what was measured since the line before.

    thread, irq, deepest: bytes of stack in thread mode, of interrupts on top, of both.
    tick_ms: the longest time between two ticks of the alarm. recursions, full: stacks and heaps
    that were full. in_irq: it was said inside an interrupt.
    """

    def __init__(self, life, ms, words):
        self.life = life
        self.ms = ms
        self.words = words
        self.thread = self.irq = self.deepest = 0
        self.tick_ms = 0.0
        self.recursions = self.full = 0
        self.in_irq = False
        self.live = self.hole = None
        self.held = False


class Story:
    """Lines of the image, edges of outputs, resets; each with its ms of the chip's time, in order,
    and the life in which it was.
    """

    def __init__(self):
        self.lines = []  # Line
        self.edges = []  # (life, ms, gpio, level)
        self.resets = []  # ms
        self.console = []  # (ms, text)
        self.silent = False  # the image said nothing for long

    def words(self, life, name):
        """The lines of a name in a life: (ms, [word...]) each; there has to be one."""
        found = [
            (line.ms, line.words[1:])
            for line in self.lines
            if (line.life, line.words[0]) == (life, name)
        ]
        if not found:
            raise Failed("the image did not say %r in its life %d" % (name, life + 1))
        return found

    def errors(self):
        """What the image says of exceptions that nobody caught."""
        return [" ".join(line.words[1:]) for line in self.lines if line.words[0] == "error"]

    def level(self, life, gpio, since):
        """The ms of the first high level of an output in a life after a time, None for none."""
        for at, ms, which, level in self.edges:
            if (at, which, level) == (life, gpio, "HIGH") and ms >= since:
                return ms
        return None


class Chip(Story):
    """A chip with an image in its flash.

    script, number, rounds: what the client in the image is to do. library: the compiled core.c,
    None for rp2040py's own core. elf: of the image, for its symbols. flash_ms: how long the flash
    takes to erase a sector and to write a page. hold: {(round, name): sp}, where thread mode is
    held during that request until an output has moved.
    """

    def __init__(self, image, elf, library, say, script=0, number=0, which=0, **more):
        super().__init__()
        if library is None:
            # Instructions between two looks at the clock, where no alarm is due: four times as
            # fast, and no alarm is late (rp2040py, _clock_batch_gate.py, _execute_batch.py).
            os.environ.setdefault("RP2040PY_CLOCK_TICK_BATCH", "32")
        else:
            os.environ["RP2040PY_SKIP_CYTHON"] = "1"
        from rp2040py.boards import resolve_board_spec
        from rp2040py.device import MicroPythonDevice
        from rp2040py.utils.firmware_retrieve import MICROPYTHON

        self._say = say
        self._wanted = {WANTED: script | number << 8, WHICH: which}
        self._hold = more.get("hold", {})
        self._flash_ms = more.get("flash_ms")
        self.finished = False
        self._said_ms = 0
        self._line = bytearray()
        self._text = bytearray()
        self._due = self._held_since = None
        self.device = MicroPythonDevice(board=resolve_board_spec("pico", MICROPYTHON, str(image)))
        self._mcu = mcu = self.device.mcu
        self._listen(mcu)
        self.symbols = _symbols(elf)
        self.core = None
        self._tick_at = None
        self._forget()
        if library is not None:
            from rp2040.core import Core

            self.core = Core(mcu, library, more.get("miss_cycles", 0))
            self._measure()

    def ms(self):
        return self._mcu.clock.nanos / 1e6

    # --- what the chip tells ---

    def _listen(self, mcu):
        watchdog = mcu.watchdog
        write, read, reset = (
            watchdog.write_uint32,
            watchdog.read_uint32,
            watchdog.on_watchdog_trigger,
        )

        def written(offset, value):
            if offset == LINE:
                self._byte(value & 0xFF)
            return write(offset, value)

        def asked(offset):
            return self._wanted[offset] if offset in self._wanted else read(offset)

        def triggered():
            self.resets.append(self.ms())
            self._say("%9.1f ms  the watchdog resets the chip" % self.ms())
            self._tick_at = None
            reset()

        watchdog.write_uint32, watchdog.read_uint32 = written, asked
        watchdog.on_watchdog_trigger = triggered
        for gpio in OUTPUTS:
            mcu.gpio[gpio].add_listener(
                lambda level, last, gpio=gpio: self.edges.append(
                    (len(self.resets), self.ms(), gpio, level.name)
                )
            )
        if self._flash_ms:
            self._slow_flash(mcu.ssi)

    def _slow_flash(self, ssi):
        """Have the flash say that it is busy for as long as a real one."""
        apply, shift = ssi._apply_command, ssi._shift_byte
        erase_ms, program_ms = self._flash_ms
        takes = {_ERASE_4K: erase_ms, _ERASE_64K: 4 * erase_ms, _PROGRAM: program_ms}
        until = 0.0

        def applied():
            nonlocal until
            command = ssi._tx_buffer[0] if ssi._tx_buffer else None
            if command in takes and ssi._write_enabled:
                until = self._mcu.clock.nanos + takes[command] * 1e6
            return apply()

        def shifted(byte):
            answer = shift(byte)
            left = until - self._mcu.clock.nanos
            if left <= 0 or len(ssi._tx_buffer) < 2 or ssi._tx_buffer[0] != _STATUS:
                return answer
            if self.core is not None:
                # Who asks waits, with interrupts off: ten looks a ms are enough.
                self.core.let_pass(min(left, _POLL_NS))
            return answer | _BUSY

        ssi._apply_command, ssi._shift_byte = applied, shifted

    def _byte(self, byte):
        if byte != 10:
            self._line.append(byte)
            return
        words = self._line.decode(errors="replace").split()
        self._line.clear()
        if not words:
            return
        self._said_ms = self.ms()
        line = Line(len(self.resets), self._said_ms, words)
        if self.core is not None:
            self._measured(line)
        self.lines.append(line)
        stack = "  (stack %d + %d)" % (line.thread, line.irq) if line.thread else ""
        self._say("%9.1f ms  %s%s" % (line.ms, " ".join(words), stack))
        self.finished = words[0] == "end"

    # --- measures ---

    def _measure(self):
        symbols, core = self.symbols, self.core
        self.top, self.bottom = symbols["__StackTop"], symbols["__StackBottom"]
        core.hook(symbols["alarm_callback"], self._tick)
        core.hook(symbols["mp_raise_recursion_depth"], lambda: self._count("recursions"))
        core.hook(symbols["m_malloc_fail"], lambda: self._count("full"))
        core.hook(symbols["gc_collect_end"], self._collected)
        core.hook(symbols["mp_hal_stdout_tx_strn"], self._printed)
        self._watch = self._mcu.clock.create_alarm(self._look)

    def _forget(self):
        self._tick_ms = 0.0
        self._counts = {"recursions": 0, "full": 0}
        self.held = False
        self._live = self._hole = None

    def _collected(self):
        """A collection of garbage has ended: what is in use is alive."""
        used, hole = self._heap()
        if used is not None:
            self._live = used if self._live is None else max(self._live, used)
            self._hole = hole if self._hole is None else min(self._hole, hole)

    def _count(self, what):
        self._counts[what] += 1

    def _tick(self):
        now = self.ms()
        if self._tick_at is not None:
            self._tick_ms = max(self._tick_ms, now - self._tick_at)
        self._tick_at = now

    def _printed(self):
        place, size = self.core.state.r[0], self.core.state.r[1]
        memory, mask = (
            (self._mcu.sram, 0xFFFFF) if place >> 28 == 2 else (self._mcu.flash, 0xFFFFFF)
        )
        self._text += bytes(memory[place & mask : (place & mask) + size])
        *rows, rest = self._text.split(b"\n")
        self._text = bytearray(rest)
        self.console += [(self.ms(), row.decode(errors="replace").rstrip()) for row in rows]

    def _measured(self, line):
        state = self.core.state
        if self._tick_at is not None:
            self._tick_ms = max(self._tick_ms, self.ms() - self._tick_at)
        line.thread = self.top - state.thread_low if state.thread_low < self.top else 0
        line.deepest = self.top - state.lowest if state.lowest < self.top else 0
        line.irq = state.irq_deepest
        line.tick_ms, line.held = self._tick_ms, self.held
        line.recursions, line.full = self._counts["recursions"], self._counts["full"]
        line.in_irq = bool(state.handler)
        line.live, line.hole = self._live, self._hole
        self._forget()
        self.core.measure_anew()
        if line.words[0] == "ask":
            sp = self._hold.get((line.words[1], " ".join(line.words[2:])))
            if sp is not None:
                self.core.hold(sp)
                self._watch.schedule(_LOOK_NS)
        elif line.words[0] == "answer":
            self.core.hold(None)
            if line.words[-1] == "heartbeat":
                self._due = self.ms() + int(line.words[3])

    def _look(self):
        """While thread mode is to be held: let it go once the output has moved, or is late."""
        now = self.ms()
        if self.core.held and not self.held:
            self.held = True
            self.held_at = now
        if self.held and now > self._due + 300:
            self.core.hold(None)
        elif self.core.state.hold_at:
            self._watch.schedule(_LOOK_NS)

    def _word(self, address):
        return struct.unpack_from("<I", self._mcu.sram, address - SRAM)[0]

    def _heap(self):
        """Bytes in use, and the largest hole, of MicroPython's heap by its own table."""
        place = self._find_heap()
        if place is None:
            return None, None
        start, size = place
        table = bytes(self._mcu.sram[start - SRAM : start - SRAM + size])
        blocks = "".join([_BLOCKS[byte] for byte in table])
        hole = max((len(run) for run in blocks.split("x")), default=0)
        return blocks.count("x") * BLOCK_BYTES, hole * BLOCK_BYTES

    def _find_heap(self):
        """(address, bytes) of the table: mp_state_ctx has it before the pool (py/mpstate.h)."""
        begin, context = self.symbols["__GcHeapStart"], self.symbols["mp_state_ctx"]
        for place in range(context, context + 8192, 4):
            start, size, _, pool, end = [self._word(place + 4 * i) for i in range(5)]
            likely = 0 <= start - begin < 64 and size and start < pool < end <= self.top
            if likely and end - pool == size * 4 * BLOCK_BYTES:
                return start, size
        return None

    # --- running ---

    async def run(self, timeout):
        """Until the image has said its last word, or so many seconds."""
        simulator = self.device.simulator
        begun = said = time.monotonic()
        simulator.bind_loop()
        if self.core is not None:
            simulator._execute_batch = lambda: self.core.run(simulator)
            self._mcu.usb_ctrl.on_usb_enabled = lambda: None  # nobody reads what it prints there
        self._mcu.leave_reset()
        simulator.start_execution()
        try:
            while not self.finished:
                await asyncio.sleep(0.05)
                now = time.monotonic()
                if simulator.engine_room_error is not None:
                    raise Failed("the emulator ended: %r" % simulator.engine_room_error)
                if now - begun > timeout:
                    text = "not finished after %d s, at %.1f ms of the chip's time; "
                    raise Failed((text + "--timeout gives it more") % (timeout, self.ms()))
                if self.core is not None and self.ms() > self._said_ms + SILENT_MS:
                    self.silent = True
                    return
                if now - said > SAY_S:
                    said = now
                    self._say(
                        "%9.1f ms  of the chip's time, %d s of ours" % (self.ms(), now - begun)
                    )
        finally:
            simulator.stop()
            await asyncio.sleep(0.1)


def _symbols(elf):
    """The symbols of an image: {name: address}."""
    from elftools.elf.elffile import ELFFile

    with open(elf, "rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}


def _row(byte):
    return "".join(["x" if byte >> shift & 3 else "." for shift in (0, 2, 4, 6)])


_BLOCKS = tuple([_row(byte) for byte in range(256)])
