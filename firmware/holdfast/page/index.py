"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: f1bd93f7c9a61b5c4507333eb65ecc05c8dab4e73e4acaf7201470ba294f880a

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "0f1d5c9d9a1b227e",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "0bd9c72c7f6aa463",
        20464,
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
