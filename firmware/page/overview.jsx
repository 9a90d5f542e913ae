// The first view: is the controller alive, how much time is left, what does each port do and why.

import { useState } from "preact/hooks";
import { ask, call } from "./api.js";
import { LOSS, look, now, silence, state } from "./live.js";
import { bypassed, lateness, MINUTE, next, reason, running, span, spans, STANDING, standing, suggestion, told } from "./model.js";
import { Act, Badge, Blocked, Card } from "./parts.jsx";

const PORTS = "/axis-cgi/io/portmanagement.cgi";

export function Overview({ role }) {
  const { status } = state;
  return (
    <>
      <Masters role={role} />
      <Ports role={role} ports={status.ports.filter((port) => port.direction === "output")} title="Outputs" id="outputs" />
      <Ports role={role} ports={status.ports.filter((port) => port.direction === "input")} title="Inputs" id="inputs" />
      <Timeline />
      <History />
      <Monitors />
      <Uplinks />
      <About />
    </>
  );
}

// -- masters ----------------------------------------------------------------------------------------

function Masters({ role }) {
  const { masters } = state.status;
  const order = Object.keys(STANDING);
  const rows = [...masters].sort((a, b) => order.indexOf(a.is) - order.indexOf(b.is));
  return (
    <Card title="Masters" id="masters" wide>
      {!rows.length && <p class="quiet">Nobody may send heartbeats: there is no operator and no administrator.</p>}
      <ul class="grid">
        {rows.map((master) => (
          <Master key={master.master} master={master} role={role} />
        ))}
      </ul>
    </Card>
  );
}

function Master({ master, role }) {
  const [kind, word] = standing(master, silence());
  const at = state.status.now;
  const left = master.left_ms === null ? null : Math.max(0, master.left_ms - (now() - at));
  const whole = master.duration_ms ?? left;
  const advised = suggestion(master);
  const name = master.master;
  return (
    <li class={`tile ${kind}`} data-master={name}>
      <div class="row">
        <h3>{name}</h3>
        <Badge kind={kind}>{word}</Badge>
      </div>
      {left !== null && (
        <>
          <p class="big">
            <span class="digits">{running(left)}</span> <small>left of {span(whole)}</small>
          </p>
          <progress max={whole} value={left} aria-label={`time left for ${name}`} />
        </>
      )}
      {master.lost && (
        <p class="big">
          <span class="digits">{master.last === null ? "not heard" : running(now() - master.last)}</span> <small>{master.last === null ? "since the start" : "silent"}</small>
        </p>
      )}
      {master.beats > 0 && (
        <dl>
          {master.began !== null && <Pair term="session">{span(now() - master.began)} old</Pair>}
          <Pair term="heartbeats">{master.beats}</Pair>
          {master.least_margin_ms !== null && <Pair term="least margin">{span(master.least_margin_ms)}</Pair>}
          {advised && <Pair term="suggested Duration">{advised}</Pair>}
        </dl>
      )}
      {role > 2 && (
        <div class="row">
          {master.lost ? (
            <Act
              class="strong"
              act={async () => {
                await ask("POST", "/holdfast/release", { master: name });
                await look();
              }}
              sure={{
                title: `Stop waiting for ${name}?`,
                text: "Its ports end their fallback as their settings say, though it is not back.",
                yes: "Release",
              }}
            >
              Release
            </Act>
          ) : (
            <Act
              act={async () => {
                await ask("POST", "/holdfast/drill", { master: name });
                await look();
              }}
              sure={{
                title: `Run a drill: lose ${name} now?`,
                text: "Its ports go into their fallback for real, until its next heartbeat or until you release it. The time it took is in the history.",
                yes: "Run the drill",
              }}
            >
              Drill
            </Act>
          )}
        </div>
      )}
    </li>
  );
}

