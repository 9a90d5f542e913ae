"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""

# Sources: 641f204abce1c995c3f2eca76427ff62b28f884a8b76a592b724afdf56473d07

# Path, content type, entity tag, bytes, number of the first module, modules.
ROWS = (
    (
        "/",
        "text/html; charset=utf-8",
        "63e6b71e72a51d84",
        461,
        0,
        1,
    ),
    (
        "/holdfast/page.js",
        "text/javascript; charset=utf-8",
        "9a321aeb685b3eeb",
        19553,
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
