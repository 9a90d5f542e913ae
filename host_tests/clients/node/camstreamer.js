// CamStreamerLib against a module: node camstreamer.js HOST PORT USER PASSWORD
// Its own calls, one after the other and then at once; prints what they gave as JSON.
"use strict";

const CameraVapix = require("camstreamerlib");
const [ip, port, user, password] = process.argv.slice(2);
const camera = new CameraVapix({ protocol: "http", ip, port, auth: `${user}:${password}` });

(async () => {
  const told = {};
  told.brand = await camera.getParameterGroup("brand");
  told.network = await camera.getParameterGroup("Network.eth0.MACAddress");
  told.set = await camera.setParameter({ "Network.UPnP.FriendlyName": "East" });
  told.on = await camera.setOutputState(5, true);
  told.isOn = await camera.getInputState(5);
  told.events = (await camera.getEventDeclarations()).includes("Heartbeat");
  const many = [1, 2, 3, 4].map(() => camera.getParameterGroup("Properties.System"));
  told.many = (await Promise.all(many)).length;
  console.log(JSON.stringify(told));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
