// The connection to one stream of updates: opened again whenever it ends, and why it ended.
//
// It reads a stream as long as what arrives is fresh.  Where that lags, or nothing comes at all (a
// proxy that holds answers back), it asks for one update after the other instead.

import { Framing, UpdateError } from "./framing.js";
import { recordsOf } from "./records.js";
import { Groups } from "../cache/groups.js";
import { filled } from "../cache/manifest.js";
import { Lag } from "./lag.js";
import { ENDS, Ended, SilenceWatch, checkAnswer, sentenceOf } from "./answer.js";

/**
 * The state of a connection, as pages are told it; times in ms since 1970.
 * @typedef {object} Link
 * @property {"connecting" | "open" | "down"} state
 * @property {"stream" | "polling" | "cache"} way
 * @property {string} reason one sentence, if it is down
 * @property {boolean} isUnreadable whether that is that the stream breaks its own rules
 * @property {number} status HTTP's, if the server has refused; else 0
 * @property {number} since
 * @property {number | null} retryAt
 */

/** What a stream sends at least, in seconds: asked for, so that silence says something. */
const KEEPALIVE = 1;
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];
/** Wrong tokens count as guesses, and ten a minute lock the whole address out. */
const DENIED_RETRY_MS = [60_000, 120_000, 300_000];
/** How long polling goes on before a stream is tried again. */
const POLLING_MS = [10_000, 60_000, 300_000];

export class Connection {
  #address;
  #onBlock;
  #onLink;
  /** @type {Link} */
  link = {
    state: "connecting",
    way: "stream",
    reason: "",
    status: 0,
    isUnreadable: false,
    since: Date.now(),
    retryAt: null,
  };
  /** Ends the request that runs, or the pause before the next. */
  #abort = new AbortController();
  #stopped = false;
  #failures = 0;
  #polls = 0;
  #pollUntil = 0;
  #isHeld = false;
  #lag = new Lag();
  /** Whether there has been a whole picture that this response continues. */
  #isWhole = false;
  /** The state that all readers have whole, as ``after=`` wants it; empty if none. */
  #after = "";
  #run = "";
  /** Whether the request was ended by us, to begin another. */
  #again = false;
  /** Whether the stream has names of groups in place of pixels: such there are no single ones of. */
  #hasNames;

  /**
   * @param {string} address of updates, absolute
   * @param {(block: Uint8Array, begins: boolean) => Promise<void>} onBlock takes whole records, and
   *   whether a response begins with them; settles when they have been painted
   * @param {(link: Link) => void} onLink
   */
  constructor(address, onBlock, onLink) {
    this.#address = address;
    this.#hasNames = new URL(address).searchParams.get("tiles") === "names";
    this.#onBlock = onBlock;
    this.#onLink = onLink;
    this.#loop();
  }

  stop() {
    this.#stopped = true;
    this.#abort.abort();
  }

  /** Begin anew, with the whole picture, or without the pause that is left. */
  restart() {
    this.#after = "";
    this.retry();
  }

  retry() {
    this.#again = true;
    this.#abort.abort();
  }

  async #loop() {
    while (!this.#stopped) {
      this.#abort = new AbortController();
      this.#again = false;
      let pause = 0;
      try {
        await this.#request(this.#abort);
      } catch (error) {
        if (!this.#again && !this.#stopped) pause = this.#fail(error);
      }
      if (pause && !this.#stopped) await this.#wait(pause);
    }
  }

  /**
   * Tell why it ended; gives how long to wait.
   * @param {unknown} error
   * @returns {number}
   */
  #fail(error) {
    const ended = error instanceof Ended ? error : new Ended(sentenceOf(error));
    const denied = ended.status === 401 || ended.status === 403;
    const pauses = denied ? DENIED_RETRY_MS : RETRY_MS;
    const usual = pauses[Math.min(this.#failures, pauses.length - 1)];
    const pause = Math.max(usual, ended.retryAfter) * (0.9 + 0.2 * Math.random());
    const isUnreadable = error instanceof UpdateError;
    if (isUnreadable) this.#after = "";
    this.#failures++;
    const since = this.link.state === "down" ? this.link.since : Date.now();
    const { message: reason, status } = ended;
    this.#tell({ state: "down", reason, status, isUnreadable, since, retryAt: Date.now() + pause });
    return pause;
  }

  /**
   * Wait; ends early when somebody asks to retry.
   * @param {number} ms
   * @returns {Promise<void>}
   */
  #wait(ms) {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** @param {Partial<Link>} change */
  #tell(change) {
    this.link = { ...this.link, ...change };
    this.#onLink(this.link);
  }

  #opened() {
    this.#failures = 0;
    if (this.link.state !== "open") this.#tell({ state: "open", since: Date.now(), retryAt: null });
  }

