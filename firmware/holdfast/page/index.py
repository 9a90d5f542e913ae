"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: f7ffd8a6ab33c55cf6d706748e6a471f96af3a2405965373584be8515e2ac0e8

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "61668a466d9455b6",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "f09dcd07f7d24ea4",
        21468,
        1,
        7,
    ),
    (
        "/holdfast/page.css",
        "text/css; charset=utf-8",
        "508566aaeab197a5",
        2663,
        8,
        1,
    ),
)
