"""The number used once in an ECDSA signature, derived from the key and what is signed (RFC 6979
section 3.2, with HMAC-SHA-256, for orders of 256 bits): no random numbers, none twice.
"""

import hashlib

from micropython import const

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
