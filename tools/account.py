"""Makes an account row for a settings file: hashes only, the password stays here.

python tools/account.py controller operator
"""

import argparse
import getpass
import hashlib
import json
import sys

ROLES = ("viewer", "operator", "administrator")
SHORTEST = 8  # characters of a password: who can be guessed at over the network needs so many


def main():
    parser = argparse.ArgumentParser(description="Make an account row for a settings file.")
    parser.add_argument("name")
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("--realm", default="Holdfast", help="as in the settings; hashes hold it")
    options = parser.parse_args()
    if sys.stdin.isatty():
        password = getpass.getpass("password of %s: " % options.name)
        if password != getpass.getpass("again: "):
            sys.exit("account: the two are not the same")
    else:
        password = sys.stdin.readline().rstrip("\n")
    if len(password) < SHORTEST:
        sys.exit("account: a password takes %d characters or more" % SHORTEST)
    print(json.dumps(row(options.name, options.role, password, options.realm), indent=2))


def row(name, role, password, realm):
    """A row of `accounts`: H(name:realm:password), as Digest reckons with it (RFC 7616, 3.4.2)."""
    secret = ("%s:%s:%s" % (name, realm, password)).encode()
    md5, sha256 = hashlib.md5(secret), hashlib.sha256(secret)
    return {"name": name, "role": role, "md5": md5.hexdigest(), "sha256": sha256.hexdigest()}


if __name__ == "__main__":
    main()
