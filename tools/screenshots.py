"""Looks at the page in the system's Chromium and keeps what it sees, for the documentation.

A board of its own is brought into the states that matter: all is well, a master is lost, the
settings, the report, and a phone in the dark.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import interpreters

sys.path.insert(0, str(interpreters.ROOT / "host_tests"))
TARGET = interpreters.ROOT / "docs" / "pictures"

WIDE = {"width": 1120, "height": 900}
PHONE = {"width": 380, "height": 760}
DURATION_MS = 8000

STEPS = [{"after": 0, "state": "hold"}, {"after": 1500, "state": "closed", "pulse": 60000}]


def config():
    import boards

    ports = {
        "0": {"name": "Door contact", "usage": "Door", "normal": "closed"},
        "1": {"name": "Exit button"},
        "2": {"name": "Fire alarm", "normal": "closed"},
        "3": {"name": "Tamper"},
        "4": boards.output("controller", "restore", STEPS, name="Strike", usage="Door"),
        "5": boards.output("any", "hold", [{"state": "closed"}], name="Siren"),
        "6": boards.output("vms", "restore", name="Light"),
        "7": boards.output("any", "hold", [{"state": "hold"}], locked=False, name="Boiler"),
    }
    accounts = [
        boards.account("root", "administrator"),
        boards.account("controller"),
        boards.account("vms"),
    ]
    return {"name": "North door", "accounts": accounts, "ports": ports}


def main():
    parser = argparse.ArgumentParser(description="Look at the page in Chromium.")
    parser.add_argument("--to", type=Path, default=TARGET, help="the folder for the pictures")
    options = parser.parse_args()
    import browser
    from playwright.sync_api import sync_playwright

    import boards

    path = browser.chromium()
    if path is None:
        sys.exit("screenshots: no Chromium: apt-get install chromium, or set CHROMIUM")
    options.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=path, args=list(browser.ARGUMENTS))
        board = boards.Board(folder, None, config(), ("--connections", 12)).start()
        try:
            shoot(board, browser, chrome, options.to)
        finally:
            chrome.close()
            board.stop()


def shoot(board, browser, chrome, folder):
    """Bring the board into each state and look."""

    def keep(looker, name, full=False):
        looker.page.evaluate("scrollTo(0, 0)")
        looker.page.wait_for_timeout(500)
        looker.page.screenshot(
            path=folder / ("%s.png" % name), full_page=full, animations="disabled"
        )

    for gpio in (0, 2):
        board.drive(gpio, 1)
    looker = browser.Looker(chrome, board, viewport=WIDE)
    looker.open()
    looker.live()
    controller, vms = board.master("controller"), board.master("vms")
    for step in range(16):
        controller.beat(DURATION_MS)
        vms.beat(30000)
        board.drive(1, step % 7 == 3)
        board.drive(0, step % 7 not in (4, 5))
        if step == 6:
            looker.press("Pulse Light")
        looker.page.wait_for_timeout(1000)
    looker.press("1 min")
    looker.see("[data-master=controller]", "least margin")
    keep(looker, "alive")
    looker.see("header.top", "Lost: controller")
    looker.page.wait_for_timeout(3500)
    vms.beat(60000)
    looker.see("[data-port='4']", "closed")
    keep(looker, "lost", full=True)
    phone = browser.Looker(
        chrome, board, viewport=PHONE, color_scheme="dark", device_scale_factor=2
    )
    phone.open()
    phone.live()
    keep(phone, "phone")
    looker.open("#settings", "[data-form='4']")
    looker.page.locator("[data-form='4'] summary").click()
    keep(looker, "settings")
    looker.open("#report", ".report table")
    keep(looker, "report")
    looker.close()
    phone.close()
    controller.close()
    vms.close()
    shrink(folder)


def shrink(folder):
    """Pictures of a page have few colours: a palette is enough, and a quarter of the bytes."""
    from PIL import Image

    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as picture:
            small = picture.convert("RGB").quantize(
                128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
            )
        small.save(path, optimize=True)
        print("%7d  %s" % (path.stat().st_size, path.relative_to(interpreters.ROOT)))


if __name__ == "__main__":
    main()
