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
  for (const [name, open] of WAYS) {
    if (failed.has(name)) continue;
    try {
      return { name, ...open() };
    } catch {
      // There is none, or it is forbidden, as cookies are, in frames of other sites' pages.
    }
  }
  return { name: "own", port: portOf(new Hub()), gone: () => {} };
}

/** @returns {Pick<HubPort, "port" | "gone">} */
function shared() {
  // The name keeps pages of another version of these messages apart.
  const worker = new SharedWorker(WORKER, { type: "module", name: "webcapd 1" });
  const { port1, port2 } = new MessageChannel();
  worker.port.start();
  worker.port.postMessage({ member: port1 }, [port1]);
  return { port: port2, gone: () => worker.port.postMessage({ gone: true }) };
}

/** @type {[HubPort["name"], () => Pick<HubPort, "port" | "gone">][]} */
const WAYS = [
  ["shared worker", shared],
  ["election", () => elect(WORKER.pathname)],
];

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
