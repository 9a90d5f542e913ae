"""Shows the main job in a terminal: a controller holds an output, dies, and comes back.

Starts the simulated board, a master (tools/master.py) and an event watcher; kills the master;
prints what each sees on one timeline. Takes about ten seconds.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

import httpx
import websockets

HERE = Path(__file__).resolve().parent
DURATION_MS = 1500
INTERVAL_MS = 500
PORT = "4"
COLOURS = {"master": 36, "event": 33, "pin": 35, "demo": 32, "board": 2}


class Timeline:
    """Lines of who saw what and when, and a picture of the output under them at the end."""

    def __init__(self, colour):
        self._start = time.monotonic_ns()
        self._colour = colour
        self.levels = []  # (ms, level) of the pin

    def now_ms(self):
        return (time.monotonic_ns() - self._start) // 1000000

    def say(self, who, text):
        line = "%9.3f s  %-7s %s" % (self.now_ms() / 1000, who, text)
        if self._colour:
            line = "\x1b[%dm%s\x1b[0m" % (COLOURS[who], line)
        print(line, flush=True)

    def picture(self, beats, losses):
        """The output and the beats on one time axis, a character for each 125 ms."""
        step = 125
        end = self.now_ms()
        marks = {ms // step: "v" for ms in beats} | {ms // step: "X" for ms in losses}
        columns = range(end // step + 1)
        level = 0
        wave = []
        changes = sorted(self.levels)
        for column in columns:
            while changes and changes[0][0] < (column + 1) * step:
                level = changes.pop(0)[1]
            wave.append("\u2594" if level else "\u2581")
        print("\n  beats, loss  " + "".join(marks.get(column, " ") for column in columns))
        print("  output %s     %s" % (PORT, "".join(wave)))
        print("               |%s%d s" % (" " * (len(wave) - 6), end // 1000))


def draw(timeline, beats, losses, path):
    """Write the same picture as SVG, as README shows it."""
    end = timeline.now_ms()

    def x(ms):
        return 120 + 640 * ms / end

    edges = sorted(timeline.levels)
    wave = "M %.1f 132" % x(edges[0][0])
    ends = [ms for ms, _ in edges[1:]] + [end]
    for (_, level), following in zip(edges, ends):
        wave += " V %d H %.1f" % (96 if level else 132, x(following))
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 190" '
        'font-family="system-ui, sans-serif" font-size="14">',
        '<rect width="780" height="190" rx="8" fill="#f6f8fa"/>',
        '<g fill="#24292f"><text x="16" y="54">heartbeats</text>'
        '<text x="16" y="119">output %s</text></g>' % PORT,
    ]
    for ms in beats:
        lines.append('<path d="M %.1f 62 V 36" stroke="#1a7f37" stroke-width="3"/>' % x(ms))
    for ms in losses:
        last = max([beat for beat in beats if beat < ms], default=ms)
        lines.append(
            '<path d="M %.1f 68 H %.1f" stroke="#57606a"/><text x="%.1f" y="84" fill="#57606a" '
            'text-anchor="middle">Duration %.1f s</text>'
            % (x(last), x(ms), x((last + ms) / 2), DURATION_MS / 1000)
        )
        lines.append(
            '<path d="M %.1f 30 V 140" stroke="#cf222e" stroke-dasharray="4 3"/>'
            '<text x="%.1f" y="26" fill="#cf222e" text-anchor="middle">lost</text>'
            % (x(ms), x(ms))
        )
    lines.append('<path d="%s" fill="none" stroke="#0969da" stroke-width="3"/>' % wave)
    for second in range(end // 1000 + 1):
        lines.append(
            '<text x="%.1f" y="170" fill="#57606a" text-anchor="middle">%d s</text>'
            % (x(second * 1000), second)
        )
    path.write_text("\n".join(lines) + "\n</svg>\n")


async def start_board(timeline, pins):
    """Start the simulated board and return (process, url)."""
    board = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "simulate.py"),
        *("--port", "0", "--pins", str(pins)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async for line in board.stdout:
        text = line.decode().rstrip()
        timeline.say("board", text)
        if text.startswith("ready "):
            return board, text.split()[1]
    raise SystemExit("demo: the board did not start")


async def start_master(timeline, url, beats):
    """Start a master that wants the output closed; its lines go onto the timeline."""
    master = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "master.py"),
        *(url, "root", "pass", "--want", PORT + "=closed"),
        *("--duration", str(DURATION_MS), "--interval", str(INTERVAL_MS)),
        stdout=asyncio.subprocess.PIPE,
    )

    async def relay():
        async for line in master.stdout:
            text = line.decode().rstrip().partition(" ")[2]
            if "session" in text and "answered" in text:
                beats.append(timeline.now_ms())
            timeline.say("master", text)

    return master, asyncio.create_task(relay())


async def watch_pin(timeline, path):
    """Look at the wire itself, not at what the board says about it."""
    level = None
    while True:
        with contextlib.suppress(OSError):
            text = path.read_text().strip()
            if text != level and text:
                level = text
                timeline.levels.append((timeline.now_ms(), int(text)))
                timeline.say("pin", "%s is %s" % (path.name, text))
        await asyncio.sleep(0.001)


async def watch_events(timeline, url, losses):
    """Tell events as any VAPIX client sees them: a token, a WebSocket, a filter."""
    async with httpx.AsyncClient(auth=httpx.DigestAuth("root", "pass")) as client:
        token = (await client.get(url + "/axis-cgi/wssession.cgi")).text
    address = "%s/vapix/ws-data-stream?sources=events&wssession=%s"
    async with websockets.connect(address % (url.replace("http", "ws"), token)) as stream:
        topics = "tns1:Device/tnsaxis:Monitor/Heartbeat | tns1:Device/Trigger/Relay"
        await stream.send(
            json.dumps(
                {
                    "apiVersion": "1.0",
                    "method": "events:configure",
                    "params": {"eventFilterList": [{"topicFilter": topics}]},
                }
            )
        )
        async for text in stream:
            message = json.loads(text)
            if message["method"] != "events:notify":
                continue
            event = message["params"]["notification"]
            source, data = event["message"]["source"], event["message"]["data"]
            if source and source["RelayToken"] != PORT:
                continue
            if data.get("lost") == "1":
                losses.append(timeline.now_ms())
            timeline.say("event", "%s %s" % (event["topic"], json.dumps({**source, **data})))


async def story(timeline, folder, svg):
    """The whole of it, in order."""
    beats, losses = [], []
    pins = Path(folder)
    board, url = await start_board(timeline, pins)
    tasks = [
        asyncio.create_task(watch_pin(timeline, pins / ("gpio" + PORT))),
        asyncio.create_task(watch_events(timeline, url, losses)),
    ]
    try:
        await asyncio.sleep(0.5)
        timeline.say(
            "demo",
            "a controller starts: a beat every %d ms, each good for %d ms"
            % (INTERVAL_MS, DURATION_MS),
        )
        master, relay = await start_master(timeline, url, beats)
        await asyncio.sleep(3)
        timeline.say("demo", "the controller dies: kill -9")
        master.send_signal(signal.SIGKILL)
        await relay
        await asyncio.sleep(DURATION_MS / 1000 + 1)
        timeline.say("demo", "the controller comes back")
        master, relay = await start_master(timeline, url, beats)
        await asyncio.sleep(2)
        async with httpx.AsyncClient(auth=httpx.DigestAuth("root", "pass")) as client:
            status = (await client.get(url + "/holdfast/status")).json()
        master.kill()
        await relay
    finally:
        for task in tasks:
            task.cancel()
        board.terminate()
        await board.wait()
    timeline.picture(beats, losses)
    if svg:
        draw(timeline, beats, losses, svg)
    return status["trips"]["latest"]


def main():
    parser = argparse.ArgumentParser(description="A controller dies and comes back.")
    parser.add_argument("--no-colour", action="store_true")
    parser.add_argument("--svg", type=Path, help="write the picture to this file, too")
    options = parser.parse_args()
    timeline = Timeline(sys.stdout.isatty() and not options.no_colour)
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        trips = asyncio.run(story(timeline, folder, options.svg))
    if len(trips) != 1:
        sys.exit("demo: expected one loss, the board tells of %d" % len(trips))
    print(
        "\nThe board's own record: %s; due at %d ms, pins moved at %d ms, %d ms late."
        % (
            trips[0]["why"],
            trips[0]["due"],
            trips[0]["moved"],
            trips[0]["moved"] - trips[0]["due"],
        )
    )


if __name__ == "__main__":
    main()
