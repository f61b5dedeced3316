// A screen for browsers that cannot show updates: an image stream, or one snapshot after the other.
//
// A stream that ends raises no event in a browser, so beside it the server is asked whether there
// is a picture and whether we may see it; when that comes back, so does the stream.

import { UNREACHABLE } from "./answer.js";
import { judge } from "./truth.js";

/** @import { Facts, Verdict } from "./truth.js" */

const TICK_MS = 500;
const ASK_MS = 2000;
const ANSWER_MS = 3000;
/** Wrong tokens count as guesses. */
const DENIED_MS = 60_000;
const LOAD_MS = 8000;

export class PlainScreen {
  element = document.createElement("div");
  canvas = document.createElement("img");
  width = 0;
  height = 0;
  name = "";
  bytes = 0;
  updates = 0;
  /** @type {Verdict} */
  verdict;
  via = "own";
  isInWorker = false;
  onChange = () => {};
  #address;
  #bySnapshots;
  /** @type {Facts} */
  #facts = {
    proven: 0,
    shown: false,
    heard: Date.now(),
    changed: Date.now(),
    lag: 0,
    link: null,
    display: null,
    paused: null,
    hidden: null,
    began: Date.now(),
  };
  #isClosed = false;
  #sequence = "";
  #timer;
  #next = 0;
  #isAsking = false;

  /**
   * @param {string} address of the stream, absolute
   * @param {boolean} bySnapshots
   */
  constructor(address, bySnapshots) {
    this.#address = address;
    this.#bySnapshots = bySnapshots;
    this.element.className = "screen";
    this.canvas.draggable = false;
    this.element.append(this.canvas);
    this.verdict = judge(this.#facts, Date.now());
    this.canvas.addEventListener("error", () => this.#onError());
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.show(address);
  }

  get way() {
    return this.#bySnapshots ? "snapshots" : "image stream";
  }

  get age() {
    return Date.now() - this.#facts.heard;
  }

  get isPaused() {
    return this.#facts.paused !== null;
  }

  /** @param {string} address */
  show(address) {
    this.#address = address;
    this.#sequence = "";
    this.#facts.proven = 0;
    this.#facts.began = this.#facts.heard = Date.now();
    if (!this.#bySnapshots && !this.isPaused) this.#load();
    this.retry();
  }

  togglePause() {
    this.#facts.paused = this.isPaused ? null : Date.now();
    if (!this.isPaused) this.show(this.#address);
  }

  retry() {
    this.#next = 0;
    this.#tick();
  }

  close() {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.canvas.src = "";
    this.element.remove();
  }

  #load() {
    this.canvas.src = `${this.#address}&again=${Date.now()}`;
  }

  #onError() {
    // What shows no stream may show snapshots.
    if (this.#facts.link?.state === "open") this.#bySnapshots = true;
    this.#facts.proven = 0;
  }

  #tick() {
    const now = Date.now();
    this.#measure();
    const isHidden = document.hidden;
    if (isHidden !== (this.#facts.hidden !== null)) {
      this.#facts.hidden = isHidden ? now : null;
      if (isHidden && !this.#bySnapshots) this.canvas.removeAttribute("src");
      else if (!isHidden) return this.show(this.#address);
    }
    const isIdle = this.isPaused || isHidden || this.#isAsking || now < this.#next;
    if (!isIdle && !this.#isClosed) this.#ask();
    this.#judge();
  }

  #measure() {
    const { naturalWidth, naturalHeight } = this.canvas;
    const facts = this.#facts;
    const hasBegun = naturalWidth > 0 && facts.link?.state === "open";
    if (hasBegun && !this.#bySnapshots) {
      facts.proven = facts.heard;
      facts.shown = true;
    }
    if (!this.#bySnapshots && !hasBegun && Date.now() - facts.began > LOAD_MS) this.#onError();
    if (!naturalWidth || (naturalWidth === this.width && naturalHeight === this.height)) return;
    this.width = naturalWidth;
    this.height = naturalHeight;
    this.element.style.width = `${naturalWidth}px`;
    this.element.style.height = `${naturalHeight}px`;
  }

  #judge() {
    if (this.#isClosed) return;
    const now = Date.now();
    const heard = this.#heard;
    const proven = this.#facts.proven ? heard : 0;
    // Nobody is told when an image stream shows another picture: it is never said to rest.
    const changed = this.#bySnapshots ? this.#facts.changed : now;
    this.verdict = judge({ ...this.#facts, heard, proven, changed }, now);
    this.onChange();
  }

  /** It is asked each two seconds only, and answers may take a while. */
  get #heard() {
    return this.#facts.heard + (this.#facts.link?.state === "open" ? ASK_MS : 0);
  }

  async #ask() {
    this.#isAsking = true;
    let pause = this.#bySnapshots ? 0 : ASK_MS;
    try {
      const response = await fetch(this.#question(), {
        method: this.#bySnapshots ? "GET" : "HEAD",
        cache: "no-store",
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (response.status === 401 || response.status === 403) pause = DENIED_MS;
      await this.#take(response);
    } catch {
      this.#down(UNREACHABLE, Date.now() + ASK_MS);
      pause = ASK_MS;
    }
    this.#next = Date.now() + pause;
    this.#isAsking = false;
  }

  #question() {
    const address = this.#address.replace("?stream", "?snapshot");
    if (!this.#bySnapshots) return `${address}&max_age=5`;
    return this.#sequence ? `${address}&after=${this.#sequence}&timeout=1` : address;
  }

  /** @param {Response} response */
  async #take(response) {
    const facts = this.#facts;
    if (response.status >= 400) return this.#refused(response);
    const wasDown = facts.link?.state === "down";
    facts.heard = Date.now();
    facts.display = { state: "live", reason: null, since: null };
    facts.link = { state: "open", way: "polling", reason: "", status: 0, isUnreadable: false, since: facts.heard, retryAt: null };
    if (this.#bySnapshots) await this.#paint(response);
    else if (wasDown) this.#load();
  }

  /** @param {Response} response a snapshot, or none if nothing has changed */
  async #paint(response) {
    this.#sequence = response.headers.get("X-Sequence") ?? this.#sequence;
    if (response.status === 200) {
      const picture = await response.blob();
      const before = this.canvas.src;
      this.canvas.src = URL.createObjectURL(picture);
      await this.canvas.decode();
      if (before) URL.revokeObjectURL(before);
      this.bytes += picture.size;
      this.updates++;
      this.#facts.changed = Date.now();
    }
    this.#facts.proven = this.#facts.heard;
    this.#facts.shown = true;
  }

  /** @param {Response} response */
  async #refused(response) {
    const isText = response.headers.get("Content-Type")?.startsWith("text/plain");
    // An answer to HEAD has no text.
    const line = isText ? (await response.text()).trim().slice(0, 200) : "";
    const isDenied = response.status === 401 || response.status === 403;
    const usual = isDenied ? "There is no permission to look." : "The server gives no picture.";
    this.#down(line || usual, Date.now() + (isDenied ? DENIED_MS : ASK_MS), response.status);
  }

  /**
   * @param {string} reason
   * @param {number} retryAt
   * @param {number} [status]
   */
  #down(reason, retryAt, status = 0) {
    const { link } = this.#facts;
    const since = link?.state === "down" ? link.since : Date.now();
    this.#facts.proven = 0;
    this.#facts.link = { state: "down", way: "polling", reason, status, isUnreadable: false, since, retryAt };
  }
}
