"""The certificate and its key out of flash. Loaded when settings name them, and let go again."""

from holdfast.settings.model import SettingsError
from holdfast.wire.certificate import BadCertificate, der, examine


def files(storage, tls):
    """(certificate, key) as DER for `tls` of the settings; SettingsError says what is wrong."""
    found = []
    for i, key in ((0, "certificate"), (1, "key")):
        try:
            data = storage.read(tls[i])
        except OSError:
            data = None
        if data is None:
            raise SettingsError("settings.tls." + key, "there is no file %s" % tls[i])
        try:
            found.append(der(data, i == 1))
        except BadCertificate as error:
            raise SettingsError("settings.tls." + key, str(error))
    try:
        examine(*found)
    except BadCertificate as error:
        key = "key" if error.key else "certificate"
        raise SettingsError("settings.tls." + key, str(error))
    return found
