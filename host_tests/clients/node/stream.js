// An event stream as CamStreamerLib 4 opens it, of the library `ws`: credentials in the clear
// first, then Digest from the challenge, no algorithm, one filter for a topic, pings.
// node stream.js URL USER PASSWORD TOPIC; prints the first messages as JSON, and which extensions
// were offered and taken.
"use strict";

const crypto = require("crypto");
const WebSocket = require("ws");
const [base, user, password, topic] = process.argv.slice(2);
const uri = "/vapix/ws-data-stream?sources=events";
const md5 = (text) => crypto.createHash("md5").update(text).digest("hex");

function open(authorization) {
  const options = { headers: { Authorization: authorization }, rejectUnauthorized: false };
  const socket = new WebSocket(base.replace(/^http/, "ws") + uri, options);
  socket.on("unexpected-response", (request, answer) => {
    if (answer.statusCode !== 401 || authorization.startsWith("Digest")) {
      console.error("refused with", answer.statusCode);
      process.exit(1);
    }
    const all = [].concat(answer.headers["www-authenticate"]).join(", ");
    const part = (name) => all.match(new RegExp(`${name}="([^"]*)"`))[1];
    const ha1 = md5(`${user}:${part("realm")}:${password}`);
    const ha2 = md5(`GET:${uri}`);
    const cnonce = crypto.randomBytes(8).toString("hex");
    const response = md5(`${ha1}:${part("nonce")}:00000001:${cnonce}:auth:${ha2}`);
    open(
      `Digest username="${user}",realm="${part("realm")}",nonce="${part("nonce")}",uri="${uri}",` +
        `cnonce="${cnonce}",nc=00000001,qop=auth,response="${response}"`,
    );
  });
  socket.on("error", (error) => {
    console.error(error);
    process.exit(1);
  });
  socket.on("open", () => {
    const eventFilterList = [{ topicFilter: topic, contentFilter: "" }];
    const call = { apiVersion: "1.0", context: "c", method: "events:configure" };
    socket.send(JSON.stringify({ ...call, params: { eventFilterList } }));
    socket.ping();
  });
  const extensions = {};
  socket.on("upgrade", (answer) => {
    extensions.offered = socket._req.getHeader("sec-websocket-extensions");
    extensions.taken = answer.headers["sec-websocket-extensions"] || null;
  });
  const got = [];
  let pong = false;
  const look = () => {
    if (got.length < 2 || !pong) return;
    console.log(JSON.stringify([...got, extensions]));
    process.exit(0);
  };
  socket.on("pong", () => {
    pong = true;
    look();
  });
  socket.on("message", (data) => {
    got.push(JSON.parse(data));
    look();
  });
}

open("Basic " + Buffer.from(`${user}:${password}`).toString("base64"));
