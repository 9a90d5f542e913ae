// What an administrator changes: ports and their fallback, accounts, rules, and all else by its key.

import { useEffect, useState } from "preact/hooks";
import { accounts, ask, checkPassword, GROUPS, putSettings, Refusal, SHORTEST } from "./api.js";
import { look, state } from "./live.js";
import { ROLES, same } from "./model.js";
import { Act, Blocked, Card, Field, Seconds, Select } from "./parts.jsx";

const SECURE = location.protocol === "https:"; // a module gives its secrets then
const CONFIRM_S = 60; // in which changes are kept that could lock somebody out, or move outputs
const STATES = [
  ["open", "open"],
  ["closed", "closed"],
];

/** The settings as people see them: without what the module ends its files with. */
function withoutMarks(document) {
  delete document.checksum;
  delete document.format;
}

/** The settings document and what changes it; null while it is asked for. */
export function useSettings() {
  const [held, setHeld] = useState(null);
  const load = async () => {
    try {
      const { text, etag } = await ask("GET", "/holdfast/settings");
      const document = JSON.parse(text);
      withoutMarks(document);
      setHeld({ document, text, etag });
    } catch (error) {
      setHeld({ trouble: error instanceof Refusal && error.status === 404 ? "This module does not give its settings." : error.message });
    }
  };
  useEffect(() => {
    load();
  }, []);
  const save = async (patch, trial) => {
    const path = `/holdfast/settings${trial ? "?trial=1" : ""}`;
    const { text } = await ask("PATCH", path, patch, held.etag ? { "If-Match": held.etag } : {});
    await load();
    await look();
    return JSON.parse(text);
  };
  // Accounts are changed by an API of their own. What else is in the settings counts as read only if
  // it is what was read: else the next save is refused, as it must be.
  const follow = async () => {
    const { text, etag } = await ask("GET", "/holdfast/settings");
    const document = JSON.parse(text);
    withoutMarks(document);
    setHeld((before) => (before?.document && same({ ...before.document, accounts: null }, { ...document, accounts: null }) ? { document, text, etag } : before));
  };
  return [held, save, load, follow];
}

export function Settings() {
  const [held, save, load, follow] = useSettings();
  if (!held) return <p class="quiet">Asking for the settings …</p>;
  return (
    <>
      {held.trouble ? (
        <p class="trouble" role="alert">
          {held.trouble}
        </p>
      ) : (
        <>
          <Ports document={held.document} save={save} />
          <Masters document={held.document} save={save} />
          <Rules document={held.document} save={save} />
          <Others document={held.document} save={save} />
          <Backup held={held} load={load} />
        </>
      )}
      <Accounts follow={follow} />
    </>
  );
}

/** What the module said about a change: from when on it counts. */
function Said({ said }) {
  if (!said) return null;
  const waiting = said.next_start ?? [];
  return (
    <p role="status" class="said">
      Saved.{" "}
      {said.trial ? (waiting.length ? "Tried at the next start, for a minute. " : "On trial for a minute. ") : ""}
      {waiting.length > 0 && `Counts from the next start on: ${waiting.join(", ")}.`}
    </p>
  );
}

// -- ports ------------------------------------------------------------------------------------------

function Ports({ document, save }) {
  return (
    <Card title="Ports" id="s-ports" wide>
      {state.status.ports.map((port) => (
        <PortForm key={port.port} port={port} row={document.ports?.[port.port] ?? {}} document={document} save={save} />
      ))}
    </Card>
  );
}

