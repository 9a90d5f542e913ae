/* The Cortex-M0+ of an RP2040 in C, for rp2040py, whose core it replaces: the same instructions,
 * exceptions and cycles, some fifty times as fast. core.py compiles and drives it.
 *
 * Everything but memory, the divider, the spinlocks and the timer's count stays rp2040py's: it is
 * reached through `read` and `write`. What rp2040py leaves out (the second core, faults) is left
 * out here.
 *
 * It also measures, without an instruction of the guest: the lowest stack pointer in thread mode
 * and in interrupts, and it holds thread mode at a stack pointer while interrupts go on.
 *
 * ARMv6-M Architecture Reference Manual (DDI 0419), RP2040 datasheet 2.3 (SIO), 2.6.3 (XIP).
 */
#include <stdint.h>
#include <string.h>

typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;

#define NANOS_PER_CYCLE 8.0 /* 125 MHz */
#define SRAM 0x20000000u
#define SRAM_SIZE 0x42000u
#define ROM_SIZE 0x4000u
#define FLASH_MASK 0xFFFFFFu
#define HOOK_MASK 0x1FFFFFu
#define LINES 1024 /* of 8 bytes, in each of two ways: the cache of the flash */
#define LAST_IRQ 25

enum { SP = 13, LR = 14, PC = 15 };
enum { NMI = 2, HARDFAULT = 3, SVCALL = 11, PENDSV = 14, SYSTICK = 15, IRQ0 = 16 };

/* core.py has the same fields in the same order. */
typedef struct {
    u32 r[16], banked_sp;
    u32 n, z, c, v;
    u32 primask, process_stack, unprivileged, handler, exception;
    u32 pending, enabled, priorities[4];
    u32 pending_nmi, pending_pendsv, pending_svcall, pending_systick, check;
    u32 vtor, shpr2, shpr3;
    u32 event, waiting, failed;
    u64 cycles, limit, instructions;
    double nanos, timer_epoch; /* of the clock, at synced; of the timer's zero */
    u64 synced;                /* cycles that the clock knows of */
    uint8_t *sram, *flash, *rom, *hooked;
    u32 (*read)(u32 address, u32 size);
    void (*write)(u32 address, u32 value, u32 size);
    void (*hook)(u32 pc);
    u32 dividend, divisor, quotient, remainder, divided, spinlocks;
    /* Flash cache: cycles of a miss, 0 for no cache. */
    u32 miss_cycles;
    u32 tags[LINES][2];
    uint8_t oldest[LINES];
    u64 misses;
    /* Measures. */
    u32 thread_low, lowest;   /* stack pointers */
    u32 entered, irq_deepest; /* stack pointer where thread mode was left; most bytes below it */
    u32 hold_at, held;        /* thread mode stops where its stack pointer is this low */
    u32 thread_low_pc;
} Core;

/* --- what the SIO does itself -------------------------------------------------------------- */

static void divide(Core *core, int with_sign) {
    u32 a = core->dividend, b = core->divisor;
    if (!with_sign) {
        core->quotient = b ? a / b : 0xFFFFFFFFu;
        core->remainder = b ? a % b : a;
    } else if (b == 0) {
        core->quotient = (s32)a >= 0 ? 0xFFFFFFFFu : 1;
        core->remainder = a;
    } else if (a == 0x80000000u && b == 0xFFFFFFFFu) {
        core->quotient = a;
        core->remainder = 0;
    } else {
        core->quotient = (u32)((s32)a / (s32)b);
        core->remainder = (u32)((s32)a % (s32)b);
    }
    core->divided = 3;
}

static int sio_read(Core *core, u32 offset, u32 *value) {
    switch (offset) {
    case 0x05C: *value = core->spinlocks; return 1;
    case 0x060: case 0x068: *value = core->dividend; return 1;
    case 0x064: case 0x06C: *value = core->divisor; return 1;
    case 0x070: core->divided &= ~2u; *value = core->quotient; return 1;
    case 0x074: *value = core->remainder; return 1;
    case 0x078: *value = core->divided; return 1;
    }
    if (offset >= 0x100 && offset < 0x180) {
        u32 bit = 1u << ((offset - 0x100) >> 2);
        *value = core->spinlocks & bit ? 0 : bit;
        core->spinlocks |= bit;
        return 1;
    }
    return 0;
}

