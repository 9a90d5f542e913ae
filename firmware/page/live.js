// What the module is doing, kept up to date: its events as they come, its status when one came.
//
// Events arrive over ws-data-stream with numbers, so that a lost connection goes on where it was.
// A heartbeat makes no event, so the time that is left is asked for: when a third of it is over, and
// only while somebody looks. Nothing else is asked for by the clock while the stream is open.

import { ask, hear, read, readIfThere, Refusal, traffic } from "./api.js";
import { MINUTE, mark } from "./model.js";

const TOPICS =
  "tns1:Device/tnsaxis:Monitor//.|tns1:Device/tnsaxis:IO/Port|tns1:Device/tnsholdfast:Monitor//.|tns1:Device/tnsholdfast:Uplink//.";
const LOG = 50;
export const LOSS = "A master is lost";
const KEPT = 30 * MINUTE;
const SOONEST = 1000; // between two looks at the masters
const LATEST = 5000;
const NOBODY = 3000; // ... while none is alive
const WITHOUT_STREAM = 5000; // between two looks at everything
const PAUSES = [500, 1000, 2000, 4000, 8000];

export const state = {
  status: null,
  log: undefined, // of the module, oldest first; null where there is none
  monitors: {}, // by name: {state, at}
  links: undefined, // uplinks; null where there are none
  live: false,
  trouble: "",
  lanes: {}, // by port, and "lost": [{at, on}]
  seen: [], // events since the page was opened, newest first: {at, text, kind}
};

let offset = 0; // of the module's clock to the browser's
let socket = null;
let epoch = null;
let number = null;
let whole = false; // the state of everything was shown once
let tries = 0;
let heard = () => {};
let due = {};

const QUIET = 8000; // longer than between two questions: what is shown may not be so any more
const FAILED = 2500; // ... when a question was not answered, too
const OVERDUE = 1500; // a deadline that is over for so long, and nothing was heard of it

/** For how long the module has said nothing, in ms, where it should have; 0 while all is well. */
export function silence() {
  const quiet = performance.now() - traffic.heard;
  const left = (state.status?.masters ?? []).map((row) => row.left_ms ?? Infinity);
  const overdue = performance.now() + offset - (state.status?.now ?? 0) - Math.min(...left) > OVERDUE;
  return quiet > (traffic.failed || overdue ? FAILED : QUIET) ? quiet : 0;
}

/** ms of the module, now; while it says nothing, when it last did. */
export function now() {
  return (silence() ? traffic.heard : performance.now()) + offset;
}

export function listen(listener) {
  heard = listener;
}

function adopt(told, asked) {
  // The answer was made between question and arrival; half way is the best guess.
  offset = told.now - (asked + performance.now()) / 2;
}

function later(name, ms, action) {
  clearTimeout(due[name]);
  due[name] = setTimeout(action, ms);
}

async function attempt(action) {
  try {
    await action();
    return true;
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    state.trouble = refusal.status === 401 ? "You are not logged in any more. Load the page again." : refusal.message;
    return false;
  }
}

/** Look at everything. */
export async function look() {
  clearTimeout(due.look);
  const fine = await attempt(async () => {
    const asked = performance.now();
    const told = await read("/holdfast/status");
    adopt(told, asked);
    state.status = told;
    state.trouble = "";
    for (const port of told.ports) note(port.port, port.since, port.active);
  });
  if (!state.live) later("look", WITHOUT_STREAM, look);
  else if (!fine) later("look", SOONEST, look);
  watch();
  heard();
}

/** Look at what is left of the masters' time, as long as that runs and somebody looks. */
function watch() {
  clearTimeout(due.masters);
  const status = state.status;
  if (!status || document.hidden || !state.live) return;
  const left = status.masters.filter((row) => row.left_ms !== null);
  if (!left.length) {
    // A session that begins makes no event, unless somebody was lost.
    later("masters", NOBODY, lookAtMasters);
    return;
  }
  const shortest = Math.min(...left.map((row) => row.duration_ms ?? row.left_ms));
  later("masters", Math.min(LATEST, Math.max(SOONEST, shortest / 3)), lookAtMasters);
}

async function lookAtMasters() {
  const fine = await attempt(async () => {
    const asked = performance.now();
    const told = await read("/holdfast/masters");
    adopt(told, asked);
    const lost = state.status.lost;
    delete state.status.trial; // nothing tells that it is over
    for (const port of state.status.ports) port.bypassed_until = told.bypassed[port.port] ?? null;
    Object.assign(state.status, told);
    if (lost !== told.lost) later("look", 0, look);
  });
  if (!fine) later("look", SOONEST, look);
  watch();
  heard();
}

