// What screens have in common whose picture says nothing of itself: the server is asked instead.
//
// An image stream or a video that ends, or of which nothing comes at rest, raises no event in a
// browser.  So beside it the server is asked whether there is a picture and whether we may see it;
// when that comes back, so does the picture.

import { UNREACHABLE } from "./answer.js";
import { judge, noFacts } from "./truth.js";

/** @import { Verdict } from "./truth.js" */

const TICK_MS = 500;
const ASK_MS = 2000;
const ANSWER_MS = 3000;
/** Wrong tokens count as guesses. */
const DENIED_MS = 60_000;

/** Those that derive from it say how a picture is loaded, and call start() once they are made. */
export class AskedScreen {
  element = document.createElement("div");
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
  /** Called when the picture cannot be shown in this way: with a sentence why. */
  /** @type {(sentence: string) => void} */
  onGiveUp = () => {};
  facts = noFacts();
  isClosed = false;
  address;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #next = 0;
  #isAsking = false;

  /**
   * @param {string} address of the picture, absolute
   * @param {HTMLElement} canvas what shows it
   */
  constructor(address, canvas) {
    this.address = address;
    this.element.className = "screen";
    this.element.append(canvas);
    this.verdict = judge(this.facts, Date.now());
  }

  /** Begin to load the picture. */
  load() {}

  /** Let the picture go. */
  unload() {}

  /** See whether there is a picture, and which size it has. */
  measure() {}

  /** Whether it is known when the picture changed last. */
  get knowsChanges() {
    return true;
  }

  /**
   * Give what the server is asked, and how long it is waited before the next time, in ms.
   * @returns {{ address: string, method: string, pause: number }}
   */
  question() {
    return { address: this.snapshotAddress("max_age=5"), method: "HEAD", pause: ASK_MS };
  }

  /**
   * Take an answer with a picture, or none if nothing has changed.
   * @param {Response} response
   */
  async answered(response) {
    void response;
  }

  start() {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.show(this.address);
  }

  get age() {
    return Date.now() - this.facts.heard;
  }

  get isPaused() {
    return this.facts.paused !== null;
  }

  /** @param {string} address */
  show(address) {
    this.address = address;
    this.facts.proven = 0;
    this.facts.began = this.facts.heard = Date.now();
    if (!this.isPaused) this.load();
    this.retry();
  }

  togglePause() {
    this.facts.paused = this.isPaused ? null : Date.now();
    if (this.isPaused) this.paused();
    else this.show(this.address);
  }

  /** Do what there is to do when the picture is to be held. */
  paused() {}

  retry() {
    this.#next = 0;
    this.#tick();
  }

  close() {
    this.isClosed = true;
    clearInterval(this.#timer);
    this.unload();
    this.element.remove();
  }

  /**
   * Give the address of a snapshot in the form of the picture.
   * @param {string} more parameters
   */
  snapshotAddress(more) {
    const address = this.address.replace(/\?\w+/, "?snapshot");
    return more ? `${address}&${more}` : address;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (!width || (width === this.width && height === this.height)) return;
    this.width = width;
    this.height = height;
    this.element.style.width = `${width}px`;
    this.element.style.height = `${height}px`;
  }

  #tick() {
    const now = Date.now();
    this.measure();
    const isHidden = document.hidden;
    if (isHidden !== (this.facts.hidden !== null)) {
      this.facts.hidden = isHidden ? now : null;
      if (isHidden) this.unload();
      else return this.show(this.address);
    }
    const isIdle = this.isPaused || isHidden || this.#isAsking || now < this.#next;
    if (!isIdle && !this.isClosed) this.#ask();
    this.#judge();
  }

  #judge() {
    if (this.isClosed) return;
    const now = Date.now();
    // It is asked each two seconds only, and answers may take a while.
    const heard = this.facts.heard + (this.facts.link?.state === "open" ? ASK_MS : 0);
    const proven = this.facts.proven ? heard : 0;
    const changed = this.knowsChanges ? this.facts.changed : now;
    this.verdict = judge({ ...this.facts, heard, proven, changed }, now);
    this.onChange();
  }

  async #ask() {
    this.#isAsking = true;
    const { address, method, pause } = this.question();
    let isDenied = false;
    let wait = pause;
    try {
      const response = await fetch(address, {
        method,
        cache: "no-store",
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      isDenied = response.status === 401 || response.status === 403;
      await this.#take(response);
    } catch {
      this.#down(UNREACHABLE, Date.now() + ASK_MS);
      wait = ASK_MS;
    }
    this.#next = Date.now() + (isDenied ? DENIED_MS : wait);
    this.#isAsking = false;
  }

  /** @param {Response} response */
  async #take(response) {
    const { facts } = this;
    if (response.status >= 400) return this.#refused(response);
    const wasDown = facts.link?.state === "down";
    const now = (facts.heard = Date.now());
    facts.display = { state: "live", reason: null, since: null };
    facts.link = { state: "open", way: "polling", reason: "", status: 0, isUnreadable: false, since: now, retryAt: null };
    if (wasDown) this.load();
    if (!this.name) this.#askName();
    await this.answered(response);
  }

  /** Ask for what no picture says; without an answer, again beside the next picture. */
  async #askName() {
    try {
      const response = await fetch(this.address.replace(/\?\w+/, "?info"), {
        cache: "no-store",
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (response.ok) this.name = (await response.json()).name;
    } catch {
      // The picture matters, and says itself what is wrong.
    }
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
    const { link } = this.facts;
    const since = link?.state === "down" ? link.since : Date.now();
    this.facts.proven = 0;
    this.facts.link = { state: "down", way: "polling", reason, status, isUnreadable: false, since, retryAt };
  }
}