static int sio_write(Core *core, u32 offset, u32 value) {
    switch (offset) {
    case 0x060: core->dividend = value; divide(core, 0); return 1;
    case 0x064: core->divisor = value; divide(core, 0); return 1;
    case 0x068: core->dividend = value; divide(core, 1); return 1;
    case 0x06C: core->divisor = value; divide(core, 1); return 1;
    case 0x070: core->quotient = value; core->divided = 3; return 1;
    case 0x074: core->remainder = value; core->divided = 3; return 1;
    case 0x078: return 1;
    }
    if (offset >= 0x100 && offset < 0x180) {
        core->spinlocks &= ~(1u << ((offset - 0x100) >> 2));
        return 1;
    }
    return 0;
}

/* --- memory -------------------------------------------------------------------------------- */

static u32 outside_read(Core *core, u32 address, u32 size) {
    u32 value;
    if (address >> 28 == 0xD) {
        core->cycles--; /* one of two: the SIO is next to the core */
        if ((address & 0xFFF) == 0)
            return 0; /* CPUID: the first core; read as a byte, too */
        if (size == 4 && sio_read(core, address & 0xFFF, &value))
            return value;
    } else if (address >> 28 == 4) {
        core->cycles += 2;
        /* The timer's count (TIMERAWL, TIMERAWH) is asked for all the time. */
        if (size == 4 && (address == 0x40054028u || address == 0x40054024u)) {
            double nanos = core->nanos + (double)(core->cycles - core->synced) * NANOS_PER_CYCLE;
            u64 micros = (u64)((nanos - core->timer_epoch) / 1000.0);
            return address == 0x40054028u ? (u32)micros : (u32)(micros >> 32);
        }
    }
    return core->read(address, size);
}

static void outside_write(Core *core, u32 address, u32 value, u32 size) {
    if (address >> 28 == 0xD) {
        core->cycles--;
        if (size == 4 && sio_write(core, address & 0xFFF, value))
            return;
    } else if (address >> 28 == 4) {
        core->cycles += 3;
    }
    core->write(address, value, size);
}

/* One access to flash through its cache: 16 KB, two ways, lines of 8 bytes (2.6.3). */
static inline void cached(Core *core, u32 address) {
    u32 line = (address & FLASH_MASK) >> 3, set = line % LINES, tag = line / LINES + 1;
    if (!core->miss_cycles || address >> 24 != 0x10)
        return;
    if (core->tags[set][0] == tag) {
        core->oldest[set] = 1;
    } else if (core->tags[set][1] == tag) {
        core->oldest[set] = 0;
    } else {
        core->tags[set][core->oldest[set]] = tag;
        core->oldest[set] ^= 1;
        core->cycles += core->miss_cycles;
        core->misses++;
    }
}

/* Memory that is read directly, NULL for what is not. */
static inline const uint8_t *readable(Core *core, u32 address) {
    if (address - SRAM < SRAM_SIZE)
        return core->sram + (address - SRAM);
    if (address >> 26 == 4) {
        cached(core, address);
        return core->flash + (address & FLASH_MASK);
    }
    if (address < ROM_SIZE)
        return core->rom + address;
    return 0;
}

static inline u32 read32(Core *core, u32 address) {
    const uint8_t *place = readable(core, address);
    u32 value;
    if (!place)
        return outside_read(core, address, 4);
    memcpy(&value, place, 4);
    return value;
}

static inline u32 read16(Core *core, u32 address) {
    const uint8_t *place = readable(core, address);
    uint16_t value;
    if (!place)
        return outside_read(core, address, 2);
    memcpy(&value, place, 2);
    return value;
}

static inline u32 read8(Core *core, u32 address) {
    const uint8_t *place = readable(core, address);
    return place ? *place : outside_read(core, address, 1);
}

