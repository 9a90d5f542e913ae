"""Programs that only reckon, and so are bounded by what they take of the processor: how long that
takes depends on what else this machine does.
"""

import resource
import subprocess

BUSY = 20  # so many times as long it may take by the clock


def run(command, limit_s, **more):
    """Run a program that may take so many s of the processor; its subprocess.CompletedProcess."""

    def bound():
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))

    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=BUSY * limit_s,
        preexec_fn=bound,
        **more,
    )
