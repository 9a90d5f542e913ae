"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: b0a46a0281d2d69c84e676d4638b71c92324421174e6262b98da145f03d1800d

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "43281e30c3732546",
        462,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "95ea2749d01257a9",
        19528,
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