static inline void write32(Core *core, u32 address, u32 value) {
    if (address - SRAM < SRAM_SIZE)
        memcpy(core->sram + (address - SRAM), &value, 4);
    else
        outside_write(core, address, value, 4);
}

static inline void write16(Core *core, u32 address, u32 value) {
    uint16_t half = (uint16_t)value;
    if (address - SRAM < SRAM_SIZE)
        memcpy(core->sram + (address - SRAM), &half, 2);
    else
        outside_write(core, address, half, 2);
}

static inline void write8(Core *core, u32 address, u32 value) {
    if (address - SRAM < SRAM_SIZE)
        core->sram[address - SRAM] = (uint8_t)value;
    else
        outside_write(core, address, value & 0xFF, 1);
}

/* --- exceptions ---------------------------------------------------------------------------- */

static void use_stack(Core *core, u32 process) {
    if (core->process_stack != process) {
        u32 sp = core->r[SP];
        core->r[SP] = core->banked_sp;
        core->banked_sp = sp;
        core->process_stack = process;
    }
}

/* The stack has grown: keep the lowest pointers, and say whether thread mode is to be held. */
static inline void grown(Core *core, u32 sp) {
    if (sp < core->lowest)
        core->lowest = sp;
    if (!core->handler) {
        if (sp < core->thread_low) {
            core->thread_low = sp;
            core->thread_low_pc = core->r[PC];
        }
        if (sp <= core->hold_at)
            core->held = 1;
    } else if (core->entered > sp && core->entered - sp > core->irq_deepest) {
        core->irq_deepest = core->entered - sp;
    }
}

static u32 psr(Core *core) {
    return core->n << 31 | core->z << 30 | core->c << 29 | core->v << 28 | 1u << 24 |
           core->exception;
}

static void enter(Core *core, u32 number) {
    static const u32 kept[] = {0, 1, 2, 3, 12, LR};
    u32 aligned = core->r[SP] >> 2 & 1, frame = (core->r[SP] - 0x20) & ~4u;
    if (!core->handler)
        core->entered = core->r[SP];
    core->r[SP] = frame;
    for (u32 i = 0; i < 6; i++)
        write32(core, frame + 4 * i, core->r[kept[i]]);
    write32(core, frame + 24, core->r[PC] & ~1u);
    write32(core, frame + 28, (psr(core) & ~(1u << 9)) | aligned << 9);
    core->r[LR] = core->handler ? 0xFFFFFFF1u : core->process_stack ? 0xFFFFFFFDu : 0xFFFFFFF9u;
    core->handler = 1;
    core->exception = number;
    use_stack(core, 0);
    grown(core, frame);
    core->event = 1;
    core->r[PC] = read32(core, core->vtor + 4 * number) & ~1u;
    core->cycles += 15;
}

static void leave(Core *core, u32 how) {
    core->handler = (how & 15) == 1;
    use_stack(core, (how & 15) == 13);
    u32 frame = core->r[SP], saved = read32(core, frame + 28);
    for (u32 i = 0; i < 4; i++)
        core->r[i] = read32(core, frame + 4 * i);
    core->r[12] = read32(core, frame + 16);
    core->r[LR] = read32(core, frame + 20);
    core->r[PC] = read32(core, frame + 24) & ~1u;
    core->r[SP] = (frame + 0x20) | (saved >> 9 & 1) << 2;
    core->n = saved >> 31;
    core->z = saved >> 30 & 1;
    core->c = saved >> 29 & 1;
    core->v = saved >> 28 & 1;
    core->exception = !core->handler && core->unprivileged ? 0 : saved & 0x3F;
    core->check = 1;
    core->event = 1;
    core->cycles += 13;
}

static int priority(Core *core, u32 number) {
    switch (number) {
    case NMI: return -2;
    case HARDFAULT: return -1;
    case SVCALL: return (int)(core->shpr2 >> 30);
    case PENDSV: return (int)(core->shpr3 >> 22 & 3);
    case SYSTICK: return (int)(core->shpr3 >> 30);
    }
    if (number >= IRQ0)
        for (int level = 0; level < 4; level++)
            if (core->priorities[level] & 1u << (number - IRQ0))
                return level;
    return 4;
}

