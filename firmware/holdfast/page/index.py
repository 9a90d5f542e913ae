"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: 2dbb74c023e5eb1632a3807728e5abbf27a2db5ae4bb1a89954ba72f039fafaa

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "54661d71ab2207dc",
        459,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "9524731117fbf86d",
        20466,
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