function PortForm({ port, row, document, save }) {
  const [draft, setDraft] = useState(row);
  const [said, setSaid] = useState(null);
  const put = (change) => setDraft({ ...draft, ...change });
  const output = port.direction === "output";
  const fallback = draft.fallback ?? {};
  const masters = (document.accounts ?? []).filter((one) => one.role !== "viewer").map((one) => [one.name, one.name]);
  const store = async () => {
    const patch = { ...draft };
    for (const key in row) if (!(key in draft) || draft[key] === undefined) patch[key] = null;
    const trial = output && !same(draft.fallback, row.fallback);
    setSaid(await save({ ports: { [port.port]: patch } }, trial));
  };
  return (
    <details class="form" data-form={port.port}>
      <summary>
        <strong>{draft.name ?? port.name}</strong>{" "}
        <span class="quiet">
          {port.direction}, port {port.port}
        </span>
      </summary>
      <div class="fields">
        <Field label="Name">
          <input value={draft.name ?? port.name} maxLength="32" onInput={(event) => put({ name: event.currentTarget.value })} />
        </Field>
        <Field label="Usage" hint="What it is for: Door, Siren, Fire …">
          <input value={draft.usage ?? ""} maxLength="32" onInput={(event) => put({ usage: event.currentTarget.value })} />
        </Field>
        <Field label="Normal state" hint="In this state the port is not active.">
          <Select value={draft.normal ?? "open"} options={STATES} onChange={(normal) => put({ normal })} />
        </Field>
        {output ? (
          <Field label="At power on">
            <Select value={draft.power_on ?? "open"} options={STATES} onChange={(power_on) => put({ power_on })} />
          </Field>
        ) : (
          <Field label="Debounce, seconds">
            <Seconds value={draft.debounce ?? 0} max="10" onChange={(debounce) => put({ debounce: debounce ?? 0 })} />
          </Field>
        )}
      </div>
      {output && <Fallback fallback={fallback} masters={masters} onChange={(change) => put({ fallback: { ...fallback, ...change } })} />}
      <Act class="strong" act={store}>
        Save
      </Act>
      <Said said={said} />
    </details>
  );
}

function Fallback({ fallback, masters, onChange }) {
  const rows = fallback.steps ?? [{ after: 0, state: "open" }];
  const change = (i, what) => onChange({ steps: rows.map((row, k) => (k === i ? { ...row, ...what } : row)) });
  return (
    <fieldset>
      <legend>When its master is lost</legend>
      <div class="fields">
        <Field label="Whose loss">
          <Select value={fallback.master ?? "any"} options={[["any", "any master's"], ...masters]} onChange={(master) => onChange({ master })} />
        </Field>
        <Field label="When the master is back">
          <Select
            value={fallback.on_return ?? "hold"}
            options={[
              ["hold", "stay until somebody sets it"],
              ["restore", "take back what was last commanded"],
            ]}
            onChange={(on_return) => onChange({ on_return })}
          />
        </Field>
        <label class="check">
          <input type="checkbox" checked={fallback.locked ?? false} onChange={(event) => onChange({ locked: event.currentTarget.checked })} /> locked for everybody meanwhile
        </label>
      </div>
      <ol class="steps">
        {rows.map((row, i) => (
          <li key={i} class="fields">
            <Field label="After, seconds">
              <Seconds value={row.after ?? 0} onChange={(after) => change(i, { after: after ?? 0 })} />
            </Field>
            <Field label="Then">
              <Select value={row.state ?? "open"} options={[...STATES, ["hold", "stay as it is"]]} onChange={(one) => change(i, { state: one, ...(one === "hold" && { pulse: undefined }) })} />
            </Field>
            <Field label="For, seconds" hint="Empty: for good.">
              <Seconds value={row.pulse} disabled={row.state === "hold"} onChange={(pulse) => change(i, { pulse: pulse || undefined })} />
            </Field>
            <button type="button" disabled={rows.length < 2} onClick={() => onChange({ steps: rows.filter((_, k) => k !== i) })} aria-label={`Remove step ${i + 1}`}>
              Remove
            </button>
          </li>
        ))}
      </ol>
      <button type="button" disabled={rows.length > 7} onClick={() => onChange({ steps: [...rows, { after: (rows.at(-1).after ?? 0) + (rows.at(-1).pulse ?? 0) + 10000, state: "open" }] })}>
        Add a step
      </button>
    </fieldset>
  );
}

// -- rules ------------------------------------------------------------------------------------------

