// Which displays there are: /displays, asked for again and again.

const PERIOD_MS = 2000;
const TIMEOUT_MS = 10_000;
/** Wrong tokens count as guesses, and ten a minute lock the whole address out. */
const DENIED_MS = 60_000;

/**
 * @typedef {object} Listed
 * @property {string[] | null} addresses of displays, absolute; null if they are not known now
 * @property {string} trouble one sentence, if they are not
 */

export class Listing {
  #address;
  #onListed;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {string} address of the list, absolute
   * @param {(listed: Listed) => void} onListed called after each try
   */
  constructor(address, onListed) {
    this.#address = address;
    this.#onListed = onListed;
    document.addEventListener("visibilitychange", () => this.#ask());
    addEventListener("online", () => this.#ask());
    this.#ask();
  }

  async #ask() {
    clearTimeout(this.#timer);
    // Who does not look needs no list.
    if (document.hidden) return;
    let pause = PERIOD_MS;
    try {
      this.#onListed({ addresses: await fetchList(this.#address), trouble: "" });
    } catch (error) {
      const denied = error instanceof Refused && [401, 403, 429].includes(error.status);
      if (denied) pause = DENIED_MS;
      const trouble = error instanceof Refused ? error.message : "No connection to the server.";
      this.#onListed({ addresses: null, trouble });
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), pause);
  }
}

class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} sentence
   */
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/**
 * @param {string} address
 * @returns {Promise<string[]>}
 */
async function fetchList(address) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(address, { cache: "no-store", signal });
  if (!response.ok) {
    const line = (await response.text()).split("\n")[0].slice(0, 200);
    throw new Refused(response.status, line || `The server answers ${response.status}.`);
  }
  const { displays } = await response.json();
  return displays.map((/** @type {unknown} */ one) => new URL(String(one), address).href);
}
