// Small things that several parts of the page are made of.

import { cloneElement } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { silence } from "./live.js";

/** A section with a heading that a screen reader finds. */
export function Card({ title, id, children, aside, wide }) {
  return (
    <section class={wide ? "card wide" : "card"} aria-labelledby={`h-${id}`}>
      <header>
        <h2 id={`h-${id}`}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** A state with a sign and a word: colour alone tells nobody anything. */
export function Badge({ kind, children }) {
  const sign = { good: "●", bad: "▲", warn: "◆", calm: "○" }[kind];
  return (
    <span class={`badge ${kind}`}>
      <span aria-hidden="true">{sign}</span> {children}
    </span>
  );
}

/** That a rule has no effect at the loss that triggers it, and why; rule: of the status, or none. */
export function Blocked({ rule }) {
  return rule?.blocked ? <Badge kind="warn">no effect then: {rule.blocked}</Badge> : null;
}

/** A button for something that takes a moment and may be refused. `act` gives a promise. While the
 * module says nothing it cannot be pressed. */
export function Act({ act, children, sure, disabled, class: kind, label, pressed }) {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const [asking, setAsking] = useState(false);
  const go = async () => {
    setAsking(false);
    setBusy(true);
    setTrouble("");
    try {
      await act();
    } catch (error) {
      setTrouble(error.message);
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" class={kind} disabled={disabled || busy || silence() > 0} aria-label={label} aria-pressed={pressed} onClick={() => (sure ? setAsking(true) : go())}>
        {children}
      </button>
      {asking && (
        <Dialog title={sure.title} onClose={() => setAsking(false)}>
          <p>{sure.text}</p>
          <div class="row end">
            <button type="button" onClick={() => setAsking(false)}>
              Leave it
            </button>
            <button type="button" class="strong" onClick={go}>
              {sure.yes}
            </button>
          </div>
        </Dialog>
      )}
      {trouble && (
        <span class="trouble" role="alert">
          {trouble}
        </span>
      )}
    </>
  );
}

export function Dialog({ title, children, onClose }) {
  const dialog = useRef();
  useEffect(() => dialog.current.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="dialog-title">
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

/** A form field with its label; `children` is the one control. */
export function Field({ label, hint, children }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {cloneElement(children, { id, "aria-describedby": hint && `${id}-hint` })}
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

export function Select({ value, onChange, options, ...more }) {
  return (
    <select value={value} onChange={(event) => onChange(event.currentTarget.value)} {...more}>
      {options.map(([key, text]) => (
        <option key={key} value={key}>
          {text}
        </option>
      ))}
    </select>
  );
}

/** A number field in seconds for a value in ms. */
export function Seconds({ value, onChange, ...more }) {
  return (
    <input
      type="number"
      inputmode="decimal"
      min="0"
      step="any"
      value={value === undefined || value === null ? "" : value / 1000}
      onInput={(event) => {
        const text = event.currentTarget.value;
        // What is no 0 does not become one.
        onChange(text === "" ? undefined : Math.max(Number(text) > 0 ? 1 : 0, Math.round(Number(text) * 1000)));
      }}
      {...more}
    />
  );
}
