"""Finds the smallest --heap in which the simulated board serves a number of masters and event
streams.

    python tools/smallest.py [--masters 4] [--streams 2] [--connections 8] [--slots DIR] [--32]

Each trial starts the board, holds keep-alive masters and event streams for a few seconds, lets an
input change in front of all streams, and wants every heartbeat answered and every event seen.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import websockets

HERE = Path(__file__).resolve().parent
BEATS = 60  # of each master in one trial
STEP = 1024
PROPERTIES = 38  # of the simulated board: a stream that asks for everything gets them first


async def master(url, number, beats):
    """Beat on one kept connection; every answer must be a 200 with the same session."""
    auth = httpx.DigestAuth("root", "pass")
    body = '{"axhbt:Heartbeat": {"Duration": 10000}}'
    async with httpx.AsyncClient(base_url=url, auth=auth, timeout=5) as client:
        for _ in range(beats):
            response = await client.post("/vapix/axhbt", content=body)
            response.raise_for_status()
            await asyncio.sleep(0.02 + number / 500)


async def token(url):
    async with httpx.AsyncClient(auth=httpx.DigestAuth("root", "pass"), timeout=5) as client:
        response = await client.get(url + "/axis-cgi/wssession.cgi")
        return response.raise_for_status().text


async def watcher(url, configured, changes):
    """Configure for everything and wait until input 0 was seen to change `changes` times."""
    address = url.replace("http", "ws") + "/vapix/ws-data-stream?sources=events&wssession="
    async with websockets.connect(address + await token(url), open_timeout=5) as stream:
        await stream.send(
            '{"apiVersion":"1.0","method":"events:configure","params":'
            '{"eventFilterList":[{"topicFilter":"//."}]}}'
        )
        assert '"data":{}' in await asyncio.wait_for(stream.recv(), 5)
        for _ in range(PROPERTIES):
            await asyncio.wait_for(stream.recv(), 5)
        configured.set()
        for _ in range(2 * changes):
            message = await asyncio.wait_for(stream.recv(), 10)
            assert '"0"' in message, message


async def contact(pin, ready, changes):
    """Open and close the contact at input 0 in front of everybody."""
    for event in ready:
        await asyncio.wait_for(event.wait(), 10)
    for i in range(changes):
        pin.write_text("%d" % ((i + 1) % 2))
        await asyncio.sleep(0.2)


async def trial(url, pin, masters, streams):
    changes = 4
    ready = [asyncio.Event() for _ in range(streams)]
    jobs = [master(url, i, BEATS) for i in range(masters)]
    jobs += [watcher(url, event, changes) for event in ready]
    jobs.append(contact(pin, ready, changes))
    await asyncio.gather(*jobs)


def serves(heap, options):
    """True when a board with this heap passes a trial."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as pins:
        return serves_with(heap, options, Path(pins))


def serves_with(heap, options, pins):
    command = [sys.executable, str(HERE / "simulate.py"), "--port", "0", "--heap", str(heap)]
    command += ["--connections", str(options.connections), "--pins", str(pins)]
    if options.slots:
        command += ["--slots", options.slots]
    board = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        url = None
        for line in board.stdout:
            if line.startswith("ready "):
                url = line.split()[1]
                break
        if url is None:
            return False
        try:
            asyncio.run(
                asyncio.wait_for(trial(url, pins / "gpio0", options.masters, options.streams), 60)
            )
        except (
            httpx.HTTPError,
            websockets.WebSocketException,
            OSError,
            AssertionError,
            TimeoutError,
        ) as e:
            if options.verbose:
                print("   ", repr(e), file=sys.stderr)
            return False
        return True
    finally:
        board.terminate()
        output = board.stdout.read()
        if options.verbose and output:
            print(output, file=sys.stderr)
        board.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masters", type=int, default=4)
    parser.add_argument("--streams", type=int, default=2)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--low", type=int, default=48, help="KB that surely do not do")
    parser.add_argument("--high", type=int, default=256, help="KB that surely do")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--slots", metavar="DIR", help="of the application file in it (make app)")
    parser.add_argument("--32", dest="small", action="store_true", help="on tools/micropython32")
    options = parser.parse_args()
    if options.small:
        os.environ["MICROPYTHON"] = str(HERE / "micropython32")
    low, high = options.low, options.high
    if not serves(high * STEP, options):
        sys.exit("smallest: does not even serve in %d KB" % high)
    while high - low > 1:
        middle = (low + high) // 2
        passed = serves(middle * STEP, options)
        print("%d KB: %s" % (middle, "serves" if passed else "no"), file=sys.stderr)
        low, high = (low, middle) if passed else (middle, high)
    print(
        "smallest heap for %d masters and %d streams: %d KB"
        % (options.masters, options.streams, high)
    )


if __name__ == "__main__":
    main()
