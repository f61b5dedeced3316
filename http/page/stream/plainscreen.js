// A screen for browsers that cannot show updates: an image stream, or one snapshot after the other.

import { AskedScreen } from "./askedscreen.js";

const LOAD_MS = 8000;

export class PlainScreen extends AskedScreen {
  canvas;
  #bySnapshots;
  #sequence = "";

  /**
   * @param {string} address of the stream, absolute
   * @param {boolean} bySnapshots
   */
  constructor(address, bySnapshots) {
    const canvas = document.createElement("img");
    super(address, canvas);
    this.canvas = canvas;
    this.canvas.draggable = false;
    this.#bySnapshots = bySnapshots;
    this.canvas.addEventListener("error", () => this.#onError());
    this.start();
  }

  get way() {
    return this.#bySnapshots ? "snapshots" : "image stream";
  }

  /** Nobody is told when an image stream shows another picture: it is never said to rest. */
  get knowsChanges() {
    return this.#bySnapshots;
  }

  load() {
    this.#sequence = "";
    if (!this.#bySnapshots) this.canvas.src = `${this.address}&again=${Date.now()}`;
  }

  unload() {
    if (!this.#bySnapshots || this.isClosed) this.canvas.removeAttribute("src");
  }

  #onError() {
    // What shows no stream may show snapshots.
    if (this.facts.link?.state === "open") this.#bySnapshots = true;
    this.facts.proven = 0;
  }

  measure() {
    const { naturalWidth, naturalHeight } = this.canvas;
    const { facts } = this;
    const hasBegun = naturalWidth > 0 && facts.link?.state === "open";
    if (hasBegun && !this.#bySnapshots) {
      facts.proven = facts.heard;
      facts.shown = true;
    }
    if (!this.#bySnapshots && !hasBegun && Date.now() - facts.began > LOAD_MS) this.#onError();
    this.resize(naturalWidth, naturalHeight);
  }

  question() {
    if (!this.#bySnapshots) return super.question();
    const after = this.#sequence ? `after=${this.#sequence}&timeout=1` : "";
    return { address: this.snapshotAddress(after), method: "GET", pause: 0 };
  }

  /** @param {Response} response a snapshot, or none if nothing has changed */
  async answered(response) {
    if (!this.#bySnapshots) return;
    this.#sequence = response.headers.get("X-Sequence") ?? this.#sequence;
    if (response.status === 200) {
      const picture = await response.blob();
      const before = this.canvas.src;
      this.canvas.src = URL.createObjectURL(picture);
      await this.canvas.decode();
      if (before) URL.revokeObjectURL(before);
      this.bytes += picture.size;
      this.updates++;
      this.facts.changed = Date.now();
    }
    this.facts.proven = this.facts.heard;
    this.facts.shown = true;
  }
}
