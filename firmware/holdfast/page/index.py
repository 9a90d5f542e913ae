"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: a3165016a909e40e129e93e93d3d82fb0cac9e0d4ee06672cb3f53fed790c1f8

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "0a03be86e3f3becc",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "278d2f195db2fb21",
        19527,
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
