"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: ceb69b68205b423e78a1c608d311ad51c3bdea7024f81d7d00b9e215e935a54e

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "fec39ee889d172a0",
        460,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "a16be390998240b5",
        20508,
        1,
        11,
    ),
    (
        "/holdfast/page.css",
        "text/css; charset=utf-8",
        "a21da825f9bfb2e7",
        2656,
        12,
        2,
    ),
)
