"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: fd59d9c4441863f064c498aa04d9c45bef628e5521c5357e1476442e206cbbaf

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "4bc69e2ff8e184ec",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "ff1dcf9e2726f07c",
        20483,
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
