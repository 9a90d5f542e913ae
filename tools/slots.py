"""Application files: the firmware's .mpy files in one ROMFS file, which MicroPython executes in
place, and a manifest beside it, as `make app` makes both (tools/package.py).

A manifest is JSON: version, file, bytes, sha256, the kinds of boards it runs on (HAL of board.py),
the oldest MicroPython, and the version of its .mpy files.
"""

import hashlib
import json


class Damaged(Exception):
    """A slot that cannot be started, in a sentence."""


def manifest(version, file, data, boards, micropython, mpy):
    """The text of a manifest."""
    rows = {
        "version": version,
        "file": file,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "boards": boards,
        "micropython": micropython,
        "mpy": mpy,
    }
    return json.dumps(rows, indent=1) + "\n"


def chosen(folder, kind):
    """The path of the application file in a folder, once it is what its manifest says, and for
    this kind of board; else Damaged.
    """
    manifests = sorted(folder.glob("holdfast-*.json"))
    if not manifests:
        raise Damaged("no manifest in %s; `make app` makes an application file" % folder)
    if manifests[1:]:
        names = ", ".join([path.name for path in manifests])
        raise Damaged("%s has room for one application file, not for these: %s" % (folder, names))
    (path,) = manifests
    try:
        rows = json.loads(path.read_text())
        name, size, digest, boards = [rows[key] for key in ("file", "bytes", "sha256", "boards")]
        image = folder / name
    except (ValueError, KeyError, TypeError):
        raise Damaged("%s is damaged: it is no manifest" % path) from None
    if kind not in boards:
        raise Damaged("%s is not for %s boards, but for %s" % (image, kind, ", ".join(boards)))
    if not image.is_file():
        raise Damaged("%s is missing; %s names it" % (image, path))
    data = image.read_bytes()
    if len(data) != size:
        text = "%s is damaged: it has %d bytes, its manifest says %d"
        raise Damaged(text % (image, len(data), size))
    if hashlib.sha256(data).hexdigest() != digest:
        raise Damaged("%s is damaged: its SHA-256 is not its manifest's" % image)
    return image
