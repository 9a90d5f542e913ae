// Requests to the module, one at a time: a small board has few connections, and the page takes one
// of them beside its event stream.

export class Refusal extends Error {
  constructor(status, text) {
    super(text || WORDS[status] || `the module answered ${status}`);
    this.status = status;
  }
}

const WORDS = {
  0: "the module does not answer",
  401: "not logged in",
  403: "your account may not do that",
  404: "there is no such thing",
  409: "that is so already",
  412: "somebody else has changed the settings; look at them again",
  413: "that is too long",
  501: "this board cannot do that",
  503: "not now: a deadline is too near, or the module is busy; try again",
};

let last = Promise.resolve();
export const traffic = { requests: 0, heard: -1e9, failed: false }; // heard: when the module last said something
/** The module has said something. */
export function hear() {
  traffic.heard = performance.now();
  traffic.failed = false;
}

const TRIES = 2; // more, after the first
const PAUSE = 1500; // between them

async function send(method, path, body, headers, tries = 0) {
  traffic.requests++;
  let answer;
  let text;
  try {
    answer = await fetch(path, { method, body, headers, cache: path === "/" ? "default" : "no-store", signal: AbortSignal.timeout(8000) });
    text = await answer.text(); // the module may fall silent in the middle of it
  } catch {
    traffic.failed = true;
    throw new Refusal(0);
  }
  hear();
  if (answer.ok) return { text, etag: answer.headers.get("ETag") };
  let why = "";
  try {
    const { error } = JSON.parse(text);
    why = [error.key, error.problem ?? error.message].filter(Boolean).join(" ");
  } catch {
    // The status says enough.
  }
  if (answer.status === 503 && !why && tries < TRIES) {
    // The module had no memory to spare, and did nothing: it has some in a moment.
    await new Promise((done) => setTimeout(done, PAUSE));
    return send(method, path, body, headers, tries + 1);
  }
  throw new Refusal(answer.status, why);
}

/** A request; {text, etag}, or a Refusal. */
export function ask(method, path, body, headers) {
  const text = body?.constructor === Object ? JSON.stringify(body) : body;
  const asked = last.then(() => send(method, path, text, headers));
  last = asked.catch(() => {});
  return asked;
}

export async function read(path) {
  return JSON.parse((await ask("GET", path)).text);
}

/** What only some modules have: null where there is none, or not for this account. */
export async function readIfThere(path) {
  try {
    return await read(path);
  } catch (refusal) {
    if (refusal.status === 404 || refusal.status === 403) return null;
    throw refusal;
  }
}

/** A call of a VAPIX JSON API; its data, or a Refusal with the device's message. */
export async function call(path, method, params) {
  const { text } = await ask("POST", path, { apiVersion: "1.0", method, params });
  const answer = JSON.parse(text);
  if (answer.error) {
    const detail = answer.error.details?.message ?? answer.error.message;
    throw new Refusal(answer.error.code, String(detail));
  }
  return answer.data;
}

/** Whether the module waits for its first account. Asked without a login. */
export async function isFresh() {
  return (await call("/axis-cgi/systemready.cgi", "systemready", { timeout: 0 })).needsetup === "yes";
}

/** Change an account with a form; the text of success, or a Refusal. */
export async function accounts(fields) {
  const { text } = await ask("POST", "/axis-cgi/pwdgrp.cgi", new URLSearchParams(fields).toString(), {
    "Content-Type": "application/x-www-form-urlencoded",
  });
  const said = new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
  if (said.startsWith("Error")) throw new Refusal(400, said.replace(/^Error:\s*/, ""));
  return said;
}

export const SHORTEST = 8; // characters of a password

/** An Error for a password that is too short to withstand guesses. */
export function checkPassword(password) {
  if ([...password].length < SHORTEST) throw new Error(`The password takes ${SHORTEST} characters or more.`);
}

export const GROUPS = {
  viewer: "viewer",
  operator: "viewer:operator",
  administrator: "viewer:operator:admin",
};

const PART = 4096; // of one request

/** Replace the whole settings document (its text), in parts where it is long. */
export async function putSettings(text) {
  const data = new TextEncoder().encode(text);
  if (data.length <= PART) return ask("PUT", "/holdfast/settings", data);
  let answer;
  for (let i = 0; i < data.length; i += PART) {
    const part = data.slice(i, i + PART);
    answer = await ask("PUT", "/holdfast/settings", part, {
      "Content-Range": `bytes ${i}-${i + part.length - 1}/${data.length}`,
    });
  }
  return answer;
}
