"""Points and signatures with published vectors; against others in test_differential_keys.py."""

import hashlib

from holdfast.wire.secp256k1 import BASE, FIELD, ORDER, multiply, sign


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
