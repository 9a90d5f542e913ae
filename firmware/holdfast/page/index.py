"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: 83c11c5f5f3f652d1af0d75f952ea0779daacda65abcb088f6bb34d685001ecf

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "9908b519b2355199",
        462,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "9e382f272d3f97a4",
        20371,
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
