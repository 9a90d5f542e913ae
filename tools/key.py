"""Makes the signing key of an Airnode uplink out of a mnemonic; the mnemonic stays here.

python tools/key.py < mnemonic.txt

The key is that of the default path of Ethereum wallets, m/44'/60'/0'/0/0 (BIP-39, BIP-32, BIP-44).
It is printed as a member for a settings file; the address that receivers will recover, beside it.
"""

import getpass
import json
import sys

PATH = "m/44'/60'/0'/0/0"


def main():
    try:
        from eth_account import Account
        from eth_account.hdaccount import ETHEREUM_DEFAULT_PATH
    except ImportError:
        sys.exit("key: needs eth-account: .venv/bin/pip install --group keys")
    assert ETHEREUM_DEFAULT_PATH == PATH
    if sys.stdin.isatty():
        mnemonic = getpass.getpass("mnemonic: ")
    else:
        mnemonic = sys.stdin.readline()
    Account.enable_unaudited_hdwallet_features()
    try:
        account = Account.from_mnemonic(" ".join(mnemonic.split()), account_path=PATH)
    except Exception:
        # Which words were wrong is nobody's business: this may end in a log.
        sys.exit("key: this is no mnemonic (12 to 24 words of BIP-39, with their checksum)")
    print("address: %s" % account.address, file=sys.stderr)
    print(json.dumps({"private_key": account.key.hex().removeprefix("0x")}))


if __name__ == "__main__":
    main()
