"""Checks the firmware's types against the published stubs of each port: a call that a board does
not have fails here, not there.

basedpyright, because it comes from PyPI alone (the plain pyright fetches its program when it runs)
and infers the types of functions that say none; mypy leaves those alone. Once for each port, with
that port's own HAL.
"""

import argparse
import json
import subprocess
import sys
import tempfile

import interpreters

PORTS = ("rp2", "esp32", "unix")
# What of a port's firmware is checked: all but what other ports' boards are made of.
ONLY_HERE = {"holdfast/hal/cable.py": "unix", "holdfast/hal/simulated.py": "unix"}
# What only chips have modules for.
OF_CHIPS = tuple("holdfast/hal/%s.py" % name for name in ("chip", "ethernet", "gpio", "wifi"))
NEVER = ("holdfast/runtime/portable_cpython.py",)  # CPython's half

# Calls, attributes, arguments and modules that are not there. What asks for annotations is left
# alone, and names that are not defined are ruff's business.
RULES = (
    "reportArgumentType",
    "reportAttributeAccessIssue",
    "reportCallIssue",
    "reportFunctionMemberAccess",
    "reportMissingImports",
)
_TIME_LIMIT_S = 300


def stubs(port):
    """The folder with the stubs of a port; pip puts them there once for each version."""
    # No module's name: what is beside a configuration can be imported.
    folder = interpreters.BUILD / ("stubs-" + port)
    done = folder / ".complete"
    wanted = (interpreters.ROOT / "pyproject.toml").read_bytes()
    if done.exists() and done.read_bytes() == wanted:
        return folder
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    command += ["--upgrade", "--no-deps", "--target", str(folder), "--group", "types-" + port]
    result = subprocess.run(command, cwd=interpreters.ROOT, check=False)
    if result.returncode:
        sys.exit("typecheck: the stubs of %s cannot be installed" % port)
    done.write_bytes(wanted)
    return folder


def port_of(name):
    """The port whose firmware alone has a file of holdfast/hal/; None for all."""
    if name in ONLY_HERE:
        return ONLY_HERE[name]
    for port in PORTS:
        if name.startswith("holdfast/hal/" + port):
            return port
    return None


def files(port, firmware):
    """The firmware's files that run on this port."""
    found = []
    for path in sorted(firmware.rglob("*.py")):
        name = path.relative_to(firmware).as_posix()
        if port == "unix" and name in OF_CHIPS:
            continue
        if name not in NEVER and port_of(name) in (None, port):
            found.append(str(path))
    return found


def configure(port, firmware, path):
    """Write the checker's configuration for one port."""
    folder = str(stubs(port))
    config = {
        "include": files(port, firmware),
        "extraPaths": [str(firmware), str(interpreters.ROOT / "boards" / "simulated")],
        "stubPath": folder,
        "typeshedPath": folder,
        "pythonVersion": "3.11",
        "pythonPlatform": "Linux",
        "typeCheckingMode": "off",
    }
    config.update(dict.fromkeys(RULES, "error"))
    path.write_text(json.dumps(config, indent=1))


def check(port, firmware):
    """(how many files were looked at, what is wrong with them as lines) of one port.

    What is said about None is left out: it is about attributes that begin as None and get their
    value later, each of which would need an annotation.
    """
    command = [interpreters.find("basedpyright"), "--outputjson", "--project"]
    try:
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            path = interpreters.Path(folder) / "pyrightconfig.json"
            configure(port, firmware, path)
            result = subprocess.run(
                [*command, str(path)],
                capture_output=True,
                text=True,
                timeout=_TIME_LIMIT_S,
                check=False,
            )
        said = json.loads(result.stdout)
    except subprocess.TimeoutExpired:
        sys.exit("typecheck: no end within %d s" % _TIME_LIMIT_S)
    except ValueError:
        sys.exit("typecheck: %s%s" % (result.stdout, result.stderr))
    lines = []
    for row in said["generalDiagnostics"]:
        if row["severity"] == "error" and '"None"' not in row["message"]:
            name = row["file"].replace(str(firmware) + "/", "")
            message = row["message"].splitlines()[0]
            where = (name, row["range"]["start"]["line"] + 1)
            lines.append("%s:%d: %s (%s)" % (*where, message, row.get("rule", "syntax")))
    return said["summary"]["filesAnalyzed"], lines


def main():
    parser = argparse.ArgumentParser(description="Check the firmware's types, port by port.")
    parser.add_argument("ports", nargs="*", help="of: %s; all" % ", ".join(PORTS))
    parser.add_argument("--firmware", type=interpreters.Path, default=interpreters.FIRMWARE)
    options = parser.parse_args()
    if interpreters.find("basedpyright") is None:
        sys.exit("typecheck: no basedpyright; `make types` installs it")
    failed = []
    for port in options.ports or PORTS:
        if port not in PORTS:
            parser.error("there are no stubs of %s" % port)
        count, lines = check(port, options.firmware.resolve())
        print("%s: %d files, %d errors" % (port, count, len(lines)))
        for line in lines:
            print("  " + line)
        if lines or not count:
            failed.append(port)
    if failed:
        sys.exit("typecheck: not fine: " + ", ".join(failed))


if __name__ == "__main__":
    main()
