// What connections have in common, whatever they read: what pages are told, and when it is tried again.

import { Ended, sentenceOf } from "./answer.js";
import { UpdateError } from "./framing.js";

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

/** Wrong tokens count as guesses, and ten a minute lock the whole address out. */
const DENIED_RETRY_MS = [60_000, 120_000, 300_000];

export class RetryingConnection {
  /** @type {Link} */
  link;
  /** Ends the request that runs, or the pause before the next. */
  abort = new AbortController();
  isStopped = false;
  #failures = 0;
  #pauses;
  #onLink;

  /**
   * @param {Link["way"]} way
   * @param {number[]} pauses before the tries that follow failures, in ms
   * @param {(link: Link) => void} onLink
   */
  constructor(way, pauses, onLink) {
    const since = Date.now();
    this.link = { state: "connecting", way, reason: "", status: 0, isUnreadable: false, since, retryAt: null };
    this.#pauses = pauses;
    this.#onLink = onLink;
  }

  stop() {
    this.isStopped = true;
    this.abort.abort();
  }

  /** @param {Partial<Link>} change */
  tell(change) {
    this.link = { ...this.link, ...change };
    this.#onLink(this.link);
  }

  opened() {
    this.#failures = 0;
    if (this.link.state !== "open") this.tell({ state: "open", since: Date.now(), retryAt: null });
  }

  /**
   * Tell why it ended; gives how long to wait.
   * @param {unknown} error
   * @returns {number}
   */
  fail(error) {
    const ended = error instanceof Ended ? error : new Ended(sentenceOf(error));
    const { message: reason, status, retryAfter } = ended;
    const pauses = status === 401 || status === 403 ? DENIED_RETRY_MS : this.#pauses;
    const usual = pauses[Math.min(this.#failures++, pauses.length - 1)];
    const pause = Math.max(usual, retryAfter) * (0.9 + 0.2 * Math.random());
    const isUnreadable = error instanceof UpdateError;
    const since = this.link.state === "down" ? this.link.since : Date.now();
    this.tell({ state: "down", reason, status, isUnreadable, since, retryAt: Date.now() + pause });
    return pause;
  }

  /**
   * Wait; ends early when somebody aborts.
   * @param {number} ms
   * @param {AbortSignal} [signal] of what runs; without, nothing does
   * @returns {Promise<void>}
   */
  wait(ms, signal = (this.abort = new AbortController()).signal) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
