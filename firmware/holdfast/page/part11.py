"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

PIECES = (
    (
        b"\xda\x00\x00"
    ),
)