const FOLLOW = "com.axis.action.unlimited.io.toggle";
const PULSE = "com.axis.action.fixed.io.toggle";
const SEQUENCE = "com.holdfast.action.fixed.io.sequence";
const NOTIFY = "com.axis.action.fixed.notification.http";

/** The action that sets a port active for so many ms. A Duration of VAPIX has whole seconds. */
function pulseOf(port, ms) {
  if (ms % 1000) return { template: SEQUENCE, parameters: { port, sequence: `high:${ms},low:0` } };
  return { template: PULSE, parameters: { port, state: "high", duration: String(ms / 1000) } };
}

/** What is wrong with that time, "" for nothing. */
function pulseTrouble(ms) {
  if (ms === undefined) return "Say for how long; 0: it stays.";
  return ms % 1000 && ms > 65535 ? "Whole seconds, or up to 65.535 s." : "";
}

const item = (name, value) => `boolean(//SimpleItem[@Name="${name}" and @Value="${value}"])`;

/** What may be a condition, as settings write it: [key, name, condition]. */
function happenings(ports) {
  return [
    ["lost", "a master is lost", { topic: "tns1:Device/tnsaxis:Monitor/Heartbeat", content: item("lost", "1") }],
    ...ports.map((port) => [
      `port${port.port}`,
      `${port.name} is active`,
      { topic: "tns1:Device/tnsaxis:IO/Port", content: `${item("port", port.port)} and ${item("state", "1")}` },
    ]),
  ];
}

const first = (rows) => {
  for (let i = 1; ; i++) if (!(i in rows)) return String(i);
};

function Rules({ document, save }) {
  const rules = document.rules ?? {};
  const { ports } = state.status;
  const outputs = ports.filter((port) => port.direction === "output");
  const when = happenings(ports);
  const [draft, setDraft] = useState({ name: "", when: "lost", what: "follow", port: outputs[0]?.port, seconds: 3000, url: "", message: "" });
  const [said, setSaid] = useState(null);
  const put = (change) => setDraft({ ...draft, ...change });
  const add = async () => {
    const trouble = draft.what === "pulse" && pulseTrouble(draft.seconds);
    if (trouble) throw new Error(trouble);
    const rule = first(rules);
    const action = first(document.actions ?? {});
    const parameters = {
      follow: { template: FOLLOW, parameters: { port: draft.port, state: "high" } },
      pulse: pulseOf(draft.port, draft.seconds),
      notify: { template: NOTIFY, parameters: { upload_url: draft.url, message: draft.message, parameters: "", login: "", password: "", proxy_host: "", proxy_port: "", proxy_login: "", proxy_password: "", qos: "" } },
    }[draft.what];
    const condition = when.find(([key]) => key === draft.when)[2];
    setSaid(await save({ actions: { [action]: parameters }, rules: { [rule]: { name: draft.name, action, conditions: [condition] } } }));
  };
  return (
    <Card title="Rules" id="s-rules" wide>
      {Object.entries(rules).map(([key, rule]) => (
        <div key={key} class="row line">
          <strong>{rule.name || `rule ${key}`}</strong>
          <span class="quiet">{rule.enabled === false ? "off" : "on"}</span>
          <Blocked rule={state.status.rules.find((row) => row.rule === key)} />
          <span class="space" />
          <Act act={() => save({ rules: { [key]: { enabled: rule.enabled === false } } })}>{rule.enabled === false ? "Switch on" : "Switch off"}</Act>
          <Act
            act={() => {
              const used = Object.entries(rules).some(([other, row]) => other !== key && row.action === rule.action);
              return save({ rules: { [key]: null }, ...(!used && { actions: { [rule.action]: null } }) });
            }}
            sure={{ title: `Remove ${rule.name || `rule ${key}`}?`, text: "What it does is removed with it.", yes: "Remove" }}
          >
            Remove
          </Act>
        </div>
      ))}
      <details class="form">
        <summary>Add a rule</summary>
        <div class="fields">
          <Field label="Name">
            <input value={draft.name} maxLength="32" onInput={(event) => put({ name: event.currentTarget.value })} />
          </Field>
          <Field label="When">
            <Select value={draft.when} options={when.map(([key, name]) => [key, name])} onChange={(value) => put({ when: value })} />
          </Field>
          <Field label="Do">
            <Select
              value={draft.what}
              options={[
                ["follow", "hold an output active as long"],
                ["pulse", "set an output active for a time"],
                ["notify", "send an HTTP notification"],
              ]}
              onChange={(what) => put({ what })}
            />
          </Field>
          {draft.what === "notify" ? (
            <>
              <Field label="Address" hint="http:// and an IPv4 address in digits">
                <input value={draft.url} onInput={(event) => put({ url: event.currentTarget.value })} />
              </Field>
              <Field label="Message">
                <input value={draft.message} onInput={(event) => put({ message: event.currentTarget.value })} />
              </Field>
            </>
          ) : (
            <Field label="Output">
              <Select value={draft.port} options={outputs.map((port) => [port.port, port.name])} onChange={(port) => put({ port })} />
            </Field>
          )}
          {draft.what === "pulse" && (
            <Field label="Seconds" hint={pulseTrouble(draft.seconds) || "0: it stays."}>
              <Seconds value={draft.seconds} onChange={(seconds) => put({ seconds })} />
            </Field>
          )}
        </div>
        <Act class="strong" act={add}>
          Add
        </Act>
        <Said said={said} />
      </details>
    </Card>
  );
}

