"""What the tests of the pure folders share; runs on CPython and MicroPython."""


def raises(kind, function, *args, **kwargs):
    """Call the function, return the exception of `kind` it raised; anything else is a failure."""
    try:
        result = function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError("no %s, but %r" % (kind, result))
