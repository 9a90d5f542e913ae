"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

PIECES = (
    (
        b"F\\\xe5\xcc\xfc;\xaf\x10\x18|\xe7\r7\x9e\xeb\r\xff\xdb\xff\x07\t\xfd\x8amC\xda\x00\x00"
    ),
)
