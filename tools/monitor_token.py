"""Makes a token for monitors: prints the token once, and its row for `monitors.tokens`, which has
the hash only.

python tools/monitor_token.py ci operator
"""

import argparse
import hashlib
import json
import secrets
import sys

# Letters and digits alone, so that a ping key stands in an address as it is: 22 of them, as
# healthchecks.io's ping keys have, are 113 bits.
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
LENGTH = 22


def row(name, role, token):
    """The settings' row of a token."""
    return {"name": name, "role": role, "sha256": hashlib.sha256(token.encode()).hexdigest()}


def main():
    parser = argparse.ArgumentParser(description="Make a token for monitors.")
    parser.add_argument("name")
    parser.add_argument(
        "role",
        choices=("ping", "viewer", "operator"),
        help="ping: a ping key; viewer: reads; operator: makes, changes and removes monitors",
    )
    parser.add_argument("--stdin", action="store_true", help="read the token instead, one line")
    options = parser.parse_args()
    if options.stdin:
        token = sys.stdin.readline().strip()
        if not token:
            sys.exit("monitor_token: an empty token is none")
    else:
        token = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        print("token, shown only now: %s" % token, file=sys.stderr)
    print(json.dumps(row(options.name, options.role, token), indent=2))


if __name__ == "__main__":
    main()
