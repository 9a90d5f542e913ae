"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: 9add3ee0b603aba74a83d4e537bfa6761e27c7e87ceae6ef2e46fb267f127f4b

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "10b3e21f22bad93e",
        462,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "bc7f50bd1f742682",
        20930,
        1,
        11,
    ),
    (
        "/holdfast/page.css",
        "text/css; charset=utf-8",
        "508566aaeab197a5",
        2663,
        12,
        2,
    ),
)