function Pair({ term, children }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

// -- ports ------------------------------------------------------------------------------------------

function Ports({ ports, title, id, role }) {
  if (!ports.length) return null;
  return (
    <Card title={title} id={id} wide>
      <ul class="grid">
        {ports.map((port) => (
          <Port key={port.port} port={port} role={role} />
        ))}
      </ul>
    </Card>
  );
}

function Port({ port, role }) {
  const { masters } = state.status;
  const fallen = port.direction === "output" && port.lost.length > 0;
  const coming = [bypassed(port, now()), port.locked && "locked: commands are refused", next(port, now())].filter(Boolean).join(", ");
  return (
    <li class={`tile ${fallen ? "bad" : port.active ? "on" : ""}`} data-port={port.port}>
      <div class="row">
        <h3>
          {port.name} <small>port {port.port}</small>
        </h3>
        <span class={`contact ${port.state}`}>
          <Contact closed={port.state === "closed"} /> {port.state}
        </span>
      </div>
      <p class="why">{reason(port, masters, now())}</p>
      {coming && <p class="quiet">{coming}</p>}
      {port.direction === "output" && role > 1 && <Drive port={port} />}
      {port.direction === "output" && role > 2 && <Bypass port={port} />}
    </li>
  );
}

/** For maintenance: no loss moves the output for a while. */
function Bypass({ port }) {
  const [minutes, setMinutes] = useState("15");
  const bypass = (ms) => async () => {
    await ask("POST", "/holdfast/bypass", { port: port.port, for: ms });
    await look();
  };
  if (port.bypassed_until !== null) {
    return (
      <div class="row">
        <Act act={bypass(0)} label={`End the bypass of ${port.name}`} sure={{ title: `End the bypass of ${port.name}?`, text: "If its master is lost, its fallback begins now.", yes: "End the bypass" }}>
          End the bypass
        </Act>
      </div>
    );
  }
  return (
    <div class="row">
      <Act
        act={bypass(Math.round(Number(minutes) * MINUTE))}
        label={`Bypass ${port.name}`}
        sure={{
          title: `Bypass ${port.name} for ${minutes} min?`,
          text: "It stays as it is though its master is lost, and takes commands. After that time, or when you end it here, its fallback counts again.",
          yes: "Bypass it",
        }}
      >
        Bypass
      </Act>
      <span class="pulse">
        <input type="number" min="1" max="480" step="1" value={minutes} aria-label={`minutes of a bypass of ${port.name}`} onInput={(event) => setMinutes(event.currentTarget.value)} /> min
      </span>
    </div>
  );
}

/** A contact as a wiring plan draws it. */
function Contact({ closed }) {
  return (
    <svg viewBox="0 0 28 14" width="28" height="14" aria-hidden="true">
      <path d={closed ? "M1 10h8h10h8" : "M1 10h8l9-8M19 10h8"} fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" />
      <circle cx="9" cy="10" r="2" fill="currentColor" />
      <circle cx="19" cy="10" r="2" fill="currentColor" />
    </svg>
  );
}

function Drive({ port }) {
  const [seconds, setSeconds] = useState("3");
  const set = (wanted) => async () => {
    await call(PORTS, "setPorts", { ports: [{ port: port.port, state: wanted }] });
    await look();
  };
  const pulse = async () => {
    const ms = Math.round(Number(seconds) * 1000);
    if (!(ms >= 1 && ms <= 65535)) throw new Error("0.001 to 65 seconds");
    const other = port.state === "closed" ? "open" : "closed";
    const sequence = [
      { state: other, time: ms },
      { state: port.state, time: 0 },
    ];
    await call(PORTS, "setStateSequence", { port: port.port, sequence });
    await look();
  };
  return (
    <div class="row drive">
      <div class="pair" role="group" aria-label={`set ${port.name}`}>
        {["open", "closed"].map((one) => (
          <Act key={one} act={set(one)} disabled={port.locked} pressed={port.state === one} label={`${one === "open" ? "Open" : "Close"} ${port.name}`}>
            {one === "open" ? "Open" : "Close"}
          </Act>
        ))}
      </div>
      <span class="pulse">
        <Act act={pulse} disabled={port.locked} label={`Pulse ${port.name}`}>
          Pulse
        </Act>
        <input type="number" min="0.1" max="65" step="0.1" value={seconds} disabled={port.locked} aria-label={`seconds of a pulse of ${port.name}`} onInput={(event) => setSeconds(event.currentTarget.value)} /> s
      </span>
    </div>
  );
}

// -- the last minutes, as a picture -----------------------------------------------------------------

const LEFT = 150;
const WIDTH = 1000;
const ROW = 26;
const TICKS = { 1: 6, 5: 5, 30: 6 };

function Timeline() {
  const [minutes, setMinutes] = useState(5);
  const to = now();
  const from = to - minutes * MINUTE;
  const { ports } = state.status;
  const lanes = [["lost", "A master is lost", "loss"], ...ports.map((port) => [port.port, port.name, port.direction])].map(([key, name, kind]) => ({
    key,
    name,
    kind,
    lane: state.lanes[key] ?? [],
  }));
  const x = (at) => LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT);
  const height = lanes.length * ROW + 24;
  const ticks = Array.from({ length: TICKS[minutes] + 1 }, (_, i) => (i * minutes) / TICKS[minutes]);
  const words = lanes.map(({ name, lane }) => told(name, lane, from, to));
  return (
    <Card
      title="The last minutes"
      id="timeline"
      wide
      aside={
        <div class="pair" role="group" aria-label="how far back">
          {[1, 5, 30].map((value) => (
            <button key={value} type="button" aria-pressed={value === minutes} onClick={() => setMinutes(value)}>
              {value} min
            </button>
          ))}
        </div>
      }
    >
      <div class="scroll" tabIndex="0" role="region" aria-label="timeline">
        <svg class="timeline" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={words.join(". ")}>
          {ticks.map((minute) => (
            <g key={minute} class="tick">
              <line x1={x(to - minute * MINUTE)} x2={x(to - minute * MINUTE)} y1="0" y2={height - 20} />
              <text x={x(to - minute * MINUTE)} y={height - 5} text-anchor={minute === 0 ? "end" : minute === minutes ? "start" : "middle"}>
                {minute === 0 ? "now" : minutes === 1 ? `−${Math.round(minute * 60)} s` : `−${minute} min`}
              </text>
            </g>
          ))}
          {lanes.map(({ key, name, kind, lane }, i) => (
            <g key={key} class={`lane ${kind}`} transform={`translate(0 ${i * ROW})`}>
              <text x={LEFT - 8} y="17" text-anchor="end">
                {name.length > 20 ? `${name.slice(0, 19)}…` : name}
              </text>
              <rect class="unknown" x={LEFT} y="12" width={WIDTH - LEFT} height="1.5" />
              {spans(lane, from, to).map((part) => (
                <rect key={part.from} class={part.on ? "on" : "off"} x={x(part.from)} width={Math.max(1.5, x(part.to) - x(part.from))} y={part.on ? 5 : 11.5} height={part.on ? 16 : 3} rx={part.on ? 3 : 0} />
              ))}
            </g>
          ))}
        </svg>
      </div>
      <details>
        <summary>In words</summary>
        <ul>
          {words.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      </details>
    </Card>
  );
}

// -- what happened ----------------------------------------------------------------------------------

/** A time of the module, for people: the hour when the module knows it, else how long ago. */
function When({ at, time }) {
  const epoch = state.status.epoch_ms;
  // What the log says of an earlier start has a time of its own, or none that means anything now.
  if (time === null && !epoch) return <span class="quiet">{span(at)} after a start</span>;
  const ago = `${span(Math.max(0, time && epoch ? now() + epoch - time : now() - at))} ago`;
  if (!epoch) return <>{ago}</>;
  const date = new Date(time || at + epoch);
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {date.toLocaleTimeString()}, {ago}
    </time>
  );
}