/* Take the exception that is pending with the highest priority, if it is higher than what runs. */
static void take(Core *core) {
    int now = priority(core, core->exception);
    u32 wanted = core->pending & core->enabled;
    if (core->primask && now > 0 && !core->waiting)
        now = 0;
    if (core->pending_nmi) {
        core->pending_nmi = 0;
        core->waiting = 0;
        enter(core, NMI);
        return;
    }
    for (int level = 0; level < now; level++) {
        u32 number = 0, irqs = wanted & core->priorities[level];
        if (core->pending_svcall && level == priority(core, SVCALL))
            number = SVCALL;
        else if (core->pending_pendsv && level == priority(core, PENDSV))
            number = PENDSV;
        else if (core->pending_systick && level == priority(core, SYSTICK))
            number = SYSTICK;
        else if (irqs)
            number = IRQ0 + (u32)__builtin_ctz(irqs);
        if (!number)
            continue;
        if (core->waiting && core->primask) { /* it wakes, and is not taken */
            core->waiting = 0;
            return;
        }
        if (number == SVCALL)
            core->pending_svcall = 0;
        else if (number == PENDSV)
            core->pending_pendsv = 0;
        else if (number == SYSTICK)
            core->pending_systick = 0;
        else if (number - IRQ0 > LAST_IRQ)
            core->pending &= ~(1u << (number - IRQ0));
        core->waiting = 0;
        enter(core, number);
        return;
    }
    if (!core->waiting)
        core->check = 0;
}

/* --- instructions -------------------------------------------------------------------------- */

static inline void flags(Core *core, u32 value) {
    core->n = value >> 31;
    core->z = value == 0;
}

static inline u32 add(Core *core, u32 a, u32 b, u32 carry) {
    u64 sum = (u64)a + b + carry;
    u32 value = (u32)sum;
    core->c = (u32)(sum >> 32);
    core->v = (~(a ^ b) & (a ^ value)) >> 31;
    flags(core, value);
    return value;
}

static inline void jump(Core *core, u32 address) {
    if (core->handler && address >> 28 == 15)
        leave(core, address);
    else
        core->r[PC] = address & ~1u;
}

static int holds(Core *core, u32 condition) {
    int value = 0;
    switch (condition >> 1) {
    case 0: value = core->z; break;
    case 1: value = core->c; break;
    case 2: value = core->n; break;
    case 3: value = core->v; break;
    case 4: value = core->c && !core->z; break;
    case 5: value = core->n == core->v; break;
    case 6: value = core->n == core->v && !core->z; break;
    }
    return condition & 1 ? !value : value;
}

static void data_processing(Core *core, u32 op) {
    u32 d = op & 7, x = core->r[d], m = core->r[op >> 3 & 7], by = m & 255;
    switch (op >> 6 & 15) {
    case 0: x &= m; break; /* AND */
    case 1: x ^= m; break; /* EOR */
    case 2: /* LSL */
        if (by) {
            core->c = by > 32 ? 0 : by == 32 ? x & 1 : x >> (32 - by) & 1;
            x = by >= 32 ? 0 : x << by;
        }
        break;
    case 3: /* LSR */
        if (by) {
            core->c = by > 32 ? 0 : x >> (by - 1) & 1;
            x = by >= 32 ? 0 : x >> by;
        }
        break;
    case 4: /* ASR */
        if (by) {
            core->c = by >= 32 ? x >> 31 : x >> (by - 1) & 1;
            x = (u32)((s32)x >> (by >= 32 ? 31 : by));
        }
        break;
    case 5: core->r[d] = add(core, x, m, core->c); return;  /* ADC */
    case 6: core->r[d] = add(core, x, ~m, core->c); return; /* SBC */
    case 7: /* ROR */
        if (by) {
            by &= 31;
            if (by)
                x = x >> by | x << (32 - by);
            core->c = x >> 31;
        }
        break;
    case 8: flags(core, x & m); return;               /* TST */
    case 9: core->r[d] = add(core, 0, ~m, 1); return; /* RSB */
    case 10: add(core, x, ~m, 1); return;             /* CMP */
    case 11: add(core, x, m, 0); return;              /* CMN */
    case 12: x |= m; break;                           /* ORR */
    case 13: x *= m; break;                           /* MUL */
    case 14: x &= ~m; break;                          /* BIC */
    case 15: x = ~m; break;                           /* MVN */
    }
    core->r[d] = x;
    flags(core, x);
}

