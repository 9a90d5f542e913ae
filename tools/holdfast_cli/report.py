"""The commissioning report of a drill, as Markdown or as a page of HTML: what was promised, what
was measured, and of which settings.
"""

import hashlib
import html as markup
import statistics
import time

from holdfast_cli import product
from holdfast_cli.truth import EVENTS

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { border: 1px solid #bbb; padding: .3em .6em; text-align: left; vertical-align: top; }
th { background: #eee; } .fail { color: #b00; font-weight: bold; }
code { word-break: break-all; } @media print { body { margin: 0; } }
"""


def parts(drill):
    """The report as (kind, content): heading, text, table (rows, the first its head)."""
    identity = drill.identity
    yield "heading", "Commissioning report: %s" % drill.status["name"]
    product_name = identity.get("ProdFullName") or identity.get("ProdNbr")
    began = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(drill.began))
    yield (
        "table",
        [
            ("what", "value"),
            ("result", drill.result),
            ("module", drill._admin.url),
            ("product", product_name or "not told"),
            ("serial number", identity.get("SerialNumber") or "not told"),
            ("firmware", "Holdfast " + drill.status["version"]),
            ("date", began),
            ("by", "%s, with holdfast %s" % (drill._admin.user, product.version())),
            ("settings, checksum", drill.tag.strip('"')),
            ("settings, SHA-256 of the file", hashlib.sha256(drill.data).hexdigest()),
        ],
    )
    yield "heading", "What each output does"
    yield "text", "Computed by the module from its settings."
    rows = [("output", *[name for _, name in EVENTS])]
    for port in drill.outputs:
        rows.append(("%s %s" % (port.id, port.name), *[port.does(event) for event, _ in EVENTS]))
    yield "table", rows
    yield (
        "text",
        "While the chip itself is reset, and without power, its pins drive nothing: then the "
        "wiring decides. Holdfast is not a safety device.",
    )
    yield "heading", "What was measured"
    yield (
        "text",
        "%s sent heartbeats with a Duration of %d ms and stopped. Lateness is counted from the "
        "deadline, the last heartbeat plus Duration. The event's includes the network and this "
        "PC; the pins' is the module's own record." % (drill.master, drill.duration_ms),
    )
    rows = [("trip", "heartbeat answered in", "event late by", "pins late by", "outputs")]
    late = []
    for number, trip in enumerate(drill.trips, 1):
        answered = "%.1f ms" % ((trip.answered - trip.sent) * 1000) if trip.answered else "never"
        if trip.heard is None:
            rows.append((str(number), answered, "no event came", "", "FAIL"))
            continue
        late.append((trip.heard - trip.sent) * 1000 - drill.duration_ms)
        pins = "not told" if trip.lateness_ms is None else "%d ms" % trip.lateness_ms
        wrong = [port for port in trip.seen if trip.seen[port][0] != trip.seen[port][1]]
        verdict = "as promised" if not wrong else "FAIL: " + ", ".join(wrong)
        rows.append((str(number), answered, "%.1f ms" % late[-1], pins, verdict))
    yield "table", rows
    if late:
        text = "Event lateness: median %.1f ms, worst %.1f ms, of %d."
        yield "text", text % (statistics.median(late), max(late), len(late))
    yield "heading", "What was seen"
    rows = [("output", "before", "after the loss", "promised", "after the return", "at the end")]
    for port in drill.outputs:
        rows.append(_seen(drill, port))
    yield "table", rows
    for note in drill.notes:
        yield "text", "Note: " + note
    yield "text", "Carried out by: ....................    Witnessed by: ...................."


def _seen(drill, port):
    before = drill.before[port.id]["state"]
    trips = [trip for trip in drill.trips if port.id in trip.seen]
    wanted, seen = trips[-1].seen[port.id] if trips else ("", "not seen")
    returned = [trip.returned[port.id] for trip in trips if port.id in trip.returned]
    back = "not observed" if port.falls_back_with(drill.master) else "not concerned"
    if returned:
        promised, came = returned[-1]
        back = came if promised == came else "FAIL: %s, promised %s" % (came, promised)
    if wanted != seen:
        seen = "FAIL: " + seen
    elif port in drill.unproved:
        seen += " (INCONCLUSIVE: it did not move)"
    end = drill.after.get(port.id, "not seen")
    return "%s %s" % (port.id, port.name), before, seen, wanted, back, end


def markdown(drill):
    """The report as GitHub's Markdown."""
    lines = []
    level = "#"
    for kind, content in parts(drill):
        if kind == "heading":
            lines.append("%s %s" % (level, _plain(content)))
            level = "##"
        elif kind == "text":
            lines.append(_plain(content))
        else:
            rows = ["| %s |" % " | ".join(_plain(cell) for cell in row) for row in content]
            rows.insert(1, "|" + "---|" * len(content[0]))
            lines.append("\n".join(rows))
    return "\n\n".join(lines) + "\n"


def _plain(text):
    """What somebody named a port is no markup."""
    for character in "\\`*_[]<>|#":
        text = text.replace(character, "\\" + character)
    return text


def html(drill):
    """The report as a page that needs nothing else."""
    body = []
    level = "h1"
    for kind, content in parts(drill):
        if kind == "heading":
            body.append("<%s>%s</%s>" % (level, markup.escape(content), level))
            level = "h2"
        elif kind == "text":
            body.append("<p>%s</p>" % markup.escape(content))
        else:
            rows = ["<tr>%s</tr>" % "".join("<th>%s</th>" % markup.escape(c) for c in content[0])]
            for row in content[1:]:
                rows.append("<tr>%s</tr>" % "".join(_cell(cell) for cell in row))
            body.append("<table>%s</table>" % "\n".join(rows))
    page = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>%s</title>'
    page += "<style>%s</style></head>\n<body>\n%s\n</body></html>\n"
    title = markup.escape("Commissioning report: " + drill.status["name"])
    return page % (title, _STYLE, "\n".join(body))


def _cell(text):
    style = ' class="fail"' if text.startswith("FAIL") else ""
    return "<td%s>%s</td>" % (style, markup.escape(text))
