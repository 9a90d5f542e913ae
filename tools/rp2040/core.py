"""core.c for rp2040py: compiled on the spot, and a Core that takes the place of rp2040py's own.

rp2040py's chip, its memory and its peripherals stay as they are. The core's own state is one
struct in C, which `Core.state` shows; `Core` has the attributes that rp2040py asks its core for.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import time
from ctypes import c_double, c_uint8, c_uint32, c_uint64
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "core.c"
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-shared", "-fPIC")

CYCLE_NS = 8.0  # 125 MHz
_LOOK_CYCLES = 125000  # between two looks at the clock where no alarm is near
_NEVER = 0xFFFFFFFF  # no stack pointer is as high

_READ = ctypes.CFUNCTYPE(c_uint32, c_uint32, c_uint32)
_WRITE = ctypes.CFUNCTYPE(None, c_uint32, c_uint32, c_uint32)
_HOOK = ctypes.CFUNCTYPE(None, c_uint32)


def _words(text):
    return [(name, c_uint32) for name in text.split()]


class State(ctypes.Structure):
    """The struct Core of core.c, field by field."""

    _fields_ = [
        ("r", c_uint32 * 16),
        *_words("banked_sp n z c v primask process_stack unprivileged handler exception"),
        *_words("pending enabled"),
        ("priorities", c_uint32 * 4),
        *_words("pending_nmi pending_pendsv pending_svcall pending_systick check"),
        *_words("vtor shpr2 shpr3 event waiting failed"),
        *[(name, c_uint64) for name in ("cycles", "limit", "instructions")],
        *[(name, c_double) for name in ("nanos", "timer_epoch")],
        ("synced", c_uint64),
        *[(name, ctypes.c_void_p) for name in ("sram", "flash", "rom", "hooked")],
        ("read", _READ),
        ("write", _WRITE),
        ("hook", _HOOK),
        *_words("dividend divisor quotient remainder divided spinlocks miss_cycles"),
        ("tags", c_uint32 * 2048),
        ("oldest", c_uint8 * 1024),
        ("misses", c_uint64),
        *_words("thread_low lowest entered irq_deepest hold_at held thread_low_pc"),
    ]


# What a reset of the chip sets to 0; the rest is memory, measures and the clock.
_RESET = (
    *("banked_sp", "n", "z", "c", "v", "primask", "process_stack", "unprivileged", "handler"),
    *("exception", "pending", "enabled", "pending_nmi", "pending_pendsv", "pending_svcall"),
    *("pending_systick", "check", "vtor", "shpr2", "shpr3", "event", "waiting", "dividend"),
    *("divisor", "quotient", "remainder", "divided", "spinlocks", "held"),
)


class Missing(Exception):
    """There is no compiler on this machine, or it did not compile core.c; what to do."""


def library(folder):
    """The compiled core.c in a folder, made where there is none of this source yet; its path."""
    compiler = next((name for name in COMPILERS if shutil.which(name)), None)
    if compiler is None:
        raise Missing("no C compiler for the emulator's core: apt install gcc, or use --slow")
    made_of = SOURCE.read_bytes() + " ".join((compiler, *FLAGS)).encode()
    path = folder / ("core-%s.so" % hashlib.sha256(made_of).hexdigest()[:16])
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".%d" % os.getpid())
        command = [compiler, *FLAGS, str(SOURCE), "-o", str(part)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise Missing("core.c does not compile: %s" % result.stderr.strip())
        part.replace(path)
    return path


def _state(name):
    return property(
        lambda core: getattr(core.state, name),
        lambda core, value: setattr(core.state, name, int(value) & 0xFFFFFFFF),
    )


def _flag(name):
    return property(
        lambda core: bool(getattr(core.state, name)),
        lambda core, value: setattr(core.state, name, bool(value)),
    )


def _register(number, mask):
    def write(core, value):
        core.state.r[number] = value & mask

    return property(lambda core: core.state.r[number], write)


class Core:
    """mcu: rp2040py's RP2040, in plain Python (RP2040PY_SKIP_CYTHON), whose `core` this becomes.
    path: of the compiled core.c. miss_cycles: what an access to flash costs that is not in its
    cache, 0 for no cache.
    """

    pending_interrupts = _state("pending")
    enabled_interrupts = _state("enabled")
    pending_nmi = _flag("pending_nmi")
    pending_pend_sv = _flag("pending_pendsv")
    pending_svcall = _flag("pending_svcall")
    pending_systick = _flag("pending_systick")
    interrupts_updated = _flag("check")
    vtor = _state("vtor")
    shpr2 = _state("shpr2")
    shpr3 = _state("shpr3")
    ipsr = _state("exception")
    waiting = _flag("waiting")
    event_registered = _flag("event")
    sp = _register(13, 0xFFFFFFFC)
    lr = _register(14, 0xFFFFFFFF)
    pc = _register(15, 0xFFFFFFFF)
    vect_pending = 0

    def __init__(self, mcu, path, miss_cycles=0):
        self.mcu = mcu
        self._library = ctypes.CDLL(str(path))
        self._library.run.argtypes = [ctypes.c_void_p]
        assert self._library.size() == ctypes.sizeof(State), "State is not core.c's Core"
        state = self.state = State()
        self._address = ctypes.addressof(state)
        memory = [(ctypes.c_char * len(part)).from_buffer(part) for part in (mcu.sram, mcu.flash)]
        rom = b"".join(int(word).to_bytes(4, "little") for word in mcu.bootrom)
        memory.append(ctypes.create_string_buffer(rom, 0x4000))
        memory.append(ctypes.create_string_buffer(1 << 20))
        self._memory = memory  # as long as the struct points to it
        state.sram, state.flash, state.rom, state.hooked = [
            ctypes.addressof(part) for part in memory
        ]
        state.miss_cycles = miss_cycles
        state.read, state.write, state.hook = (
            _READ(self._read),
            _WRITE(self._write),
            _HOOK(self._hook),
        )
        self._hooks = {}
        self._clock = mcu.clock
        self.failure = None  # an exception of what C called
        self.measure_anew()
        mcu.core = self
        self.reset()

    @property
    def registers(self):
        return self.state.r

    @property
    def interrupt_priorities(self):
        return self.state.priorities

    @property
    def cycles(self):
        return self.state.cycles

    # --- what rp2040py calls ---

    def reset(self):
        """As at power-on, but for the measures and the count of cycles."""
        state = self.state
        for number in range(16):
            state.r[number] = 0
        for name in _RESET:
            setattr(state, name, 0)
        for level in range(4):
            state.priorities[level] = 0 if level else 0xFFFFFFFF
        ctypes.memset(ctypes.addressof(state.tags), 0, ctypes.sizeof(state.tags))
        self.sp = self.mcu.read_uint32(0)
        self.pc = self.mcu.read_uint32(4) & ~1

    def set_interrupt(self, irq, value):
        bit = 1 << irq
        if not value:
            self.state.pending &= ~bit & 0xFFFFFFFF
        elif not self.state.pending & bit:
            self.state.pending |= bit
            self.state.check = 1

    def check_for_interrupts(self):
        return False  # core.c looks for itself

    # --- what the tool calls ---

    def hook(self, address, call):
        """call() before the instruction at an address of flash is executed."""
        address &= ~1
        self._hooks[address] = call
        self._memory[3][(address & 0x1FFFFF) >> 1] = b"\1"

    def let_pass(self, nanos):
        """The instruction under way takes so much longer."""
        self.state.cycles += int(nanos / CYCLE_NS)

    def measure_anew(self):
        """Forget the lowest stack pointers."""
        self.state.thread_low = self.state.lowest = _NEVER
        self.state.irq_deepest = 0

    def hold(self, sp):
        """Hold thread mode once its stack pointer is as low as this; None: let it go on."""
        self.state.hold_at = 0 if sp is None else sp
        if sp is None:
            self.state.held = 0

    @property
    def held(self):
        state = self.state
        return bool(state.held and not state.handler and not state.primask)

    def run(self, simulator, seconds=0.005):
        """Instructions for so many seconds of the machine's time, as Simulator._execute_batch."""
        state, clock = self.state, self._clock
        end = time.monotonic() + seconds
        while not simulator.stopped and time.monotonic() < end:
            if state.waiting or self.held:
                # Nothing happens before the next alarm.
                clock.tick(max(self._idle_ns(), CYCLE_NS))
                state.synced = state.cycles
                state.nanos = clock.nanos
                state.check = 1
            self._limit()
            self._library.run(self._address)
            self._sync()
            if self.failure is not None:
                raise self.failure
            if state.failed:
                text = "the core knows no instruction %#x at %#x"
                raise RuntimeError(text % (state.failed, state.r[15]))

    def _idle_ns(self):
        return self._clock.nanos_to_next_alarm if self._clock.has_scheduled_alarm else 1e6

    def _sync(self):
        """Let the clock, and with it the alarms, catch up with the core."""
        state = self.state
        passed = state.cycles - state.synced
        if passed:
            state.synced = state.cycles
            self._clock.tick(passed * CYCLE_NS)
            state.nanos = self._clock.nanos

    def _limit(self):
        """Instructions may run until the next alarm."""
        state = self.state
        state.timer_epoch = self.mcu.timer._epoch_nanos
        cycles = min(int(self._idle_ns() / CYCLE_NS) + 1, _LOOK_CYCLES)
        state.limit = state.cycles + max(1, cycles)

    def _read(self, address, size):
        try:
            self._sync()
            mcu = self.mcu
            read = {4: mcu.read_uint32, 2: mcu.read_uint16, 1: mcu.read_uint8}[size]
            value = int(read(address)) & 0xFFFFFFFF
            self._limit()
            return value
        except Exception as failure:  # C cannot pass it on
            return self._fail(failure)

    def _write(self, address, value, size):
        try:
            self._sync()
            mcu = self.mcu
            {4: mcu.write_uint32, 2: mcu.write_uint16, 1: mcu.write_uint8}[size](address, value)
            self._limit()
        except Exception as failure:
            self._fail(failure)

    def _hook(self, pc):
        try:
            self._sync()
            self._hooks[pc]()
            self._limit()
        except Exception as failure:
            self._fail(failure)

    def _fail(self, failure):
        self.failure = self.failure or failure
        self.state.limit = self.state.cycles
        return 0