/* ADD, CMP, MOV of any registers, BX, BLX. */
static void any_registers(Core *core, u32 op, u32 pc) {
    u32 d = (op & 7) | (op >> 4 & 8), m = op >> 3 & 15;
    u32 x = m == PC ? pc + 4 : core->r[m];
    switch (op >> 8 & 3) {
    case 0: x += d == PC ? pc + 4 : core->r[d]; break;
    case 1: add(core, core->r[d], ~x, 1); return;
    case 3:
        core->cycles++;
        if (op & 0x80)
            core->r[LR] = (pc + 2) | 1;
        jump(core, x);
        return;
    }
    if (d == PC) {
        core->r[PC] = x & ~1u;
        core->cycles++;
    } else {
        core->r[d] = d == SP ? x & ~3u : x;
        if (d == SP)
            grown(core, core->r[SP]);
    }
}

static void push(Core *core, u32 op) {
    u32 count = (u32)__builtin_popcount(op & 0x1FF), place = core->r[SP] - 4 * count;
    core->r[SP] = place;
    core->cycles += count;
    for (u32 i = 0; i < 8; i++)
        if (op & 1u << i) {
            write32(core, place, core->r[i]);
            place += 4;
        }
    if (op & 0x100)
        write32(core, place, core->r[LR]);
    grown(core, core->r[SP]);
}

static void pop(Core *core, u32 op) {
    u32 place = core->r[SP];
    for (u32 i = 0; i < 8; i++)
        if (op & 1u << i) {
            core->r[i] = read32(core, place);
            place += 4;
            core->cycles++;
        }
    core->r[SP] = op & 0x100 ? place + 4 : place;
    if (op & 0x100) {
        core->cycles += 3;
        jump(core, read32(core, place));
    }
}

static void store_many(Core *core, u32 op) {
    u32 n = op >> 8 & 7, place = core->r[n];
    for (u32 i = 0; i < 8; i++)
        if (op & 1u << i) {
            write32(core, place, core->r[i]);
            place += 4;
            core->cycles++;
        }
    core->r[n] = place;
}

static void load_many(Core *core, u32 op) {
    u32 n = op >> 8 & 7, place = core->r[n];
    for (u32 i = 0; i < 8; i++)
        if (op & 1u << i) {
            core->r[i] = read32(core, place);
            place += 4;
            core->cycles++;
        }
    if (!(op & 1u << n))
        core->r[n] = place;
}

static void miscellaneous(Core *core, u32 op) {
    u32 d = op & 7, x = core->r[op >> 3 & 7];
    switch (op >> 8 & 15) {
    case 0:
        if (op & 0x80) {
            core->r[SP] -= (op & 127) * 4;
            grown(core, core->r[SP]);
        } else {
            core->r[SP] += (op & 127) * 4;
        }
        return;
    case 2:
        switch (op >> 6 & 3) {
        case 0: core->r[d] = (u32)(int16_t)x; return;
        case 1: core->r[d] = (u32)(int8_t)x; return;
        case 2: core->r[d] = x & 0xFFFF; return;
        case 3: core->r[d] = x & 0xFF; return;
        }
        return;
    case 4: case 5: push(core, op); return;
    case 6:
        if (op == 0xB672) { /* CPSID i */
            core->primask = 1;
            return;
        }
        if (op == 0xB662) { /* CPSIE i */
            core->primask = 0;
            core->check = 1;
            return;
        }
        break;
    case 10:
        switch (op >> 6 & 3) {
        case 0: core->r[d] = __builtin_bswap32(x); return;
        case 1: core->r[d] = (x & 0xFF00FF) << 8 | (x >> 8 & 0xFF00FF); return;
        case 3: core->r[d] = (u32)(int16_t)((x & 0xFF) << 8 | (x >> 8 & 0xFF)); return;
        }
        break;
    case 12: case 13: pop(core, op); return;
    case 15:
        if (op == 0xBF20) { /* WFE */
            core->cycles++;
            if (core->event)
                core->event = 0;
            else
                core->waiting = core->check = 1;
            return;
        }
        if (op == 0xBF30) { /* WFI */
            core->cycles++;
            core->waiting = core->check = 1;
            return;
        }
        if (op == 0xBF40) /* SEV */
            core->event = 1;
        return; /* NOP, YIELD */
    }
    core->failed = op; /* BKPT, and what is not defined */
}

