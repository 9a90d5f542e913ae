"""Builds the page, firmware/page/, into modules that boards carry: firmware/holdfast/page/.

Preact is bundled with the page's own modules by esbuild (both from npm, at the versions that
firmware/page/package-lock.json names), each file is compressed once, and cut into pieces of 1 KB:
what a board sends at a time, and so what it needs to have in its heap. Modules do for that what
files cannot: they are found in flash as .mpy, and built into the firmware, in the same way.

What is built is kept with the sources, so nobody needs this to run a board. It says which sources
it was made from: a test compares.
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys

import interpreters

SOURCE = interpreters.FIRMWARE / "page"
TARGET = interpreters.FIRMWARE / "holdfast" / "page"
WORK = interpreters.BUILD / "page"
LOCK = ("package.json", "package-lock.json")

PIECE_BYTES = 1024
PIECES = 3  # of a module: with its head that fits a block of flash
BUDGET_BYTES = 30 * 1024  # of everything, compressed

HTML = "/"
CSS = "/holdfast/page.css"
JS = "/holdfast/page.js"
TYPES = {
    HTML: "text/html; charset=utf-8",
    CSS: "text/css; charset=utf-8",
    JS: "text/javascript; charset=utf-8",
}
LINE = 92  # of a module's text


def sources():
    """Every file that the page is made from, in order."""
    return sorted(path for path in SOURCE.iterdir() if path.is_file())


def fingerprint():
    """SHA-256 over the names and contents of all sources."""
    digest = hashlib.sha256()
    for path in sources():
        data = path.read_bytes()
        digest.update(b"%s %d\n" % (path.name.encode(), len(data)))
        digest.update(data)
    return digest.hexdigest()


def run(command, **more):
    result = subprocess.run(command, check=False, **more)
    if result.returncode:
        sys.exit("page: %s ended with status %d" % (command[0], result.returncode))


def need_tools():
    """Install Preact and esbuild into build/, unless what is there is what the lock names."""
    if shutil.which("npm") is None:
        sys.exit("page: npm is needed to build the page (and for nothing else)")
    WORK.mkdir(parents=True, exist_ok=True)
    stamp = WORK / "node_modules" / ".lock"
    lock = (SOURCE / LOCK[1]).read_text()
    if stamp.exists() and stamp.read_text() == lock:
        return
    for name in LOCK:
        shutil.copyfile(SOURCE / name, WORK / name)
    run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=WORK)
    stamp.write_text(lock)


def bundle(entry, output):
    """One file out of `entry` and all it imports, without what nobody reads."""
    command = [str(WORK / "node_modules" / ".bin" / "esbuild"), str(SOURCE / entry)]
    command += ["--bundle", "--minify", "--format=iife", "--target=es2022", "--charset=utf8"]
    command += ["--jsx=automatic", "--jsx-import-source=preact", "--legal-comments=none"]
    command += ["--outfile=" + str(WORK / output), "--log-level=warning"]
    if output.endswith(".css"):
        command.remove("--format=iife")
    run(command, env=dict(os.environ, NODE_PATH=str(WORK / "node_modules")))
    return (WORK / output).read_bytes()


def literal(data):
    """The lines of a bytes literal in brackets."""
    lines = []
    line = ""
    for byte in data:
        sign = repr(bytes([byte]))[2:-1].replace('"', '\\"').replace("\\'", "'")
        if len(line) + len(sign) > LINE:
            lines.append(line)
            line = ""
        line += sign
    lines.append(line)
    return "".join('        b"%s"\n' % line for line in lines)


def write(rows, parts):
    """Replace the modules in TARGET."""
    TARGET.mkdir(exist_ok=True)
    for path in TARGET.glob("*.py"):
        path.unlink()
    head = '"""Made by tools/page.py out of firmware/page/; `make page` makes it again."""\n'
    (TARGET / "__init__.py").write_text(
        '"""The page as it is sent, compressed and in pieces. Made by tools/page.py."""\n'
    )
    index = head + "\n# Sources: %s\n\n" % fingerprint()
    index += (
        "# Path, content type, entity tag, bytes, number of the first module, modules.\nROWS = (\n"
    )
    for row in rows:
        index += "    (\n%s    ),\n" % "".join(
            "        %s,\n" % (json.dumps(value) if isinstance(value, str) else value)
            for value in row
        )
    (TARGET / "index.py").write_text(index + ")\n")
    for number, pieces in enumerate(parts):
        text = head + "\nPIECES = (\n"
        for piece in pieces:
            text += "    (\n%s    ),\n" % literal(piece)
        (TARGET / ("part%d.py" % number)).write_text(text + ")\n")


def pack(files):
    """(rows, parts) of {path: bytes}."""
    rows = []
    parts = []
    for path, data in files.items():
        packed = gzip.compress(data, 9, mtime=0)
        pieces = [packed[i : i + PIECE_BYTES] for i in range(0, len(packed), PIECE_BYTES)]
        modules = [pieces[i : i + PIECES] for i in range(0, len(pieces), PIECES)]
        tag = hashlib.sha256(packed).hexdigest()[:16]
        rows.append((path, TYPES[path], tag, len(packed), len(parts), len(modules)))
        parts += modules
    return rows, parts


def main():
    parser = argparse.ArgumentParser(description="Build the page.")
    parser.add_argument("--check", action="store_true", help="only tell whether it is up to date")
    options = parser.parse_args()
    if options.check:
        if fingerprint() not in (TARGET / "index.py").read_text():
            sys.exit("page: it is older than its sources; `make page` builds it again")
        return
    need_tools()
    files = {JS: bundle("main.jsx", "page.js"), CSS: bundle("page.css", "page.css")}
    html = (SOURCE / "page.html").read_text()
    html = "\n".join(line.strip() for line in html.splitlines() if line.strip())
    for path in (CSS, JS):
        # Another name for another content: browsers keep them, and never ask again.
        tag = hashlib.sha256(files[path]).hexdigest()[:8]
        html = html.replace('"%s"' % path, '"%s?%s"' % (path, tag))
    rows, parts = pack({HTML: html.encode(), **files})
    write(rows, parts)
    total = 0
    for path, _, _, length, _, _ in rows:
        print("%6d  %s" % (length, path))
        total += length
    print("%6d  bytes in all, compressed, of %d" % (total, BUDGET_BYTES))
    if total > BUDGET_BYTES:
        sys.exit("page: over budget")


if __name__ == "__main__":
    main()