  /**
   * Make one request and read all of its answer.
   * @param {AbortController} abort
   */
  async #request(abort) {
    const polling = (this.#isHeld || Date.now() < this.#pollUntil) && !this.#hasNames;
    const way = polling ? "polling" : "stream";
    if (this.link.way !== way) this.#tell({ way });
    const watch = new SilenceWatch(abort);
    try {
      const once = polling ? "&once=1" : "";
      const after = this.#after && `&after=${this.#after}`;
      const address = `${this.#address}&keepalive=${KEEPALIVE}${once}${after}`;
      const response = await fetch(address, { cache: "no-store", signal: abort.signal });
      await checkAnswer(response);
      const groups = this.#hasNames ? new Groups(this.#address, abort.signal) : null;
      await this.#read(response, polling, watch, groups);
    } catch (error) {
      // Something on the way holds the stream back: it would again.
      if (watch.isSilent && !watch.bytes && !polling) this.#isHeld = true;
      throw watch.isSilent ? new Ended("No word came from the server.") : error;
    } finally {
      watch.end();
      abort.abort();
    }
  }

  /**
   * @param {Response} response
   * @param {boolean} polling
   * @param {SilenceWatch} watch
   * @param {Groups | null} groups
   */
  async #read(response, polling, watch, groups) {
    if (!response.body) throw new Ended("This browser cannot read streams.");
    const reader = response.body.getReader();
    const framing = new Framing();
    let end = "";
    let begins = true;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      watch.feed(value.length);
      const block = framing.take(value);
      if (!block.length) continue;
      end = this.#note(block) || end;
      this.#opened();
      const isFirst = begins;
      begins = false;
      const whole = groups ? await filled(block, (names) => groups.get(names)) : block;
      const taken = this.#onBlock(whole, isFirst).then(() => this.#measure(block));
      // Streams are not held up: who cannot follow is found by its lag.
      if (polling) await taken;
      else if (this.#lag.isHigh(Date.now())) return this.#poll();
    }
    if (end !== "once") {
      throw new Ended(ENDS[end] ?? "The connection was cut.", end === "revoked" ? 401 : 0);
    }
    // Back to the stream only from answers that are fresh.
    const now = Date.now();
    if (!this.#lag.isLow(now)) this.#pollUntil = Math.max(this.#pollUntil, now + 1000);
  }

  /** Ask for one update after the other, for a while. */
  #poll() {
    const pause = POLLING_MS[Math.min(this.#polls++, POLLING_MS.length - 1)];
    this.#pollUntil = Date.now() + pause;
    this.#lag.restart();
  }

  /**
   * Note which state readers have after a block; gives the reason of the end, if it is there.
   * @param {Uint8Array} block
   */
  #note(block) {
    let end = "";
    for (const record of recordsOf(block)) {
      if (record.kind === "W") this.#run = record.hello.run;
      else if (record.kind === "E") {
        this.#after = record.partial ? "" : `${this.#run}-${record.number}`;
      } else if (record.kind === "G") this.#after = "";
      else if (record.kind === "X") end = record.reason;
    }
    return end;
  }

  /** @param {Uint8Array} block */
  #measure(block) {
    for (const record of recordsOf(block)) {
      if (record.kind === "W") this.#isWhole &&= record.hello.after !== undefined;
      if (record.kind === "k") this.#lag.take(record.now, Date.now());
      if (record.kind !== "E") continue;
      // The first whole picture may be of long ago, when the screen came to rest.
      if (this.#isWhole) this.#lag.take(record.captured, Date.now());
      this.#isWhole ||= !record.partial;
    }
  }
}