// -- whose heartbeat counts -------------------------------------------------------------------------

function Masters({ document, save }) {
  const row = document.heartbeat ?? {};
  const [draft, setDraft] = useState(row);
  const [said, setSaid] = useState(null);
  const put = (change) => setDraft({ ...draft, ...change });
  const named = draft.masters ?? [];
  const accounts = (document.accounts ?? []).filter((one) => one.role !== "viewer");
  const order = (names) => accounts.map((one) => one.name).filter((name) => names.includes(name));
  const needed = [["all", "all of them"], ["any", "any of them"]];
  for (let count = 2; count < Math.max(named.length, draft.needed); count++) needed.push([String(count), `${count} of them`]);
  const store = async () => {
    const patch = { ...draft };
    for (const key in row) if (!(key in draft)) patch[key] = null;
    setSaid(await save({ heartbeat: patch }, true));
  };
  return (
    <Card title="Whose heartbeat counts" id="s-masters" wide>
      <p class="quiet">
        {named.length
          ? "Each of these is awaited by itself, also after a restart. Heartbeats of others count for nothing."
          : "There is one heartbeat: it is lost when nobody sends any more, and restored by anybody. Name your controller, and it is awaited by itself, also after a restart."}
      </p>
      <div class="fields">
        {accounts.map(({ name }) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={named.includes(name)}
              onChange={(event) => put({ masters: order(event.currentTarget.checked ? [...named, name] : named.filter((other) => other !== name)) })}
            />{" "}
            {name}
          </label>
        ))}
        {named.length > 0 && (
          <>
            <Field label="Must live" hint="Fewer are a loss.">
              <Select value={String(draft.needed ?? "all")} options={needed} onChange={(value) => put({ needed: Number(value) || value })} />
            </Field>
            <Field label="First within, seconds" hint="After a start; then it counts as lost.">
              <Seconds value={draft.first_within ?? 60000} onChange={(first_within) => put({ first_within: first_within ?? 60000 })} />
            </Field>
          </>
        )}
        <Field label="Heartbeats until restored">
          <input type="number" min="1" max="100" value={draft.return_after ?? 1} onInput={(event) => put({ return_after: Number(event.currentTarget.value) || 1 })} />
        </Field>
        <Field label="Seconds between outputs that return">
          <Seconds value={draft.stagger ?? 0} max="60" onChange={(stagger) => put({ stagger: stagger ?? 0 })} />
        </Field>
      </div>
      <Act class="strong" act={store}>
        Save
      </Act>
      <Said said={said} />
    </Card>
  );
}

