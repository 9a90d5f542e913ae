"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: 91e840265dd090bc4fd9022d689d7c1fe3add26bb943304a3fec45cf2e3734ed

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "2c7c06a79f765532",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "41c4a13074b81d13",
        20437,
        1,
        10,
    ),
    (
        "/holdfast/page.css",
        "text/css; charset=utf-8",
        "a21da825f9bfb2e7",
        2656,
        11,
        2,
    ),
)
