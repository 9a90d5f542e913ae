// A Digest library of npm against a module: node digest.js LIBRARY URL USER PASSWORD
// Reads parameters, sets an output, reads ports; prints the statuses and the last body as JSON.
"use strict";

const [library, base, user, password] = process.argv.slice(2);
const CALLS = [
  ["GET", "/axis-cgi/param.cgi?action=list&group=Brand", null],
  [
    "POST",
    "/axis-cgi/io/portmanagement.cgi",
    '{"apiVersion":"1.0","context":"c","method":"setPorts","params":{"ports":[{"port":"4","state":"closed"}]}}',
  ],
  [
    "POST",
    "/axis-cgi/io/portmanagement.cgi",
    '{"apiVersion":"1.0","context":"c","method":"getPorts","params":{}}',
  ],
];
const JSON_TYPE = { "Content-Type": "application/json" };

function requestLike(name) {
  const request = require(name);
  return (method, url, body) =>
    new Promise((resolve, reject) => {
      const options = {
        method,
        url,
        strictSSL: false,
        auth: { user, pass: password, sendImmediately: false },
      };
      if (body) Object.assign(options, { body, headers: JSON_TYPE });
      request(options, (error, answer, text) =>
        error ? reject(error) : resolve([answer.statusCode, text]));
    });
}

const LIBRARIES = {
  request: () => requestLike("request"),
  "postman-request": () => requestLike("postman-request"),

  urllib: () => {
    const { HttpClient } = require("urllib");
    const client = new HttpClient({ connect: { rejectUnauthorized: false } });
    return async (method, url, body) => {
      const options = { method, digestAuth: `${user}:${password}`, dataType: "text" };
      if (body) Object.assign(options, { content: body, headers: JSON_TYPE });
      const answer = await client.request(url, options);
      return [answer.status, answer.data];
    };
  },

  "digest-fetch": async () => {
    const { default: DigestClient } = await import("digest-fetch");
    const client = new DigestClient(user, password);
    return async (method, url, body) => {
      const options = body ? { method, body, headers: JSON_TYPE } : { method };
      const answer = await client.fetch(url, options);
      return [answer.status, await answer.text()];
    };
  },

  "@mhoc/axios-digest-auth": () => {
    const AxiosDigestAuth = require("@mhoc/axios-digest-auth").default;
    const client = new AxiosDigestAuth({ username: user, password });
    return async (method, url, body) => {
      const options = { method, url, headers: { Accept: "*/*" } };
      if (body) Object.assign(options, { data: body, headers: { ...JSON_TYPE } });
      const answer = await client.request(options);
      const { data } = answer;
      return [answer.status, typeof data === "string" ? data : JSON.stringify(data)];
    };
  },

  needle: () => {
    const needle = require("needle");
    return async (method, url, body) => {
      const options = { auth: "digest", username: user, password, rejectUnauthorized: false };
      if (body) options.headers = JSON_TYPE;
      const answer = await needle(method.toLowerCase(), url, body, { ...options, parse: false });
      return [answer.statusCode, answer.body.toString()];
    };
  },

  // It only makes the header; the requests are Node's own.
  "@mreal/digest-auth": () => {
    const { ClientDigestAuth } = require("@mreal/digest-auth");
    const plain = (method, url, body, headers) =>
      new Promise((resolve, reject) => {
        const web = require(url.startsWith("https") ? "https" : "http");
        const options = { method, headers, rejectUnauthorized: false };
        const sent = web.request(url, options, (answer) => {
          let text = "";
          answer.on("data", (data) => (text += data));
          answer.on("end", () => resolve([answer, text]));
        });
        sent.on("error", reject);
        sent.end(body || undefined);
      });
    return async (method, url, body) => {
      const headers = body ? { ...JSON_TYPE } : {};
      const [first] = await plain(method, url, body, headers);
      const asked = ClientDigestAuth.analyze(first.headers["www-authenticate"]);
      const { pathname, search } = new URL(url);
      const how = { method, uri: pathname + search, counter: 1 };
      const made = ClientDigestAuth.generateProtectionAuth(asked, user, password, how);
      headers.Authorization = made.raw;
      const [answer, text] = await plain(method, url, body, headers);
      return [answer.statusCode, text];
    };
  },
};

(async () => {
  const call = await LIBRARIES[library]();
  const statuses = [];
  let last = "";
  for (const [method, path, body] of CALLS) {
    let status;
    try {
      [status, last] = await call(method, base + path, body);
    } catch (error) {
      status = error.response ? error.response.status : String(error);
    }
    statuses.push(status);
  }
  console.log(JSON.stringify({ statuses, last }));
  process.exit(0);
})();
