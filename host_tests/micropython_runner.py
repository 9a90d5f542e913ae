"""Runs test files under MicroPython: every function test_* of every file named, plain asserts.

    micropython micropython_runner.py FILE...      (with MICROPYPATH naming firmware and
    host_tests)

Ends with status 1 when a test failed, 2 when a file held no test.
"""

import sys


def run(path):
    """Run one file; return (passed, failed)."""
    name = path.split("/")[-1][: -len(".py")]
    module = __import__(name)
    passed = failed = 0
    for test in sorted(dir(module)):
        if not test.startswith("test_"):
            continue
        try:
            getattr(module, test)()
            passed += 1
        except Exception as error:
            failed += 1
            print("FAILED %s::%s" % (name, test))
            sys.print_exception(error)
    print("%s: %d passed, %d failed" % (name, passed, failed))
    return passed, failed


if __name__ == "__main__":
    total = [run(path) for path in sys.argv[1:]]
    if any(failed for _, failed in total):
        sys.exit(1)
    if not total or not all(passed for passed, _ in total):
        sys.exit(2)
