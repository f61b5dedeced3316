// The hub in a SharedWorker: one for all tabs of a browser.

import { Hub } from "./hub.js";

const hub = new Hub();

self.addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  port.addEventListener("message", ({ data }) => hub.take(port, data));
  // Where browsers tell that a tab is gone; else it is found as it takes nothing more.
  port.addEventListener("close", () => hub.leave(port));
  port.start();
});
