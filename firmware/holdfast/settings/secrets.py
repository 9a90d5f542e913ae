"""Secrets of the settings are write-only: a document that is shown has `*` in their place, and one
that comes with `*` keeps what is there. The query of a URL may hold a login, and counts as one.

Rows of a list are known by their names, so that nobody's secret goes to another. Loaded with what
shows or changes whole settings, and let go with it.
"""

from holdfast.settings.model import SettingsError

# A row each: where, `*` for every key, and what is secret there; with `?` the query of a URL is.
_PLACES = (
    ("accounts", "md5 sha256"),
    ("network", "key"),
    ("uplinks links", "password token private_key api_key"),
    ("uplinks links headers", "*"),
    ("monitors tokens", "sha256"),
    ("actions * parameters", "login password upload_url?"),
)


def hide(document: dict) -> None:
    """Replace every secret of checked settings, in place."""
    for where, keys in _PLACES:
        for _, _, row in _rows(document, where):
            for key, query in _keys(row, keys):
                row[key] = hidden(row[key], query)


def keep(before: dict, after: dict) -> None:
    """Put back, in place, what `before` has where `after` says that it stays; SettingsError names
    the key where nothing is there. before: checked settings. after: any JSON object.
    """
    for where, keys in _PLACES:
        there = None
        for who, path, row in _rows(after, where):
            for key, query in _keys(row, keys):
                value = row[key]
                if not isinstance(value, str) or not value.endswith("?*" if query else "*"):
                    continue
                if not query and value != "*":
                    continue
                if there is None:
                    there = {name: old for name, _, old in _rows(before, where)}
                old = there.get(who, {}).get(key)
                if not old or hidden(old, query) != value:
                    problem = "* keeps what is there under this name, and nothing is"
                    raise SettingsError("%s.%s" % (path, key), problem)
                row[key] = old


def hidden(value: str, query: bool) -> str:
    """What is shown of a secret, or of a URL with a secret query; nothing hides nothing."""
    if query:
        start, mark, _ = value.partition("?")
        return start + "?*" if mark else value
    return "*" if value else value


def _keys(row, keys):
    """(key, whether it is a URL) of the secrets that an object has."""
    for key in list(row) if keys == "*" else keys.split(" "):
        query = keys != "*" and key.endswith("?")
        if query:
            key = key[:-1]
        if key in row:
            yield key, query


def _rows(document, where):
    """[(who, path, object)] of the objects at a place; who: as path, but by the names of rows."""
    found = [("", "settings", document)]
    for step in where.split(" "):
        inner = []
        for who, path, row in found:
            for key in row if step == "*" else (step,):
                value = row.get(key)
                name = "%s.%s" % (who, key)
                place = "%s.%s" % (path, key)
                if isinstance(value, dict):
                    inner.append((name, place, value))
                for i, item in enumerate(value if isinstance(value, list) else ()):
                    if isinstance(item, dict) and isinstance(item.get("name"), str):
                        inner.append(("%s.%s" % (name, item["name"]), "%s[%d]" % (place, i), item))
        found = inner
    return found