const SHOWN = 30;
// The colour of what the log tells, by its kind.
const LOGGED = { trip: "loss", "failed turn": "loss", return: "return", release: "return" };

function History() {
  const { trips } = state.status;
  const losses = trips.latest.map(({ master, due, moved, why }) => ({
    at: due,
    kind: "loss",
    text: `${master ? `Master ${master}` : "The module"} lost: ${why}`,
    more: `outputs fell back ${lateness(moved - due)} after the deadline`,
  }));
  // The module's own log tells of losses, too, and goes on after a restart.
  const rows = state.log
    ? state.log.map((row) => ({ ...row, kind: LOGGED[row.kind] ?? row.kind, more: row.due === undefined ? "" : `outputs fell back ${lateness(row.at - row.due)} after the deadline` })).reverse()
    : [...losses, ...state.seen.filter((row) => row.text !== LOSS)].sort((a, b) => b.at - a.at);
  return (
    <Card
      title="What happened"
      id="history"
      aside={
        trips.count > 0 && (
          <span class="quiet">
            {trips.count} {trips.count === 1 ? "loss" : "losses"}, slowest reaction {lateness(trips.worst_lateness_ms)}
          </span>
        )
      }
    >
      {!rows.length && <p class="quiet">No master was lost since the module started, {span(now())} ago.</p>}
      <ol class="history">
        {rows.slice(0, SHOWN).map((row) => (
          <li key={`${row.number} ${row.at} ${row.text}`} class={row.kind}>
            <When at={row.at} time={row.time} />
            <strong>{row.text}</strong>
            {row.more && <span>{row.more}</span>}
          </li>
        ))}
      </ol>
    </Card>
  );
}

