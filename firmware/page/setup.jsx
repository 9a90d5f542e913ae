// The first account of a module that has none.

import { useState } from "preact/hooks";
import { accounts, checkPassword, GROUPS, SHORTEST } from "./api.js";
import { Field } from "./parts.jsx";

export function SetUp() {
  const [name, setName] = useState("root");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [trouble, setTrouble] = useState("");
  const make = async (event) => {
    event.preventDefault();
    if (password !== again) return setTrouble("The two passwords differ.");
    try {
      checkPassword(password);
      await accounts({ action: "add", user: name, pwd: password, grp: "users", sgrp: GROUPS.administrator });
      location.reload();
    } catch (error) {
      setTrouble(error.message);
    }
  };
  return (
    <main class="setup">
      <h1>Welcome to Holdfast</h1>
      <p>This module has no account yet. Make the first one: an administrator, who may do everything. The module keeps a hash of the password, not the password.</p>
      <form onSubmit={make}>
        <Field label="Name">
          <input value={name} required maxLength="32" pattern="[A-Za-z0-9._\-]+" autocomplete="username" onInput={(event) => setName(event.currentTarget.value)} />
        </Field>
        <Field label="Password" hint={`${SHORTEST} to 64 characters.`}>
          <input type="password" value={password} required maxLength="64" autocomplete="new-password" onInput={(event) => setPassword(event.currentTarget.value)} />
        </Field>
        <Field label="Password, again">
          <input type="password" value={again} required maxLength="64" autocomplete="new-password" onInput={(event) => setAgain(event.currentTarget.value)} />
        </Field>
        {trouble && (
          <p class="trouble" role="alert">
            {trouble}
          </p>
        )}
        <button class="strong">Make the account</button>
        <p class="quiet">Then your browser asks for this name and password.</p>
      </form>
    </main>
  );
}
