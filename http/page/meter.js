// The small meter in the menu: frames and bytes a second, age, and how the picture comes here.

import { byId, set } from "./dom.js";

/** @import { Watch } from "./watch.js" */

/** Rates are over so long. */
const WINDOW_MS = 3000;

/** @type {Record<string, string>} */
const VIA = {
  "shared worker": "one connection for all tabs",
  election: "one tab reads for all",
  own: "a connection of its own",
};

/** @type {Record<string, string>} */
const WAYS = {
  stream: "updates, as a stream",
  polling: "updates, one by one",
  cache: "out of caches, one state after the other",
  "image stream": "image stream (cannot tell whether it stands still)",
  snapshots: "snapshots, one by one",
  video: "video of all of it",
};

export class Meter {
  #watch;
  /** @type {{ time: number, bytes: number, updates: number }[]} */
  #samples = [];

  /** @param {Watch} watch */
  constructor(watch) {
    this.#watch = watch;
  }

  /** @param {boolean} isVisible */
  update(isVisible) {
    const { bytes, updates } = this.#watch.screen;
    const time = Date.now();
    this.#samples.push({ time, bytes, updates });
    while (this.#samples.length > 2 && time - this.#samples[1].time >= WINDOW_MS) {
      this.#samples.shift();
    }
    if (isVisible) this.#show(this.#samples[0], { time, bytes, updates });
  }

  /**
   * @param {{ time: number, bytes: number, updates: number }} from
   * @param {{ time: number, bytes: number, updates: number }} to
   */
  #show(from, to) {
    const { screen, view } = this.#watch;
    const seconds = Math.max(0.25, (to.time - from.time) / 1000);
    const knowsFrames = screen.way !== "image stream";
    const rate = (/** @type {number} */ sum) => (sum / seconds).toFixed(1);
    set(byId("meter-frames"), knowsFrames ? `${rate(to.updates - from.updates)} a second` : "–");
    set(byId("meter-bytes"), knowsFrames ? `${rate((to.bytes - from.bytes) / 1024)} KB/s` : "–");
    set(byId("meter-age"), `${(Math.max(0, screen.age) / 1000).toFixed(1)} s`);
    const zoom = Math.round(100 * view.scale * devicePixelRatio);
    set(byId("meter-size"), `${screen.width} × ${screen.height}, shown at ${zoom} %`);
    const where = screen.isInWorker ? ", painted by a worker" : "";
    const isShared = ["stream", "polling", "cache"].includes(screen.way);
    const video = "asksForVideo" in screen && screen.asksForVideo ? ", video where it moves" : "";
    const via = isShared ? `, ${VIA[screen.via]}${where}` : "";
    set(byId("meter-way"), `${WAYS[screen.way]}${video}${via}`);
  }
}
