// The connection to one stream of updates: opened again whenever it ends, and why it ended.
//
// It reads a stream as long as what arrives is fresh.  Where that lags, or nothing comes at all (a
// proxy that holds answers back), it asks for one update after the other instead.

import { Framing, UpdateError } from "./framing.js";
import { recordsOf } from "./records.js";
import { Groups } from "../cache/groups.js";
import { filled } from "../cache/manifest.js";
import { Lag } from "./lag.js";
import { ENDS, Ended, SILENT, SilenceWatch, checkAnswer } from "./answer.js";
import { RetryingConnection } from "./retrying.js";

/** What a stream sends at least, in seconds: asked for, so that silence says something. */
const KEEPALIVE = 1;
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];
/** How long polling goes on before a stream is tried again. */
const POLLING_MS = [10_000, 60_000, 300_000];

/** @import { Link } from "./retrying.js" */

export class Connection extends RetryingConnection {
  #address;
  #onBlock;
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
    super("stream", RETRY_MS, onLink);
    this.#address = address;
    this.#hasNames = new URL(address).searchParams.get("tiles") === "names";
    this.#onBlock = onBlock;
    this.#loop();
  }

  /** Begin anew, with the whole picture, or without the pause that is left. */
  restart() {
    this.#after = "";
    this.retry();
  }

  retry() {
    this.#again = true;
    this.abort.abort();
  }

  async #loop() {
    while (!this.isStopped) {
      this.abort = new AbortController();
      this.#again = false;
      let pause = 0;
      try {
        await this.#request(this.abort);
      } catch (error) {
        if (error instanceof UpdateError) this.#after = "";
        if (!this.#again && !this.isStopped) pause = this.fail(error);
      }
      if (pause && !this.isStopped) await this.wait(pause);
    }
  }

  /**
   * Make one request and read all of its answer.
   * @param {AbortController} abort
   */
  async #request(abort) {
    const polling = (this.#isHeld || Date.now() < this.#pollUntil) && !this.#hasNames;
    const way = polling ? "polling" : "stream";
    if (this.link.way !== way) this.tell({ way });
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
      throw watch.isSilent ? new Ended(SILENT) : error;
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
      this.opened();
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