static void read_special(Core *core, u32 to, u32 which) {
    u32 main = core->process_stack ? core->banked_sp : core->r[SP];
    u32 process = core->process_stack ? core->r[SP] : core->banked_sp;
    switch (which) {
    case 0: core->r[to] = psr(core) & 0xF0000000u; return;
    case 3: core->r[to] = psr(core); return;
    case 5: core->r[to] = core->exception; return;
    case 8: core->r[to] = main; return;
    case 9: core->r[to] = process; return;
    case 16: core->r[to] = core->primask; return;
    case 20: core->r[to] = core->process_stack << 1 | core->unprivileged; return;
    }
    core->failed = which;
}

static void write_special(Core *core, u32 value, u32 which) {
    switch (which) {
    case 0:
        core->n = value >> 31;
        core->z = value >> 30 & 1;
        core->c = value >> 29 & 1;
        core->v = value >> 28 & 1;
        return;
    case 8: case 9:
        if ((which == 9) == core->process_stack)
            core->r[SP] = value & ~3u;
        else
            core->banked_sp = value & ~3u;
        return;
    case 16:
        core->primask = value & 1;
        core->check = 1;
        return;
    case 20:
        core->unprivileged = value & 1;
        if (!core->handler)
            use_stack(core, value >> 1 & 1);
        return;
    }
    core->failed = which;
}

/* The instructions of 32 bits: BL, barriers, MRS, MSR. */
static void wide(Core *core, u32 op, u32 pc) {
    u32 more = read16(core, pc + 2);
    core->r[PC] = pc + 4;
    core->cycles += 2;
    if ((more & 0xD000) == 0xD000) {
        u32 sign = op >> 10 & 1;
        u32 i1 = (more >> 13 & 1) ^ sign ^ 1, i2 = (more >> 11 & 1) ^ sign ^ 1;
        u32 offset = sign << 24 | i1 << 23 | i2 << 22 | (op & 0x3FF) << 12 | (more & 0x7FF) << 1;
        core->r[LR] = (pc + 4) | 1;
        core->r[PC] = pc + 4 + (u32)((s32)(offset << 7) >> 7);
    } else if (op == 0xF3EF) {
        read_special(core, more >> 8 & 15, more & 0xFF);
    } else if (op >> 4 == 0xF38) {
        write_special(core, core->r[op & 15], more & 0xFF);
    } else if (op != 0xF3BF) {
        core->failed = op;
    }
}

