"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: 19200ca48c805c707369f22bddde403986dc8a374442a0a596a32f93875d92f8

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "33296e92075f881d",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "9ea89cdbc7daf4a0",
        19600,
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
