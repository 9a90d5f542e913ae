"""Deterministic nonces, with the vectors of RFC 6979 and those of others for secp256k1."""

import hashlib
from binascii import hexlify, unhexlify

from holdfast.wire.rfc6979 import hmac, nonces
from holdfast.wire.secp256k1 import ORDER

# RFC 6979 appendix A.2.5: P-256, with SHA-256.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_KEY = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721


def first(key, message, order):
    return next(nonces(key, hashlib.sha256(message).digest(), order))


def test_the_vectors_of_the_rfc():
    sample = 0xA6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60
    assert first(P256_KEY, b"sample", P256_ORDER) == sample
    test = 0xD16B6AE827F17175E040871A1C7EC3500192C4C92677336EC2537ACAEE0008E0
    assert first(P256_KEY, b"test", P256_ORDER) == test


def test_vectors_for_secp256k1():
    """As wallets check theirs with (Trezor, python-ecdsa)."""
    for key, message, k in (
        (
            1,
            b"Satoshi Nakamoto",
            0x8F8A276C19F4149656B280621E358CCE24F5F52542772691EE69063B74F15D15,
        ),
        (
            1,
            b"All those moments will be lost in time, like tears in rain. Time to die...",
            0x38AA22D72376B4DBC472E06C3BA403EE0A394DA63FC58D88686C611ABA98D6B3,
        ),
        (
            ORDER - 1,
            b"Satoshi Nakamoto",
            0x33A19B60E25FB6F4435AF53A3D42D493644827367E6453928554F43E49AA6F90,
        ),
    ):
        assert first(key, message, ORDER) == k


def test_further_candidates_differ_and_are_in_range():
    candidates = nonces(7, b"\xff" * 32, ORDER)
    several = [next(candidates) for _ in range(4)]
    assert len(set(several)) == 4
    for candidate in several:
        assert 0 < candidate < ORDER


def test_hmac():
    """RFC 4231 section 4.2, and 4.3 whose key is shorter."""
    told = b"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    assert hexlify(hmac(b"\x0b" * 20, b"Hi There")) == told
    told = unhexlify("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    assert hmac(b"Jefe", b"what do ya want for nothing?") == told
