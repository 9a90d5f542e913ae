"""Digests and signatures beside those of eth-account, eth-utils, and of cryptography."""

import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak
from holdfast.uplink.airnode import signed
from holdfast.wire.keccak import keccak256
from holdfast.wire.secp256k1 import ORDER, multiply, sign

SOME = 0x4C0883A69102937D6231471B5DBB6204FE5129617082792AE468D01A3F362318
KEYS = (1, 2, ORDER - 1, ORDER >> 1, SOME)


def done(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_digests_of_every_length_of_three_blocks():
    source = random.Random(1)
    for length in range(3 * 136):
        data = source.randbytes(length)
        assert done(keccak256(data)) == keccak(data)


@pytest.mark.parametrize("key", KEYS)
def test_personal_messages_are_signed_byte_for_byte_as_eth_account_does(key):
    """It derives its nonces by RFC 6979, too."""
    account = Account.from_key(key.to_bytes(32, "big"))
    source = random.Random(key)
    for text in ("", "a", "T\u00fcr", "x" * 9, "x" * 10, "x" * 1000, source.randbytes(50).hex()):
        theirs = account.sign_message(encode_defunct(text=text)).signature.hex()
        ours = done(signed(key, text.encode()))
        assert ours == "0x" + theirs.removeprefix("0x")
        message = encode_defunct(text=text)
        assert Account.recover_message(message, signature=ours) == account.address


def test_points_and_signatures_with_openssl():
    source = random.Random(2)
    for _ in range(20):
        key = source.randrange(1, ORDER)
        public = ec.derive_private_key(key, ec.SECP256K1()).public_key()
        numbers = public.public_numbers()
        assert done(multiply(key)) == (numbers.x, numbers.y)
        digest = source.randbytes(32)
        r, s, _ = done(sign(key, digest))
        signature = utils.encode_dss_signature(r, s)
        public.verify(signature, digest, ec.ECDSA(utils.Prehashed(SHA256())))
