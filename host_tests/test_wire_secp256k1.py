"""Points, nonces, signatures: published vectors; against others in test_differential_keys.py."""

import hashlib
from binascii import hexlify, unhexlify

from holdfast.wire.secp256k1 import BASE, FIELD, ORDER, hmac, multiply, nonces, sign


def done(steps):
    """What a generator returns, and how many turns it left to others."""
    count = 0
    while True:
        try:
            next(steps)
            count += 1
        except StopIteration as end:
            return end.value, count


def test_multiples_of_the_base_point():
    assert done(multiply(1))[0] == BASE
    assert done(multiply(2))[0][0] == (
        0xC6047F9441ED7D6D3045406E95C07CD85C778E4B8CEF3CA7ABAC09B95C709EE5
    )
    assert done(multiply(3))[0][0] == (
        0xF9308A019258C31049344F85F89D5229B531C845836F99B08601F113BCE036F9
    )
    for k in (1, 2, 3, 2**255, ORDER >> 1):
        x, y = done(multiply(k))[0]
        assert (y * y - x * x * x - 7) % FIELD == 0
        assert done(multiply(ORDER - k))[0] == (x, FIELD - y)


def test_published_signatures():
    """Key 1 and ORDER - 1, RFC 6979 with SHA-256, as wallets check theirs with."""
    for key, message, r, s in (
        (
            1,
            b"Satoshi Nakamoto",
            0x934B1EA10A4B3C1757E2B0C017D0B6143CE3C9A7E6A4A49860D7A6AB210EE3D8,
            0x2442CE9D2B916064108014783E923EC36B49743E2FFA1C4496F01A512AAFD9E5,
        ),
        (
            1,
            b"All those moments will be lost in time, like tears in rain. Time to die...",
            0x8600DBD41E348FE5C9465AB92D23E3DB8B98B873BEECD930736488696438CB6B,
            0x547FE64427496DB33BF66019DACBF0039C04199ABB0122918601DB38A72CFC21,
        ),
        (
            ORDER - 1,
            b"Satoshi Nakamoto",
            0xFD567D121DB66E382991534ADA77A6BD3106F0A1098C231E47993447CD6AF2D0,
            0x6B39CD0EB1BC8603E159EF5C20A5C8AD685A45B06CE9BEBED3F153D10D93BED5,
        ),
    ):
        (got_r, got_s, parity), _ = done(sign(key, hashlib.sha256(message).digest()))
        assert (got_r, got_s) == (r, s) and parity in (0, 1)


def test_s_is_the_lower_one_and_the_parity_gives_the_key_back():
    key = 0xB25C7DB31FEED9122727BF0939DC769A96564B2DE4C4726D035B36ECF1E5B364
    parities = set()
    for i in range(6):
        digest = hashlib.sha256(b"%d" % i).digest()
        (r, s, parity), _ = done(sign(key, digest))
        assert 0 < s <= ORDER >> 1
        parities.add(parity)
        # The point R with that parity: s R = z G + r Q, so with u = 1 / s: R = u z G + u r Q.
        inverse = pow(s, ORDER - 2, ORDER)
        number = int.from_bytes(digest, "big")
        k = inverse * (number + r * key) % ORDER
        x, y = done(multiply(k))[0]
        assert x == r and y & 1 == parity
    assert parities == {0, 1}


def test_no_step_is_more_than_a_bit():
    """257 doublings at least; what that takes in time, test_uplink_airnode.py says."""
    _, count = done(sign(7, b"\x00" * 32))
    assert count >= 256


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
