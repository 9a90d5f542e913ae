"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: 810c23e9dee0ff99dc0c1624352f4108a534433021d79b08f06590a97fe79069

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "d3615096bb1a5dbb",
        460,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "5ffe496a0d5871ed",
        21473,
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
