// What the page says of what the module tells, as pure functions: words, times, lanes, tables.

export const ROLES = ["anyone", "viewer", "operator", "administrator"];
export const MINUTE = 60000;

/** A time in ms for people: "4.2 s", "3 min 05 s", "2 h 10 min", "5 d 3 h". */
export function span(ms) {
  const sign = ms < 0 ? "−" : "";
  const value = Math.abs(ms);
  if (value < 1000) return `${sign}${Math.round(value)} ms`;
  if (value < 9950) return `${sign}${(value / 1000).toFixed(1)} s`;
  const s = Math.round(value / 1000);
  if (s < 60) return `${sign}${s} s`;
  if (s < 3600) return `${sign}${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  const min = Math.floor(s / 60);
  if (min < 1440) return `${sign}${Math.floor(min / 60)} h ${min % 60} min`;
  return `${sign}${Math.floor(min / 1440)} d ${Math.floor((min % 1440) / 60)} h`;
}

/** How late something was, in whole ms: the module measures no finer. */
export function lateness(ms) {
  return ms < 1 ? "less than 1 ms" : span(ms);
}

/** A time that runs, in ms, with steady digits: "4.2 s" below a minute. */
export function running(ms) {
  return ms < MINUTE ? `${(Math.max(0, ms) / 1000).toFixed(1)} s` : span(ms);
}

/** Whether two JSON documents say the same, in whatever order. */
export function same(one, other) {
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => key in other && same(one[key], other[key]));
}

// -- what is: every sentence about it comes from the status, here ------------------------------------

/** What a master is, by the status, as [kind, words]; stale: nothing was heard of it for a while. */
export const STANDING = {
  lost: ["bad", "lost"],
  returning: ["bad", "lost, its heartbeats come again"],
  alive: ["good", "alive"],
  awaited: ["warn", "awaited"],
  released: ["warn", "released"],
  over: ["calm", "silent, and that was no loss"],
  idle: ["calm", "not heard since the start"],
};

export function standing(master, stale) {
  const [kind, is] = STANDING[master.is];
  const strange = !master.counts && master.is !== "idle" ? ", not awaited: settings name others" : "";
  const words = is + strange + (master.why === null ? "" : `: ${master.why}`);
  return stale ? ["calm", words.startsWith("not") ? words : `was ${words}`] : [kind, words];
}

const HEADLINES = [
  ["alive", "good", "Alive"],
  ["awaited", "warn", "Awaited"],
  ["released", "warn", "Released"],
];

/** The state of the whole module, of the masters that count: [kind, words]. */
export function headline(status) {
  const names = (...words) => status.masters.filter((row) => row.counts && words.includes(row.is)).map((row) => row.master).join(", ");
  const lost = names("lost", "returning");
  if (status.lost) return ["bad", lost ? `Lost: ${lost}` : "Lost by a fault of the module"];
  for (const [is, kind, word] of HEADLINES) {
    const found = names(is);
    if (found && lost) return ["warn", `${word}: ${found}; lost, and not needed: ${lost}`];
    if (found) return [kind, `${word}: ${found}`];
  }
  return ["calm", "No master was heard since the start"];
}

/** What a suggested Duration means beside the one in use. */
export function suggestion(master) {
  const advised = master.suggested_ms;
  if (advised === null) return "";
  if (advised >= master.duration_ms * 0.95 && advised <= master.duration_ms * 1.05) return "as it is";
  if (advised > master.duration_ms) return `${span(advised)}: the one in use leaves too little to spare`;
  return `${span(advised)} would do; then a pause longer than that is a loss`;
}

/** How long a lost master is silent; name: "" for a fault of the module. */
function silent(name, masters, now) {
  const master = masters.find((row) => row.master === name);
  if (!name || !master) return "a fault of the module";
  return master.last === null ? `${name} not heard since the start` : `${name} silent for ${running(now - master.last)}`;
}

/** Why a port is as it is, in words; now: ms of the module. */
export function reason(port, masters, now) {
  const since = `${port.state} for ${span(Math.max(0, now - port.since))}`;
  if (port.direction === "input") return since;
  const lost = port.lost.map((name) => silent(name, masters, now)).join("; ");
  const who = port.who || "a fault of the module";
  if (port.why === "fallback" && lost) return `fallback: ${lost}`;
  const why = {
    fallback: `as its fallback left it, nobody has set it since; ${since}`,
    restore: `restored: the loss of ${who} is over; ${since}`,
    release: `restored by a release: nobody waits for ${who}; ${since}`,
    command: `set by ${who}; ${since}`,
  }[port.why];
  return (why ?? `power-on state; ${since}`) + (lost && `; its fallback is in force: ${lost}`);
}

/** What a bypass means for a port, "" for one that is not bypassed. */
export function bypassed(port, now) {
  return port.bypassed_until === null ? "" : `bypassed, ${running(port.bypassed_until - now)} left: no loss moves it`;
}

/** What comes next to a port by itself, "" for nothing. */
export function next(port, now) {
  return port.next === null ? "" : `next step in ${running(port.next - now)}`;
}

// -- lanes: what a port did in the last minutes, [{at, on}], oldest first --------------------------

/** Put a change into a lane; the same value twice is one. */
export function mark(lane, at, on, keep) {
  const found = lane.findIndex((point) => point.at >= at);
  const place = found < 0 ? lane.length : found;
  if (lane[place]?.at === at) lane[place].on = on;
  else lane.splice(place, 0, { at, on });
  while (lane.length > 1 && lane[1].at < keep) lane.shift();
  return lane;
}

/** The spans of a lane between two times: [{from, to, on}]; before its first point it is unknown. */
export function spans(lane, from, to) {
  const found = [];
  lane.forEach((point, i) => {
    const begin = Math.max(from, point.at);
    const end = Math.min(to, lane[i + 1]?.at ?? to);
    if (end > begin) found.push({ from: begin, to: end, on: point.on });
  });
  return found;
}

/** A lane in words. */
export function told(name, lane, from, to) {
  const on = spans(lane, from, to).filter((part) => part.on);
  if (!on.length) return `${name}: not active`;
  const parts = on.map((part) =>
    part.to >= to ? `for ${span(to - part.from)} until now` : `for ${span(part.to - part.from)}, ${span(to - part.to)} ago`,
  );
  return `${name}: active ${parts.join("; ")}`;
}

// -- the truth table: the module computes it, /holdfast/outputs ----------------------------------------

export const EVENTS = [
  ["power_on", "Power on"],
  ["loss", "Its master is lost"],
  ["return", "That master returns, or is released"],
  ["restarting", "A restart is asked for, until the chip resets"],
  ["restart", "After that restart"],
  ["crash", "After a crash or a reset by the watchdog"],
];

/** What an output does at one of these, in words. */
export function does(output, event) {
  const { words } = output[event];
  return event === "loss" ? `${output.master ?? "any master"}: ${words}${output.locked ? ", locked" : ""}` : words;
}
