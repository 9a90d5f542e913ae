"""Nobody does what is above his role, however the address is written; on both interpreters."""

import os
import sys
from pathlib import Path

import interpreters
import reckoning
from plain import compile_plain

HERE = Path(__file__).resolve().parent
LIMIT_S = 300


def test_every_path_method_role_and_way_to_write_it(runtime):
    environment = dict(os.environ)
    if runtime == "micropython":
        command = [interpreters.micropython(), "-X", "heapsize=1200k"]
        environment["MICROPYPATH"] = ":".join([".frozen", str(compile_plain()), str(HERE)])
    else:
        command = [sys.executable]
        environment["PYTHONPATH"] = ":".join([*interpreters.IMPORTS, str(HERE)])
    result = reckoning.run(
        [*command, HERE / "matrix.py"],
        LIMIT_S,
        env=environment,
        cwd=HERE,
    )
    output = result.stdout + result.stderr
    assert result.returncode == 0, output[-3000:]
    assert "WRONG" not in output, output[:3000]
    for who in ("None", "viewer", "operator", "administrator", "token"):
        assert int(output.split("let in %s " % who)[1].split()[0]) >= 10, output
    tried = int(output.split("tried ")[1].split()[0])
    assert tried > 20000
