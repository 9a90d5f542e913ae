"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: c21592147afc550c6e69eb4d5cbd2c686e3647ce113f0a915565abf4e9a7aa15

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "81dc3f901c532d8d",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "bc01a6ea9e521ecd",
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