// -- all else, by its key ---------------------------------------------------------------------------

const EXAMPLES = {
  name: '"North door"',
  heartbeat: '{"shortest": 1000, "longest": 60000}',
  network: '{"kind": "wifi", "ssid": "…", "key": "…", "hostname": "north-door"}',
};
const KEYS = ["name", "heartbeat", "network", "time", "tls", "monitors", "uplinks", "rules", "actions", "ports"];

function Others({ document, save }) {
  const [key, setKey] = useState("network");
  const [text, setText] = useState(null);
  const [said, setSaid] = useState(null);
  const shown = text ?? (document[key] === undefined ? "" : JSON.stringify(document[key], null, 2));
  const store = async () => {
    let value = null; // removed: the default counts
    if (shown.trim()) {
      try {
        value = JSON.parse(shown);
      } catch (error) {
        throw new Error(`not JSON: ${error.message}`);
      }
    }
    // A merge would keep the members that were taken out: the key goes first.
    const cleared = {};
    if (value && typeof value === "object" && !Array.isArray(value)) {
      for (const member in document[key] ?? {}) if (!(member in value)) cleared[member] = null;
      value = { ...value, ...cleared };
    }
    setSaid(await save({ [key]: value }, key === "network" || key === "ports"));
    setText(null);
  };
  return (
    <Card title="Network and all else" id="s-others" wide>
      <p class="quiet">As JSON, by the keys of the settings. What is wrong is named. A change of the network or the ports goes back by itself unless you keep it within {CONFIRM_S} s.</p>
      <div class="fields">
        <Field label="Key">
          <Select value={key} options={KEYS.map((name) => [name, name])} onChange={(name) => (setKey(name), setText(null), setSaid(null))} />
        </Field>
      </div>
      <Field label={`Value of ${key}`} hint="Empty: the default. A * is a secret that is not shown: it stays.">
        <textarea placeholder={EXAMPLES[key]} rows={Math.min(24, shown.split("\n").length + 2)} spellcheck={false} value={shown} onInput={(event) => setText(event.currentTarget.value)} />
      </Field>
      <div class="row">
        <Act class="strong" act={store}>
          Save
        </Act>
        <Act
          act={() => ask("POST", "/holdfast/restart", {})}
          sure={{ title: "Restart the module?", text: "Outputs fall back, then take their power-on state.", yes: "Restart" }}
        >
          Restart the module
        </Act>
      </div>
      <Said said={said} />
    </Card>
  );
}

