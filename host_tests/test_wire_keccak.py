"""Keccak-256 against the Keccak team's vectors; against a library in test_differential_keys.py."""

from binascii import hexlify

from holdfast.wire.keccak import keccak256


def digest(data):
    steps = keccak256(data)
    count = 0
    while True:
        try:
            next(steps)
            count += 1
        except StopIteration as end:
            # 24 turns for others in each block of 136 bytes.
            assert count == 24 * (len(data) // 136 + 1)
            return hexlify(end.value).decode()


def test_known_digests():
    """The Keccak team's ShortMsgKAT_256: lengths 0 and 8; the others as Ethereum clients have."""
    for data, told in (
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"\xcc", "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (
            b"The quick brown fox jumps over the lazy dog",
            "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15",
        ),
    ):
        assert digest(data) == told


def test_the_padding_at_the_end_of_a_block():
    """135 bytes leave room for one byte, which begins and ends the padding."""
    for length, told in (
        (135, "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446"),
        (136, "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"),
        (137, "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39"),
    ):
        assert digest(b"a" * length) == told
