"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: 48a64e96071dec2bb1ea4cc7f7dc5b53fb04a7387a710d8ebafe061224ea9450

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "bc765d2166664d7d",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "899136cfc2f2e6bb",
        19893,
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