function Backup({ held, load }) {
  const [said, setSaid] = useState("");
  const keep = async () => {
    const { text } = await ask("GET", `/holdfast/settings${SECURE ? "?secrets=1" : ""}`);
    const link = window.document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `${state.status.name.replace(/[^A-Za-z0-9._-]+/g, "-")}-settings.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const [file, setFile] = useState(null);
  const bring = async () => {
    const { text } = await putSettings(await file.text());
    const waiting = JSON.parse(text).next_start ?? [];
    setSaid(`Restored.${waiting.length ? ` Counts from the next start on: ${waiting.join(", ")}.` : ""}`);
    await load();
    await look();
  };
  return (
    <Card title="Backup" id="s-backup">
      <p class="quiet">
        Settings <code>{held.etag?.replace(/"/g, "").slice(0, 16)}…</code>. {SECURE ? "A backup holds hashes of passwords: keep it as you keep them." : "Over plain http a backup lacks the secrets: they are * in it, and stay as this module has them. Over https it is whole."}
      </p>
      <Act act={keep}>Save a backup</Act>
      <Field label="Bring back a backup">
        <input type="file" accept=".json,application/json" onChange={(event) => setFile(event.currentTarget.files[0])} />
      </Field>
      <Act act={bring} disabled={!file} sure={{ title: "Replace all settings?", text: "Accounts, ports, rules: everything becomes what the file says.", yes: "Replace" }}>
        Bring back
      </Act>
      {said && (
        <p role="status" class="said">
          {said}
        </p>
      )}
    </Card>
  );
}

// -- accounts ---------------------------------------------------------------------------------------

const NEW = { name: "", password: "", role: "operator" };

/** The role of an account. The list alone changes nothing: a key pressed in it is no wish. */
function Role({ name, role, change }) {
  const [chosen, setChosen] = useState(role);
  useEffect(() => setChosen(role), [role]);
  return (
    <>
      <Select value={chosen} aria-label={`role of ${name}`} options={ROLES.slice(1).map((one) => [one, one])} onChange={setChosen} />
      {chosen !== role && (
        <Act class="strong" label={`Change the role of ${name}`} act={() => change({ action: "update", user: name, sgrp: GROUPS[chosen] })} sure={{ title: `Change ${name} from ${role} to ${chosen}?`, text: RIGHTS[chosen], yes: "Change" }}>
          Change
        </Act>
      )}
    </>
  );
}

const RIGHTS = {
  viewer: "A viewer sees what the module does, and changes nothing. If it was a master, it is lost at once, and then awaited no more.",
  operator: "An operator sends heartbeats and sets outputs.",
  administrator: "An administrator sends heartbeats, sets outputs and changes every setting.",
};

function Accounts({ follow }) {
  const [rows, setRows] = useState([]);
  const [trouble, setTrouble] = useState("");
  const [draft, setDraft] = useState(NEW);
  const [said, setSaid] = useState("");
  const put = (change) => setDraft({ ...draft, ...change });
  const load = async () => {
    const { text } = await ask("POST", "/axis-cgi/pwdgrp.cgi", "action=get");
    const groups = Object.fromEntries([...text.matchAll(/^(\w+)="(.*)"/gm)].map(([, key, names]) => [key, names.split(",")]));
    setRows(
      (groups.digusers ?? []).filter(Boolean).map((name) => ({
        name,
        role: groups.admin?.includes(name) ? "administrator" : groups.operator?.includes(name) ? "operator" : "viewer",
      })),
    );
  };
  useEffect(() => {
    load().catch((error) => setTrouble(error.message));
  }, []);
  const change = async (fields) => {
    setSaid("");
    setSaid(await accounts(fields));
    await load();
    await follow();
    await look();
  };
  return (
    <Card title="Accounts" id="s-accounts">
      <p class="quiet">Operators and administrators may be masters: they send heartbeats and set outputs.</p>
      {rows.map(({ name, role }) => (
        <div key={name} class="row line">
          <strong>{name}</strong>
          <span class="space" />
          <Role name={name} role={role} change={change} />
          <Act act={() => change({ action: "remove", user: name })} sure={{ title: `Remove ${name}?`, text: "If it is a master, it is lost at once, and then awaited no more.", yes: "Remove" }} label={`Remove ${name}`}>
            Remove
          </Act>
        </div>
      ))}
      <details class="form">
        <summary>Add an account, or change a password</summary>
        <div class="fields">
          <Field label="Name">
            <input value={draft.name} maxLength="32" autocomplete="off" onInput={(event) => put({ name: event.currentTarget.value })} />
          </Field>
          <Field label="Password" hint={`${SHORTEST} characters or more.`}>
            <input type="password" value={draft.password} maxLength="64" autocomplete="new-password" onInput={(event) => put({ password: event.currentTarget.value })} />
          </Field>
          <Field label="Role">
            <Select value={draft.role} options={ROLES.slice(1).map((one) => [one, one])} onChange={(role) => put({ role })} />
          </Field>
        </div>
        <Act
          class="strong"
          act={async () => {
            checkPassword(draft.password);
            const known = rows.some((row) => row.name === draft.name);
            await change({ action: known ? "update" : "add", user: draft.name, pwd: draft.password, sgrp: GROUPS[draft.role], ...(!known && { grp: "users" }) });
            setDraft(NEW);
          }}
        >
          Save
        </Act>
      </details>
      {trouble && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      {said && (
        <p role="status" class="said">
          {said}
        </p>
      )}
    </Card>
  );
}
