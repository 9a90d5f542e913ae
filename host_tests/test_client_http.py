"""A TLS handshake with a receiver keeps its distance from deadlines."""

import asyncio

from holdfast.client import http as shell_exchange
from holdfast.client.http import Exchange
from holdfast.core.notifications import NoAnswer


def sent(quiet, tls=True):
    """(when the first bytes were written or None, why it failed or None); time is fake, in ms."""
    at = [1000]
    written = []
    subject = Exchange(
        lambda: at[0], lambda ms: quiet(ms, at[0]), 950, None, None, None, lambda: "", None
    )

    def write(sock, data):
        written.append(at[0])
        return len(data)

    async def pass_time(ms):
        at[0] += ms

    before = shell_exchange.write, shell_exchange.sleep_ms
    shell_exchange.write, shell_exchange.sleep_ms = write, pass_time
    why = None
    try:
        asyncio.run(subject._write(None, b"data", tls))
    except NoAnswer as error:
        why = str(error)
    finally:
        shell_exchange.write, shell_exchange.sleep_ms = before
    return (written[0] if written else None), why


def test_a_step_waits_until_no_deadline_is_as_near_as_it_may_take():
    def due(at):
        return lambda ms, now: not now < at <= now + ms

    assert sent(due(1951)) == (1000, None)
    assert sent(due(1950)) == (1960, None)
    assert sent(due(1950), False) == (1000, None)  # without TLS nothing hangs


def test_where_a_deadline_is_always_near_it_says_so():
    at, why = sent(lambda ms, now: False)
    assert at is None and "no time for TLS" in why
