// The commissioning report: what each port does at whatever happens, and what was measured; printed.

import { useEffect, useState } from "preact/hooks";
import { read } from "./api.js";
import { now, state } from "./live.js";
import { does, EVENTS, lateness, span, standing } from "./model.js";
import { Act } from "./parts.jsx";
import { useSettings } from "./settings.jsx";

export function Report() {
  const [held] = useSettings();
  const [table, setTable] = useState(null);
  useEffect(() => {
    read("/holdfast/outputs").then(setTable, (error) => setTable({ trouble: error.message }));
  }, []);
  if (!held || !table) return <p class="quiet">Asking for the settings …</p>;
  const trouble = held.trouble || table.trouble;
  if (trouble)
    return (
      <p class="trouble" role="alert">
        {trouble}
      </p>
    );
  const { status } = state;
  const rows = held.document.ports ?? {};
  const inputs = status.ports.filter((port) => port.direction === "input");
  return (
    <article class="card wide report">
      <header>
        <h2>Commissioning report: {status.name}</h2>
        <span class="screen">
          <Act class="strong" act={async () => window.print()}>
            Print
          </Act>
        </span>
      </header>
      <dl>
        <div>
          <dt>settings, SHA-256</dt>
          <dd>
            <code class="hash">{held.etag?.replace(/"/g, "")}</code>
          </dd>
        </div>
        <div>
          <dt>firmware</dt>
          <dd>Holdfast {status.version}</dd>
        </div>
        <div>
          <dt>printed</dt>
          <dd>{new Date().toLocaleString()}</dd>
        </div>
        <div>
          <dt>running for</dt>
          <dd>{span(now())}</dd>
        </div>
      </dl>
      <h3>Outputs: what happens when</h3>
      <div class="scroll" tabIndex="0" role="region" aria-label="what happens when">
        <table>
          <thead>
            <tr>
              <th scope="col">Port</th>
              {EVENTS.map(([, name]) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.outputs.map((port) => (
              <tr key={port.port}>
                <th scope="row">
                  {port.port} {port.name}
                </th>
                {EVENTS.map(([event]) => (
                  <td key={event}>{does(port, event)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet">The module computed this table from its settings. While the chip is reset, and without power, the wiring decides. From then on until the settings are read, outputs have the level that is open as the board is wired.</p>
      {inputs.length > 0 && (
        <>
          <h3>Inputs</h3>
          <table>
            <thead>
              <tr>
                <th scope="col">Port</th>
                <th scope="col">Normal state</th>
                <th scope="col">Debounce</th>
              </tr>
            </thead>
            <tbody>
              {inputs.map((port) => (
                <tr key={port.port}>
                  <th scope="row">
                    {port.port} {port.name}
                  </th>
                  <td>{rows[port.port]?.normal ?? "open"}</td>
                  <td>{rows[port.port]?.debounce ? span(rows[port.port].debounce) : "none"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      <h3>Masters</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Master</th>
            <th scope="col">State</th>
            <th scope="col">Duration</th>
            <th scope="col">Least margin</th>
          </tr>
        </thead>
        <tbody>
          {status.masters.map((master) => (
            <tr key={master.master}>
              <th scope="row">{master.master}</th>
              <td>{standing(master)[1]}</td>
              <td>{master.duration_ms === null ? "" : span(master.duration_ms)}</td>
              <td>{master.least_margin_ms === null ? "" : span(master.least_margin_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>Losses, as measured</h3>
      {status.trips.count === 0 ? (
        <p>None since the module started. Run a drill to measure one.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Master</th>
              <th scope="col">Why</th>
              <th scope="col">When</th>
              <th scope="col">Outputs moved after</th>
            </tr>
          </thead>
          <tbody>
            {[...status.trips.latest].reverse().map((trip) => (
              <tr key={`${trip.due} ${trip.master}`}>
                <th scope="row">{trip.master || "the module"}</th>
                <td>{trip.why}</td>
                <td>{span(now() - trip.due)} ago</td>
                <td>{lateness(trip.moved - trip.due)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p class="signature">Tested by, date:</p>
    </article>
  );
}
