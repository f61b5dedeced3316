// The screen out of HTTP caches: one manifest after the other, and the groups that they name.
//
// It gives the blocks that a stream of updates would have; docs/manifest.md says what it asks for.

import { checkAnswer } from "../stream/answer.js";
import { RetryingConnection } from "../stream/retrying.js";
import { Groups, MissingGroup, beside } from "./groups.js";
import { assembled, continues, groupsIn, manifestOf, neededOf } from "./manifest.js";

/** @import { Link } from "../stream/retrying.js" */
/** @import { Held, Manifest } from "./manifest.js" */

/** A manifest is held for 5 s at most. */
const ANSWER_MS = 8000;
const RETRY_MS = [1000, 2000, 4000, 5000];
/** An answer that is not newer is asked for again after so long, up to twice that. */
const STALE_MS = 1000;
/** Where groups come so slowly that each manifest is followed before, some picture must come. */
const MAX_SKIPPED = 3;

export class CacheConnection extends RetryingConnection {
  #address;
  #onBlock;
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
    super("cache", RETRY_MS, onLink);
    this.#address = address;
    this.#onBlock = onBlock;
    this.#loop();
  }

  /** Begin anew, with the whole picture. */
  restart() {
    this.retry();
  }

  retry() {
    this.abort.abort();
  }

  async #loop() {
    while (!this.isStopped) {
      this.abort = new AbortController();
      // Groups that were read are in the picture; and who began anew has none.
      this.#held = null;
      try {
        await this.#follow(this.abort.signal);
      } catch (error) {
        if (this.isStopped || this.abort.signal.aborted) continue;
        await this.wait(this.fail(error));
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
        await this.wait(STALE_MS * (1 + Math.random()), signal);
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
        await this.wait(STALE_MS, signal);
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
    this.#skipped = 0;
    this.opened();
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
    const abort = new AbortController();
    const end = () => abort.abort();
    const late = new DOMException("no answer", "TimeoutError");
    const timer = setTimeout(() => abort.abort(late), ANSWER_MS);
    signal.addEventListener("abort", end);
    try {
      // Each state has an address of its own, so a browser's cache may keep it.
      // The way to the way in is the same for all: by itself it would be gone without the token.
      const response = await fetch(address, { signal: abort.signal, redirect: held ? "manual" : "follow" });
      if (response.type === "opaqueredirect") return await this.#fetch(signal, null);
      await checkAnswer(response);
      return manifestOf(new Uint8Array(await response.arrayBuffer()));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }
}
