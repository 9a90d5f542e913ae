"""ECDSA on the curve secp256k1 (SEC 2 section 2.4.1), as Ethereum signs: deterministic, low s,
with the parity that lets the public key be recovered.

In plain integers, because no chip's MicroPython has this curve. A signature is some 5000 products
of 256 bits, so it is made by a generator, whose steps are a bit of the number k each. Every bit
takes a doubling and an addition, whatever it is, but long integers take as long as their values
let them: whoever can measure single steps on the processor can learn the key. Over a network, one
signature in a while and others' turns in between, nobody does.

The number used once in a signature is derived from the key and what is signed (RFC 6979 section
3.2, with HMAC-SHA-256, for orders of 256 bits): no random numbers, none twice.
"""

import hashlib

from micropython import const

FIELD = (1 << 256) - (1 << 32) - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BASE = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def sign(key, digest):
    """Yield between its steps; return `(r, s, parity)`, parity 0 or 1: of the point's y.

    key: an int from 1 to ORDER - 1; digest: 32 bytes.
    """
    number = int.from_bytes(digest, "big")
    for k in nonces(key, digest, ORDER):
        x, y = yield from multiply(k)
        # A point whose x is no r by itself cannot be told by one bit of parity; never seen.
        if x >= ORDER:
            continue
        inverse = yield from _inverse(k, ORDER)
        s = inverse * (number + x * key % ORDER) % ORDER
        if not s:
            continue
        parity = y & 1
        if s > ORDER >> 1:
            s = ORDER - s
            parity ^= 1
        return x, s, parity


def multiply(k):
    """Yield between its steps; return k times the base point as (x, y). 0 < k < ORDER."""
    # The same point, and always 257 bits.
    k += ORDER
    if not k >> 256:
        k += ORDER
    point = (BASE[0], BASE[1], 1)
    for i in range(255, -1, -1):
        doubled = _double(point)
        added = _add(doubled)
        point = added if k >> i & 1 else doubled
        yield
    x, y, z = point
    inverse = yield from _inverse(z, FIELD)
    square = inverse * inverse % FIELD
    return x * square % FIELD, y * square % FIELD * inverse % FIELD


# Points are (X, Y, Z) for x = X / Z^2, y = Y / Z^3; Z = 0 at infinity. Formulas: Hankerson,
# Menezes, Vanstone, Guide to Elliptic Curve Cryptography, section 3.2.2, for a = 0.


def _double(point):
    x, y, z = point
    square = y * y % FIELD
    a = 4 * x * square % FIELD
    b = 3 * x * x % FIELD
    x = (b * b - 2 * a) % FIELD
    return x, (b * (a - x) - 8 * square * square) % FIELD, 2 * y * z % FIELD


def _add(point):
    """A point and the base point."""
    x, y, z = point
    if not z:
        return BASE[0], BASE[1], 1
    square = z * z % FIELD
    difference = (BASE[0] * square - x) % FIELD
    rise = (BASE[1] * square % FIELD * z - y) % FIELD
    if not difference:
        # The same point, or its opposite.
        return (1, 1, 0) if rise else _double(point)
    square = difference * difference % FIELD
    cube = square * difference % FIELD
    middle = x * square % FIELD
    x = (rise * rise - cube - 2 * middle) % FIELD
    return x, (rise * (middle - x) - y * cube) % FIELD, z * difference % FIELD


def _inverse(value, modulus):
    """1 / value by Euclid's algorithm, yielding now and then: pow() would take it in one piece."""
    low, high = value % modulus, modulus
    a, b = 1, 0
    count = 0
    while low > 1:
        quotient = high // low
        low, high = high - quotient * low, low
        a, b = b - quotient * a, a
        count += 1
        if not count % 8:
            yield
    return a % modulus


_BLOCK_BYTES = const(64)  # of SHA-256
_BYTES = const(32)


def nonces(key, digest, order):
    """Generate the candidates in their order, endlessly; the first is nearly always the one.

    key: an int from 1 to order - 1; digest: SHA-256's or another of 32 bytes; order: of 256 bits.
    """
    number = int.from_bytes(digest, "big") % order  # bits2octets, section 2.3.4
    seed = key.to_bytes(_BYTES, "big") + number.to_bytes(_BYTES, "big")
    value = b"\x01" * _BYTES
    secret = hmac(b"\x00" * _BYTES, value + b"\x00" + seed)
    value = hmac(secret, value)
    secret = hmac(secret, value + b"\x01" + seed)
    value = hmac(secret, value)
    while True:
        value = hmac(secret, value)
        candidate = int.from_bytes(value, "big")
        if 0 < candidate < order:
            yield candidate
        secret = hmac(secret, value + b"\x00")
        value = hmac(secret, value)


def hmac(key, message):
    """HMAC-SHA-256 (RFC 2104) with a key of 32 bytes."""
    inner = bytearray(b"\x36" * _BLOCK_BYTES)
    outer = bytearray(b"\x5c" * _BLOCK_BYTES)
    for i in range(len(key)):
        inner[i] ^= key[i]
        outer[i] ^= key[i]
    digest = hashlib.sha256(bytes(inner) + message).digest()
    return hashlib.sha256(bytes(outer) + digest).digest()
