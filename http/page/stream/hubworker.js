// The hub in a SharedWorker: one for all tabs of a browser.
//
// A page keeps the port that it connected by; it sends one for its session, { member }, and says
// when it goes away, { gone }: its session, in a worker of its own, ends before it can.

import { Hub } from "./hub.js";

const hub = new Hub();

self.addEventListener("connect", (event) => {
  const [page] = /** @type {MessageEvent} */ (event).ports;
  /** @type {MessagePort | null} */
  let member = null;
  const leave = () => {
    if (member) hub.leave(member);
  };
  page.onmessage = ({ data }) => {
    if (data.gone) return leave();
    const port = /** @type {MessagePort} */ (data.member);
    member = port;
    port.onmessage = ({ data: message }) => hub.take(port, message);
  };
  // Some browsers tell that a tab has crashed; else it is found as it takes nothing more.
  page.addEventListener("close", leave);
});
