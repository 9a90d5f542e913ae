"""The second half of size_probe.py: each module that is loaded only when it is used and kept, then
all services, and what is left when they were let go.
"""


def use(app, step, kept, empty, modules):
    """Load these modules, make every service, as if each was called, and let them go."""
    from holdfast.runtime.memory import forget, load

    before = kept()
    for name in modules:
        __import__(name)
        before = step(name, before)
    made = app.made = load("holdfast.routes", "Services")(app)
    before = step("holdfast.routes: the table", before)
    names = load("holdfast.routes", "SERVICES").split("\n")[1:-1]
    for name in sorted([row.split(" ")[0] for row in names]):
        try:
            made.method(name + ".nothing")
        except AttributeError:
            pass  # it is made by now
        before = step("service " + name, before)
    made = names = None
    print("EVERYTHING", before - empty)
    # What happens when nobody has called any of them for a while.
    app.made.rest()
    assert app.made.rest()
    app.made = None
    forget("holdfast.routes")
    app.dispatcher.rest()
    overwrite(20)
    print("AT REST AGAIN", kept() - empty)


def mount(path):
    """Have an application file where an image has it; it takes no heap there, so it stands here
    before anything is measured.
    """
    import os
    import sys

    import vfs

    data = bytearray(os.stat(path)[6])
    with open(path, "rb") as file:
        file.readinto(data)
    vfs.mount(vfs.VfsRom(data), "/rom")
    sys.path.insert(0, "/rom")


def substitute_hashes():
    """SHA-256 for what a build without TLS libraries does not have; only its place counts here."""
    import hashlib
    import sys

    class Hashes:
        sha256 = sha1 = md5 = hashlib.sha256

    sys.modules["hashlib"] = Hashes


def overwrite(depth):
    """Leave nothing on the stack: the collector takes what lies there for pointers."""
    numbers = [0] * 20
    if depth:
        overwrite(depth - 1)
    return numbers
