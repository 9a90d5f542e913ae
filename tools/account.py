"""Makes an account row for a settings file: hashes only, the password stays here.

python tools/account.py controller operator
"""

import argparse
import getpass
import hashlib
import json
import sys


def main():
    parser = argparse.ArgumentParser(description="Make an account row for a settings file.")
    parser.add_argument("name")
    parser.add_argument("role", choices=("viewer", "operator", "administrator"))
    parser.add_argument("--realm", default="Holdfast", help="as in the settings; hashes hold it")
    options = parser.parse_args()
    if sys.stdin.isatty():
        password = getpass.getpass("password of %s: " % options.name)
        if password != getpass.getpass("again: "):
            sys.exit("account: the two are not the same")
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not password:
        sys.exit("account: an empty password is none")
    secret = ("%s:%s:%s" % (options.name, options.realm, password)).encode()
    row = {
        "name": options.name,
        "role": options.role,
        "md5": hashlib.md5(secret).hexdigest(),
        "sha256": hashlib.sha256(secret).hexdigest(),
    }
    print(json.dumps(row, indent=2))


if __name__ == "__main__":
    main()
