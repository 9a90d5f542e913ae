"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: c236457913d998a237e77d2c2e4ecfa2bf5f7a145ac2a518128c6af5a7ea9790

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "dfed4127da63c6c0",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "d23432b6032ca26b",
        19625,
        1,
        10,
    ),
    (
        "/holdfast/page.css",
        "text/css; charset=utf-8",
        "8730009d83a53704",
        2629,
        11,
        2,
    ),
)
