"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: 8919a70b9aa115a57721223ab92ae676e746cf34a25c153efd58a285d0a6cc66

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "fc09f16714971b9b",
        460,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "63b6c692600acca1",
        20364,
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
