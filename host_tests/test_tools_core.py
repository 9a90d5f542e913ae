"""The core in C of `make emulator`, beside rp2040py's own: every instruction of a Cortex-M0+, one
at a time from the same state, leaves the same registers, flags, memory and cycles; exceptions come
and go alike.
"""

import os
import random
import shutil

import pytest

os.environ["RP2040PY_SKIP_CYTHON"] = "1"
pytest.importorskip("rp2040py", reason="the emulator's environment has rp2040py")

from rp2040 import core
from rp2040py._cortex_m0_core import CortexM0Core
from rp2040py._rp2040 import RP2040

SRAM = 0x20000000
CODE = SRAM + 0x100
DATA = SRAM + 0x2000
STACK = SRAM + 0x3000
STEPS = 6000

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, core.COMPILERS)), reason="there is no C compiler"
)


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """rp2040py's chip, and the same with our core."""
    library = core.library(tmp_path_factory.mktemp("core"))
    theirs, ours = RP2040(), RP2040()
    core.Core(ours, library)
    assert isinstance(theirs.core, CortexM0Core)
    return theirs, ours


def step(ours):
    """One instruction."""
    ours.core.state.limit = ours.core.state.cycles + 1
    ours.core._library.run(ours.core._address)


def memory(chip):
    return bytes(chip.sram[0x2000:0x3100])


def seen(chip):
    """What a program can see of a core."""
    cpu = chip.core
    if isinstance(cpu, CortexM0Core):
        flags = (cpu.n, cpu.z, cpu.c, cpu.v, cpu.pm, int(cpu.sp_sel), int(cpu.current_mode))
    else:
        state = cpu.state
        flags = (state.n, state.z, state.c, state.v, state.primask, state.process_stack)
        flags += (state.handler,)
    return [list(cpu.registers), [int(flag) for flag in flags], cpu.ipsr, int(cpu.waiting)]


def put(chip, registers, flags, code):
    """Set a state: registers, n z c v, and instructions where it is."""
    cpu = chip.core
    for number, value in enumerate(registers):
        cpu.registers[number] = value
    target = cpu if isinstance(cpu, CortexM0Core) else cpu.state
    for name, value in zip("nzcv", flags):
        setattr(target, name, bool(value))
    chip.sram[CODE - SRAM : CODE - SRAM + len(code)] = code


def instruction(dice):
    """Any instruction of 16 bits but those that leave the program, and BL, MRS, MSR and barriers,
    as bytes.
    """
    kind = dice.random()
    if kind < 0.05:
        s, j1, j2 = dice.getrandbits(1), dice.getrandbits(1), dice.getrandbits(1)
        first = 0xF000 | s << 10 | dice.getrandbits(10)
        second = 0xD000 | j1 << 13 | j2 << 11 | dice.getrandbits(11)
        return first.to_bytes(2, "little") + second.to_bytes(2, "little")
    if kind < 0.08:
        second = 0x8000 | dice.randrange(8) << 8 | dice.choice((0, 3, 5, 8, 9, 16, 20))
        return b"\xef\xf3" + second.to_bytes(2, "little")
    while True:
        word = dice.getrandbits(16)
        top = word >> 11
        if top in (29, 30, 31) or word >> 8 in (0xDE, 0xDF, 0xBE):
            continue
        if top == 24 and word >> (word >> 8 & 7) & 1:
            continue  # STM of its own base: deprecated, and rp2040py does not write the base back
        if top in (10, 11) and word >> 6 & 7 == word >> 3 & 7:
            continue  # twice an address is none
        if word >> 12 == 0xB and not defined(word):
            continue
        if word >> 7 in (0x8E, 0x8F) and word & 7:
            continue  # BX and BLX have three bits that are zero
        return word.to_bytes(2, "little") + b"\x00\xbf"


def defined(word):
    """Of the miscellaneous instructions, those that the M0+ has and that do not wait."""
    kind = word >> 8 & 15
    if kind == 10:
        return word >> 6 & 3 != 2
    if kind in (4, 12):
        return bool(word & 0xFF)
    return kind in (0, 2, 5, 13) or word in (0xB672, 0xB662, 0xBF00, 0xBF40)


