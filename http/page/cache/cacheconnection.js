// The screen out of HTTP caches: one manifest after the other, and the groups that they name.
//
// It gives the blocks that a stream of updates would have; docs/manifest.md says what it asks for.

import { Ended, checkAnswer, sentenceOf } from "../stream/answer.js";
import { UpdateError } from "../stream/framing.js";
import { Groups, MissingGroup, beside } from "./groups.js";
import { assembled, continues, groupsIn, manifestOf, neededOf } from "./manifest.js";

/** @import { Link } from "../stream/connection.js" */
/** @import { Held, Manifest } from "./manifest.js" */

/** A manifest is held for 5 s at most. */
const ANSWER_MS = 8000;
const RETRY_MS = [1000, 2000, 4000, 5000];
/** Wrong tokens count as guesses. */
const DENIED_RETRY_MS = 60_000;
/** An answer that is not newer is asked for again after so long, up to twice that. */
const STALE_MS = 1000;
/** Where groups come so slowly that each manifest is followed before, some picture must come. */
const MAX_SKIPPED = 3;

export class CacheConnection {
  #address;
  #onBlock;
  #onLink;
  /** @type {Link} */
  link = {
    state: "connecting",
    way: "cache",
    reason: "",
    status: 0,
    isUnreadable: false,
    since: Date.now(),
    retryAt: null,
  };
  #abort = new AbortController();
  #stopped = false;
  #failures = 0;
  /** So many manifests, one after the other, were left out for newer ones. */
  #skipped = 0;
  /** @type {Held | null} */
  #held = null;

  /**
   * @param {string} address of the way in, absolute
   * @param {(block: Uint8Array, begins: boolean) => Promise<void>} onBlock takes whole records, and
   *   whether a response begins with them; settles when they have been painted
   * @param {(link: Link) => void} onLink
   */
  constructor(address, onBlock, onLink) {
    this.#address = address;
    this.#onBlock = onBlock;
    this.#onLink = onLink;
    this.#loop();
  }

  stop() {
    this.#stopped = true;
    this.#abort.abort();
  }

  /** Begin anew, with the whole picture. */
  restart() {
    this.retry();
  }

  retry() {
    this.#abort.abort();
  }

  async #loop() {
    while (!this.#stopped) {
      this.#abort = new AbortController();
      // Groups that were read are in the picture; and who began anew has none.
      this.#held = null;
      try {
        await this.#follow(this.#abort.signal);
      } catch (error) {
        if (this.#stopped || this.#abort.signal.aborted) continue;
        await this.#wait(this.#fail(error));
      }
    }
  }

  /**
   * Follow the states of the screen, one manifest after the other.
   * @param {AbortSignal} signal
   */
  async #follow(signal) {
    const groups = new Groups(this.#address, signal);
    let next = this.#fetch(signal, null);
    while (!signal.aborted) {
      const manifest = await next;
      if (this.#isOld(manifest)) {
        await this.#wait(STALE_MS * (1 + Math.random()));
        next = this.#fetch(signal, this.#held);
        continue;
      }
      const { hello, number } = manifest;
      next = this.#fetch(signal, { run: hello.run, form: hello.form, number });
      next.catch(() => {});
      try {
        await this.#read(manifest, groups, next);
      } catch (error) {
        if (!(error instanceof MissingGroup)) throw error;
        await this.#wait(STALE_MS);
        next = this.#fetch(signal, null);
      }
    }
  }

  /**
   * Tell whether a manifest is of a state that the reader has.
   * @param {Manifest} manifest
   */
  #isOld(manifest) {
    return continues(manifest, this.#held) && manifest.number <= (this.#held?.number ?? -1);
  }

  /**
   * Fetch what a manifest names, and pass on what it says, unless a newer one comes before.
   * @param {Manifest} manifest
   * @param {Groups} groups
   * @param {Promise<Manifest>} next
   */
  async #read(manifest, groups, next) {
    const { head, tail, hello, number } = manifest;
    const needed = neededOf(manifest, this.#held);
    const fetched = groups.get(groupsIn(needed));
    const hasNewer = next.then(
      () => true,
      () => false,
    );
    if (this.#skipped < MAX_SKIPPED && (await Promise.race([fetched.then(() => false), hasNewer]))) {
      fetched.catch(() => {});
      this.#skipped++;
      return;
    }
    const found = await fetched;
    const begins = !continues(manifest, this.#held);
    const block = assembled([...head.slice(begins ? 0 : 1), ...needed, ...tail], found);
    this.#held = { run: hello.run, form: hello.form, number };
    this.#skipped = this.#failures = 0;
    if (this.link.state !== "open") this.#tell({ state: "open", since: Date.now(), retryAt: null });
    await this.#onBlock(block, begins);
  }

  /**
   * @param {AbortSignal} signal
   * @param {Held | null} held
   * @returns {Promise<Manifest>}
   */
  async #fetch(signal, held) {
    const address = held
      ? beside(this.#address, `manifest/${held.run}-${held.number}`)
      : this.#address;
    // Each state has an address of its own, so a browser's cache may keep it.
    const response = await fetch(address, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    await checkAnswer(response);
    return manifestOf(new Uint8Array(await response.arrayBuffer()));
  }

  /**
   * Tell why it ended; gives how long to wait.
   * @param {unknown} error
   * @returns {number}
   */
  #fail(error) {
    const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
    const sentence = isTimeout ? "No word came from the server." : sentenceOf(error);
    const { message: reason, status, retryAfter } = error instanceof Ended ? error : new Ended(sentence);
    const isDenied = status === 401 || status === 403;
    const usual = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
    const pause = Math.max(isDenied ? DENIED_RETRY_MS : usual, retryAfter) * (0.9 + 0.2 * Math.random());
    const since = this.link.state === "down" ? this.link.since : Date.now();
    const isUnreadable = error instanceof UpdateError;
    this.#tell({ state: "down", reason, status, isUnreadable, since, retryAt: Date.now() + pause });
    return pause;
  }

  /**
   * Wait; ends early when somebody asks to retry.
   * @param {number} ms
   * @returns {Promise<void>}
   */
  #wait(ms) {
    if (this.#abort.signal.aborted) this.#abort = new AbortController();
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
}