static inline void execute(Core *core, u32 op, u32 pc) {
    u32 *r = core->r;
    u32 d = op & 7, m = op >> 3 & 7, k = op >> 8 & 7, five = op >> 6 & 31, low = op & 0xFF, x;
    switch (op >> 11) {
    case 0: /* LSL, MOV */
        x = r[m];
        if (five) {
            core->c = x >> (32 - five) & 1;
            x <<= five;
        }
        flags(core, r[d] = x);
        return;
    case 1: /* LSR */
        x = r[m];
        core->c = x >> (five ? five - 1 : 31) & 1;
        flags(core, r[d] = five ? x >> five : 0);
        return;
    case 2: /* ASR */
        x = r[m];
        core->c = x >> (five ? five - 1 : 31) & 1;
        flags(core, r[d] = (u32)((s32)x >> (five ? five : 31)));
        return;
    case 3: /* ADD, SUB of three */
        x = op & 0x400 ? op >> 6 & 7 : r[op >> 6 & 7];
        r[d] = op & 0x200 ? add(core, r[m], ~x, 1) : add(core, r[m], x, 0);
        return;
    case 4: flags(core, r[k] = low); return;         /* MOV */
    case 5: add(core, r[k], ~low, 1); return;        /* CMP */
    case 6: r[k] = add(core, r[k], low, 0); return;  /* ADD */
    case 7: r[k] = add(core, r[k], ~low, 1); return; /* SUB */
    case 8:
        if (op & 0x400)
            any_registers(core, op, pc);
        else
            data_processing(core, op);
        return;
    case 9: /* LDR of what is near */
        core->cycles++;
        r[k] = read32(core, ((pc + 4) & ~3u) + low * 4);
        return;
    case 10: case 11:
        core->cycles++;
        x = r[m] + r[op >> 6 & 7];
        switch (op >> 9 & 7) {
        case 0: write32(core, x, r[d]); return;
        case 1: write16(core, x, r[d]); return;
        case 2: write8(core, x, r[d]); return;
        case 3: r[d] = (u32)(int8_t)read8(core, x); return;
        case 4: r[d] = read32(core, x); return;
        case 5: r[d] = read16(core, x); return;
        case 6: r[d] = read8(core, x); return;
        case 7: r[d] = (u32)(int16_t)read16(core, x); return;
        }
        return;
    case 12: core->cycles++; write32(core, r[m] + five * 4, r[d]); return;
    case 13: core->cycles++; r[d] = read32(core, r[m] + five * 4); return;
    case 14: core->cycles++; write8(core, r[m] + five, r[d]); return;
    case 15: core->cycles++; r[d] = read8(core, r[m] + five); return;
    case 16: core->cycles++; write16(core, r[m] + five * 2, r[d]); return;
    case 17: core->cycles++; r[d] = read16(core, r[m] + five * 2); return;
    case 18: core->cycles++; write32(core, r[SP] + low * 4, r[k]); return;
    case 19: core->cycles++; r[k] = read32(core, r[SP] + low * 4); return;
    case 20: r[k] = ((pc + 4) & ~3u) + low * 4; return; /* ADR */
    case 21: r[k] = r[SP] + low * 4; return;
    case 22: case 23: miscellaneous(core, op); return;
    case 24: store_many(core, op); return;
    case 25: load_many(core, op); return;
    case 26: case 27:
        x = op >> 8 & 15;
        if (x == 14) {
            core->failed = op; /* UDF */
        } else if (x == 15) {
            core->pending_svcall = core->check = 1;
        } else if (holds(core, x)) {
            r[PC] = pc + 4 + (u32)((s32)(int8_t)low * 2);
            core->cycles++;
        }
        return;
    case 28: /* B */
        r[PC] = pc + 4 + (u32)((s32)(op << 21) >> 20);
        core->cycles++;
        return;
    case 30: wide(core, op, pc); return;
    }
    core->failed = op;
}

/* Run until `limit` cycles, or until nothing is left to do but wait. */
void run(Core *core) {
    while (core->cycles < core->limit && !core->failed) {
        if (core->check)
            take(core);
        if (core->waiting)
            return;
        if (core->held && !core->handler && !core->primask)
            return;
        u32 pc = core->r[PC] & ~1u;
        if (pc >> 24 == 0x10 && __builtin_expect(core->hooked[(pc & HOOK_MASK) >> 1], 0)) {
            core->hook(pc);
            if ((core->r[PC] & ~1u) != pc)
                continue;
        }
        u32 op = read16(core, pc);
        core->r[PC] = pc + 2;
        core->cycles++;
        core->instructions++;
        execute(core, op, pc);
    }
}

u32 size(void) { return sizeof(Core); }