def test_every_instruction_does_what_rp2040pys_does(chips):
    theirs, ours = chips
    dice = random.Random(2040)
    for number in range(STEPS):
        code = instruction(dice)
        word = int.from_bytes(code[:2], "little")
        registers = [dice.choice((dice.getrandbits(32), dice.getrandbits(5))) for _ in range(13)]
        registers += [STACK, dice.getrandbits(32) | 1, CODE]
        if 9 <= word >> 11 <= 25 and word >> 11 not in (20, 21, 22, 23):
            # Where memory is, and aligned, whichever registers are meant.
            registers[:8] = [DATA + 4 * dice.randrange(64) for _ in range(8)]
            if word >> 11 in (10, 11):
                registers[word >> 6 & 7] = 4 * dice.randrange(64)
                registers[word >> 3 & 7] = DATA
        if word >> 6 in (0x102, 0x103, 0x104, 0x107):
            # By more than 32 bits rp2040py leaves another carry than the chip (DDI 0419).
            registers[word >> 3 & 7] %= 33
        flags = [dice.getrandbits(1) for _ in range(4)]
        for chip in chips:
            put(chip, registers, flags, code)
        before = [chip.core.cycles for chip in chips]
        theirs.core.execute_instruction()
        step(ours)
        what = "%d: %s from %s" % (number, code.hex(), [hex(value) for value in registers])
        assert not ours.core.state.failed, what
        assert seen(ours) == seen(theirs), what
        assert memory(ours) == memory(theirs), what
        spent = [chip.core.cycles - cycles for chip, cycles in zip(chips, before)]
        # It leaves the link register and the program counter of PUSH and POP out (DDI 0484, 3.3).
        assert spent[1] - spent[0] == (word >> 8 in (0xB5, 0xBD)), what
        for chip in chips:  # as before for the next one
            chip.write_uint32(SRAM, 0)


@pytest.mark.parametrize("process", (0, 1))
def test_an_interrupt_comes_and_goes_alike(chips, process):
    for chip in chips:
        cpu = chip.core
        cpu.reset()
        chip.sram[0:0x400] = bytes(0x400)
        cpu.vtor = SRAM
        handler = SRAM + 0x200
        chip.write_uint32(SRAM + 4 * (16 + 3), handler | 1)
        chip.sram[0x200:0x204] = b"\x70\x47\x00\xbf"  # BX LR
        put(chip, [*range(13), STACK + 4, 0x77, CODE], (1, 0, 1, 0), b"\x30\xbf\x00\xbf\x00\xbf")
        cpu.enabled_interrupts = 1 << 3
    theirs, ours = chips
    if process:
        for chip in chips:
            put(chip, [2, *range(12), STACK + 4, 0x77, CODE], (1, 0, 1, 0), b"\x80\xf3\x14\x88")
        theirs.core.execute_instruction()
        step(ours)
        for chip in chips:
            chip.core.sp = STACK + 0x24
    told = []
    for number in range(8):
        if number == 2:
            for chip in chips:
                chip.core.set_interrupt(3, True)
        if number == 4:
            for chip in chips:
                chip.core.set_interrupt(3, False)
        if theirs.core.waiting:
            assert ours.core.waiting
            theirs.core.check_for_interrupts()
        else:
            theirs.core.execute_instruction()
        step(ours)
        told.append(seen(theirs)[0][15])
        assert memory(ours) == memory(theirs), told
        assert seen(ours)[1:] == seen(theirs)[1:], told


def test_the_stack_is_measured_and_thread_mode_held(chips):
    ours = chips[1]
    cpu = ours.core
    cpu.reset()
    put(ours, [0] * 13 + [STACK, 0, CODE], (0, 0, 0, 0), b"\x82\xb0\xf0\xb5\xfe\xe7")
    cpu.measure_anew()
    cpu.hold(STACK - 20)
    for _ in range(6):
        step(ours)
    assert cpu.state.thread_low == STACK - 8 - 20
    assert cpu.held and cpu.pc == CODE + 4
    cpu.hold(None)
    step(ours)
    assert not cpu.held


def test_a_compiler_is_asked_for_by_name(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(core.Missing, match="apt install gcc"):
        core.library(tmp_path)