async function lookAtLog() {
  if (state.log === null) return;
  await attempt(async () => {
    const told = await readIfThere(`/holdfast/log?limit=${LOG}${state.log?.length ? `&since=${state.log.at(-1).number}` : ""}`);
    state.log = told && [...(state.log ?? []), ...told.entries].slice(-LOG);
  });
  heard();
}

async function lookAtLinks() {
  if (state.links === null) return;
  await attempt(async () => {
    state.links = await readIfThere("/holdfast/uplinks");
  });
  heard();
}

function note(name, at, on) {
  state.lanes[name] = mark(state.lanes[name] ?? [], at, on, now() - KEPT);
}

// -- the stream -------------------------------------------------------------------------------------

async function connect() {
  clearTimeout(due.connect);
  let token;
  const fine = await attempt(async () => {
    token = (await ask("GET", "/axis-cgi/wssession.cgi")).text.trim();
  });
  if (!fine) return again();
  const begin = epoch === null ? "" : `${number}&epoch=${epoch}`;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/vapix/ws-data-stream?sources=events&since=${begin}&wssession=${token}`);
  socket.onopen = configure;
  socket.onmessage = (message) => take(JSON.parse(message.data));
  socket.onclose = again;
}

function configure() {
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ apiVersion: "1.0", method: "events:configure", params: { eventFilterList: [{ topicFilter: TOPICS }] } }));
}

function again() {
  state.live = false;
  later("connect", PAUSES[Math.min(tries++, PAUSES.length - 1)] * (0.75 + Math.random() / 2), connect);
  later("look", 0, look);
  heard();
}

function take(message) {
  hear();
  if (message.method === "events:configure") {
    if (message.error) return socket.close();
    // Only the first reply of a stream says where it is.
    if (!message.data.epoch) return;
    tries = 0;
    state.live = true;
    const restarted = epoch !== null && epoch !== message.data.epoch;
    if (restarted) {
      state.lanes = {};
      tell(now(), "The module has restarted", "restart");
    }
    if (restarted || message.data.gap || number === null) number = message.data.number;
    epoch = message.data.epoch;
    later("look", 0, look);
    lookAtLog();
    lookAtLinks();
    // What was missed comes first; what is told by its state alone, monitors, when asked once more.
    if (restarted) state.monitors = {};
    if (!message.data.gap && (!whole || restarted)) later("whole", 1000, configure);
    whole = true;
    return heard();
  }
  const { topic, timestamp, message: content, number: counted } = message.params.notification;
  const at = timestamp - (state.status?.epoch_ms ?? 0);
  // The state that is shown after a gap carries no number: it is not news.
  const news = counted !== undefined;
  if (news) number = counted;
  const value = Object.values(content.data)[0];
  const source = Object.values(content.source)[0];
  if (topic.endsWith("IO/Port")) note(source, at, value === "1");
  else if (topic.endsWith("tnsaxis:Monitor/Heartbeat")) {
    note("lost", at, value === "1");
    if (news) tell(at, value === "1" ? LOSS : "The loss is over", value === "1" ? "loss" : "return");
    later("log", 500, lookAtLog);
  } else if (topic.endsWith("tnsholdfast:Monitor/State")) {
    if (value === "removed") delete state.monitors[source];
    else state.monitors[source] = { state: value, at };
    if (news) tell(at, `Monitor ${source}: ${value}`, value === "down" ? "loss" : value === "up" ? "return" : "other");
    if (!news) return heard();
  } else if (topic.endsWith("tnsholdfast:Uplink/Link")) {
    if (news) tell(at, `Uplink ${source}: ${["down", "up"][value] ?? value}`, ["loss", "return"][value] ?? "other");
    later("links", 200, lookAtLinks);
  } else if (news) {
    const [, what] = /tnsholdfast:(.*)/.exec(topic) ?? [];
    tell(at, `${what ?? topic} ${source ?? ""}: ${value}`, "other");
  }
  // The status says why; several events at once are one look.
  later("look", 100, look);
  heard();
}

function tell(at, text, kind) {
  if (state.seen.some((row) => row.at === at && row.text === text)) return;
  state.seen.unshift({ at, text, kind });
  state.seen.length = Math.min(state.seen.length, 50);
}

/** Begin. What happened before the page was opened is asked for, as far as it is kept. */
export async function start() {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look();
  });
  window.addEventListener("online", connect);
  await look();
  if (state.status) {
    const { events, lost, masters, trips } = state.status;
    epoch = events.epoch;
    number = events.number - events.kept;
    const since = masters.map((row) => (lost ? row.lost_at : row.began)).filter((at) => at !== null);
    note("lost", trips.count ? Math.min(now(), ...since) : 0, lost);
  }
  await connect();
}
