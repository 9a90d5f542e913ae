// The page: set up a fresh module, else show it, and by role change it.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, isFresh } from "./api.js";
import { listen, look, now, silence, start, state } from "./live.js";
import { headline, ROLES, span } from "./model.js";
import { Overview } from "./overview.jsx";
import { Act, Badge } from "./parts.jsx";
import { Report } from "./report.jsx";
import { Settings } from "./settings.jsx";
import { SetUp } from "./setup.jsx";

const TICK = 250; // between two pictures of a time that runs

function App({ fresh }) {
  const [, redraw] = useState(0);
  const [view, setView] = useState(location.hash || "#now");
  useEffect(() => {
    if (fresh) return;
    const again = () => redraw((count) => count + 1);
    listen(again);
    const timer = setInterval(() => document.hidden || again(), TICK);
    const turn = () => setView(location.hash || "#now");
    window.addEventListener("hashchange", turn);
    start();
    return () => clearInterval(timer);
  }, []);
  if (fresh) return <SetUp />;
  const { status } = state;
  if (!status) return <main class="empty">{state.trouble || "Asking the module …"}</main>;
  const role = ROLES.indexOf(status.caller.role);
  const views = [["#now", "Now"]];
  if (role > 2) views.push(["#settings", "Settings"], ["#report", "Report"]);
  return (
    <>
      <Head status={status} views={views} view={view} />
      <Trial role={role} />
      <main id="main" class={silence() ? "stale" : ""} tabIndex="-1">
        {view === "#settings" && role > 2 ? <Settings /> : view === "#report" && role > 2 ? <Report /> : <Overview role={role} />}
      </main>
    </>
  );
}

function Head({ status, views, view }) {
  const quiet = silence();
  const [kind, text] = quiet ? ["warn", "The module does not answer. This is how it was."] : headline(status);
  useEffect(() => {
    document.title = `${status.lost ? "▲ " : ""}${status.name}`;
  }, [status.lost, status.name]);
  return (
    <header class={`top ${kind}`}>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main").focus())}>
        Skip to the content
      </a>
      <div class="row">
        <h1>{status.name}</h1>
        <Badge kind={kind}>
          <span role="status">{text}</span>
        </Badge>
        <span class="space" />
        <Badge kind={quiet || !state.live ? "warn" : "good"}>{quiet ? `no answer for ${span(quiet)}` : state.live ? "live" : "not live"}</Badge>
        <span class="quiet">
          {status.caller.name}, {status.caller.role}
        </span>
      </div>
      {state.trouble && !state.live && !quiet && (
        <p class="trouble" role="alert">
          {state.trouble}
        </p>
      )}
      {status.tls && (
        <p class="trouble" role="alert">
          No HTTPS as set: {status.tls.trouble}
        </p>
      )}
      {views.length > 1 && (
        <nav aria-label="views">
          {views.map(([key, name]) => (
            <a key={key} href={key} aria-current={key === view ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
      )}
    </header>
  );
}

/** Changes that go back by themselves unless somebody who can still reach the module keeps them. */
function Trial({ role }) {
  const { trial, now: at } = state.status;
  if (!trial) return null;
  const left = Math.max(0, trial.left_ms - (now() - at));
  return (
    <div class="trial" role="alert">
      <strong>Changed settings are on trial.</strong> They go back in <span class="digits">{span(left)}</span>.
      {role > 2 && (
        <span class="row">
          <Act class="strong" act={() => ask("POST", "/holdfast/confirm", { keep: true }).then(look)}>
            Keep them
          </Act>
          <Act act={() => ask("POST", "/holdfast/confirm", { keep: false }).then(look)}>Take them back</Act>
        </span>
      )}
    </div>
  );
}

const root = document.getElementById("page");
isFresh().then(
  (fresh) => render(<App fresh={fresh} />, root),
  () => render(<App fresh={false} />, root),
);
