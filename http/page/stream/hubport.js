// The way from a page to the hub that it shares with others, best first.

import { Hub } from "./hub.js";
import { elect } from "./election.js";

/**
 * @typedef {object} HubPort
 * @property {"shared worker" | "election" | "own"} name
 * @property {MessagePort} port for a session
 * @property {() => void} gone says that the page goes away
 */

const WORKER = new URL("hubworker.js", import.meta.url);

/**
 * Open a way to a hub; ``failed`` ways are left out.
 * @param {ReadonlySet<HubPort["name"]>} failed
 * @returns {HubPort}
 */
export function openHub(failed) {
  if (!failed.has("shared worker") && typeof SharedWorker === "function") {
    try {
      // The name keeps pages of another version of these messages apart.
      const worker = new SharedWorker(WORKER, { type: "module", name: "webcapd 1" });
      const { port1, port2 } = new MessageChannel();
      worker.port.start();
      worker.port.postMessage({ member: port1 }, [port1]);
      const gone = () => worker.port.postMessage({ gone: true });
      return { name: "shared worker", port: port2, gone };
    } catch {
      // Some browsers forbid it, as they do cookies.
    }
  }
  if (!failed.has("election") && typeof BroadcastChannel === "function") {
    return { name: "election", ...elect(WORKER.pathname) };
  }
  return { name: "own", port: portOf(new Hub()), gone: () => {} };
}

/**
 * Give a port to a hub in this very page.
 * @param {Hub} hub
 * @returns {MessagePort}
 */
export function portOf(hub) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => hub.take(port1, data);
  return port2;
}
