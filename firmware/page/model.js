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

/** What a master is: "alive", "lost", "awaited" after a restart, or "idle": it never called. */
export function standing(master) {
  if (master.lost) return "lost";
  if (master.session) return "alive";
  return master.left_ms === null ? "idle" : "awaited";
}

/** The Duration that the beats seen so far suggest, with 30 % to spare; null while that is early. */
export function suggestion(master) {
  if (master.least_margin_ms === null || master.beats < 10) return null;
  const longest = master.duration_ms - master.least_margin_ms;
  return Math.max(100, Math.ceil((longest * 1.3) / 100) * 100);
}

/** Why a port is as it is, in words; now: ms of the module. */
export function reason(port, masters, now) {
  const ago = span(Math.max(0, now - port.since));
  const who = port.who;
  if (port.direction === "input") return `input, for ${ago}`;
  if (port.why === "fallback") {
    if (!who) return "fallback: a fault of the module";
    const master = masters.find((row) => row.master === who);
    if (!master || master.last === null) return `fallback: master ${who} never called`;
    return `fallback: master ${who} silent for ${running(now - master.last)}`;
  }
  if (port.why === "restore") return `restored ${ago} ago, ${who || "the master"} is back`;
  if (port.why === "command") return `set by ${who || "somebody"} ${ago} ago`;
  return "power-on state";
}

/** What comes next to a port by itself, "" for nothing. */
export function next(port, now) {
  if (port.next === null) return "";
  const what = port.why === "fallback" ? "next step of the fallback" : "changes";
  return `${what} in ${running(port.next - now)}`;
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

// -- the truth table --------------------------------------------------------------------------------

/** The steps of a fallback as settings write them, in words. */
export function steps(rows) {
  return (rows ?? [{}])
    .map((row) => {
      const state = row.state ?? "open";
      const when = row.after ? `after ${span(row.after)} ` : "";
      const what = state === "hold" ? "stays as it is" : state;
      return when + what + (row.pulse ? ` for ${span(row.pulse)}` : "");
    })
    .join(", then ");
}

/** What a port does at each of the things that may happen; row: of one output in the settings.
 * crash: after a watchdog reset the module begins with the fallback. */
export function truth(row = {}, crash = false) {
  const fallback = row.fallback ?? {};
  const powerOn = row.power_on ?? "open";
  const master = fallback.master ?? "any";
  return {
    "Power on": powerOn,
    "Loss of master": `${master === "any" ? "any master" : master}: ${steps(fallback.steps)}${fallback.locked === false ? "" : ", locked"}`,
    "Master returns": fallback.on_return === "restore" ? "what was last commanded" : "stays as it is until somebody sets it",
    Restart: powerOn,
    "Watchdog reset": crash ? `fallback at once: ${steps([{ ...(fallback.steps ?? [{}])[0], after: 0 }])}` : powerOn,
  };
}
