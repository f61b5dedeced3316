// Groups of tiles, fetched by name: by few connections, each group once.

import { Ended } from "../stream/answer.js";

/** @import { GroupName } from "./manifest.js" */

/** Browsers open six to a server, and one waits for the next manifest. */
const MAX_FETCHES = 5;

/**
 * Give the address of what has no parameters, beside another; a token goes along.
 * @param {string} address
 * @param {string} path
 * @returns {string}
 */
export function beside(address, path) {
  const other = new URL(address);
  const token = other.searchParams.get("token");
  other.pathname = other.pathname.replace(/[^/]*$/, path);
  other.search = token === null ? "" : `token=${encodeURIComponent(token)}`;
  return other.href;
}

/** A group that is named is kept no more: there must be a newer manifest. */
export class MissingGroup extends Ended {
  constructor() {
    super("Parts of the picture are gone already.");
  }
}

export class Groups {
  #address;
  #signal;
  /** What has come or is under way, by its name. */
  /** @type {Map<string, Promise<Uint8Array>>} */
  #known = new Map();
  #fetches = 0;
  /** @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {string} address of the stream, or of the way in, that names them
   * @param {AbortSignal} signal ends all fetches
   */
  constructor(address, signal) {
    this.#address = address;
    this.#signal = signal;
  }

  /**
   * Fetch groups; those that are no longer named are forgotten.
   * @param {GroupName[]} names
   * @returns {Promise<Map<string, Uint8Array>>}
   */
  async get(names) {
    const wanted = new Set(names.map(({ name }) => name));
    for (const name of this.#known.keys()) if (!wanted.has(name)) this.#known.delete(name);
    const pairs = await Promise.all(
      [...wanted].map(async (name) => /** @type {const} */ ([name, await this.#get(name)])),
    );
    return new Map(pairs);
  }

  /**
   * @param {string} name
   * @returns {Promise<Uint8Array>}
   */
  #get(name) {
    const known = this.#known.get(name);
    if (known) return known;
    const fetched = this.#fetch(name);
    this.#known.set(name, fetched);
    // Who asked for it is told; and it may be asked for again.
    fetched.catch(() => this.#known.delete(name));
    return fetched;
  }

  /**
   * @param {string} name
   * @returns {Promise<Uint8Array>}
   */
  async #fetch(name) {
    if (this.#fetches >= MAX_FETCHES) {
      await new Promise((resolve) => this.#waiting.push(() => resolve(null)));
    }
    this.#fetches++;
    try {
      const response = await fetch(beside(this.#address, `tiles/${name}`), { signal: this.#signal });
      if (response.status === 404) throw new MissingGroup();
      if (!response.ok) throw new Ended("Parts of the picture were refused.", response.status);
      return new Uint8Array(await response.arrayBuffer());
    } finally {
      this.#fetches--;
      this.#waiting.shift()?.();
    }
  }
}
