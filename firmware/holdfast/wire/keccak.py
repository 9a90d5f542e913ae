"""Keccak-256 as Ethereum uses it: the Keccak team's submission, whose padding begins with 0x01,
where FIPS 202 SHA3-256 has 0x06.

The state is 25 lanes of 64 bits, lane x, y at [x + 5 * y] (The Keccak reference, version 3.0,
sections 1.1 and 2). A generator, because one block takes 24 rounds of some 100 operations on long
integers: others have their turn after each round.
"""

from micropython import const

_RATE = const(136)  # bytes of one block
_LANES = const(17)  # ... in lanes
_MASK = (1 << 64) - 1

# By lane x + 5 * y: how far it is turned in step rho.
_TURNS = bytes(
    (0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14)
)


def keccak256(data):
    """Yield between its steps; return the digest of `data`, 32 bytes."""
    state = [0] * 25
    whole = len(data) - len(data) % _RATE
    for at in range(0, whole, _RATE):
        _absorb(state, data[at : at + _RATE])
        yield from _permute(state)
    last = bytearray(_RATE)
    last[: len(data) - whole] = data[whole:]
    last[len(data) - whole] = 0x01
    last[_RATE - 1] |= 0x80
    _absorb(state, last)
    yield from _permute(state)
    return b"".join([lane.to_bytes(8, "little") for lane in state[:4]])


def _absorb(state, block):
    for i in range(_LANES):
        state[i] ^= int.from_bytes(block[8 * i : 8 * i + 8], "little")


def _permute(lanes):
    """Keccak-f[1600] in place, a round at a time."""
    register = 1  # of the round constants, see _constant
    turned = [0] * 25
    for _ in range(24):
        # theta
        columns = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        for x in range(5):
            mixed = columns[(x + 4) % 5] ^ _turn(columns[(x + 1) % 5], 1)
            for i in range(x, 25, 5):
                lanes[i] ^= mixed
        # rho and pi
        for y in range(5):
            for x in range(5):
                i = x + 5 * y
                turned[y + 5 * ((2 * x + 3 * y) % 5)] = _turn(lanes[i], _TURNS[i])
        # chi
        for i in range(25):
            row = i - i % 5
            lanes[i] = turned[i] ^ (~turned[row + (i + 1) % 5] & _MASK & turned[row + (i + 2) % 5])
        # iota
        constant, register = _constant(register)
        lanes[0] ^= constant
        yield


def _turn(lane, count):
    """A lane turned left."""
    return ((lane << count) | (lane >> (64 - count))) & _MASK


def _constant(register):
    """A round's constant: bits 0, 1, 3, 7, .. 63 from a register of 8 bits (section 1.2)."""
    constant = 0
    for j in range(7):
        if register & 1:
            constant |= 1 << ((1 << j) - 1)
        register <<= 1
        if register & 0x100:
            register ^= 0x171
    return constant, register