// -- others that the module watches, and that watch it ----------------------------------------------

const WORSE = { up: "good", late: "warn", down: "bad" };

function Rows({ title, id, rows }) {
  if (!rows?.length) return null;
  return (
    <Card title={title} id={id}>
      <ul class="plain">
        {rows.map(({ name, is, more }) => (
          <li key={name} class="row">
            <strong>{name}</strong>
            <Badge kind={WORSE[is] ?? "calm"}>{is}</Badge>
            <span class="quiet">{more}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Monitors() {
  const rows = Object.entries(state.monitors).map(([name, { state: is, at }]) => ({
    name,
    is,
    more: `${is === "new" ? "silent " : ""}for ${span(Math.max(0, now() - at))}`,
  }));
  return <Rows title="Monitors" id="monitors" rows={rows} />;
}

function Uplinks() {
  const rows = state.links?.links.map((link) => ({
    name: link.name,
    is: link.up ? "up" : link.enabled === false ? "disabled" : "down",
    more: [link.why, `${link.sent} sent, ${link.failed} failed`, link.queue?.waiting ? `${link.queue.waiting} wait` : ""].filter(Boolean).join("; "),
  }));
  return <Rows title="Uplinks" id="uplinks" rows={rows} />;
}

function About() {
  const { version, heap, rules, notifications, start, network, events } = state.status;
  return (
    <Card title="This module" id="about">
      <dl>
        <Pair term="version">{version}</Pair>
        <Pair term="running for">{span(now())}</Pair>
        {start && <Pair term="last start">{start.why}</Pair>}
        {network?.rssi !== undefined && <Pair term="Wi-Fi signal">{network.rssi} dBm</Pair>}
        {heap && (
          <Pair term="memory free">
            {Math.round(heap.free / 1024)} of {Math.round((heap.free + heap.used) / 1024)} KB
          </Pair>
        )}
        <Pair term="events">{events.number}</Pair>
        {notifications.sent + notifications.failed + notifications.waiting > 0 && (
          <Pair term="notifications">
            {notifications.sent} sent, {notifications.failed} failed, {notifications.waiting} waiting
          </Pair>
        )}
      </dl>
      {rules.length > 0 && (
        <>
          <h3>Rules</h3>
          <ul class="plain">
            {rules.map((rule) => (
              <li key={rule.rule} class="row">
                <strong>{rule.name || `rule ${rule.rule}`}</strong>
                <span class="quiet">
                  fired {rule.fired} times{rule.refused ? `, refused by a lock ${rule.refused}` : ""}
                  {rule.missed ? `, missed ${rule.missed}` : ""}
                </span>
                {rule.resting && <Badge kind="warn">resting</Badge>}
                <Blocked rule={rule} />
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  );
}
