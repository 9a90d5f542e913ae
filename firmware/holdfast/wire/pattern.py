"""Patterns with `*` and `?`, as clients ask for parameters and services."""


def matches(pattern, text):
    """True when the whole text is like the pattern: `*` for any characters, `?` for one."""
    if pattern == "*" or pattern == text:
        return True
    if "*" not in pattern and ("?" not in pattern or len(pattern) != len(text)):
        return False
    at = where = 0
    star = kept = -1  # the last `*`, and up to where it reaches
    while where < len(text):
        sign = pattern[at : at + 1]
        if sign == "*":
            star = at
            kept = where
            at += 1
        elif sign in ("?", text[where]):
            at += 1
            where += 1
        elif star >= 0:
            kept += 1
            where = kept
            at = star + 1
        else:
            return False
    return not pattern[at:].strip("*")
