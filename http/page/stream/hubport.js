// The way from a page to the hub that it shares with others, best first.

import { Hub } from "./hub.js";
import { elect } from "./election.js";

/** @typedef {{ name: "shared worker" | "election" | "own", port: MessagePort }} HubPort */

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
      return { name: "shared worker", port: worker.port };
    } catch {
      // Some browsers forbid it, as they do cookies.
    }
  }
  if (!failed.has("election") && typeof BroadcastChannel === "function") {
    return { name: "election", port: elect(WORKER.pathname) };
  }
  return { name: "own", port: portOf(new Hub()) };
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
