// Whether a screen is to ask for video: where the line is slow and the screen moves.
//
// Pure: what came and when in, a decision out.  It is never taken back: a screen that rests, or
// text in it, comes as it does without.

/** So long the screen must have moved while its line was slow ... */
const MOVES_MS = 3000;
/** ... without a pause of this length: on a slow line pictures come seldom. */
const PAUSE_MS = 2500;

export class VideoChoice {
  /** Whether to ask for video. */
  isWanted;
  #isOpen;
  /** Since when it has been slow and moving; null if it is not. */
  /** @type {number | null} */
  #since = null;
  #changed = -Infinity;

  /** @param {"never" | "always" | "slow"} when */
  constructor(when) {
    this.isWanted = when === "always";
    this.#isOpen = when === "slow";
  }

  /**
   * Note that something came; tells whether video is wanted from now on.
   * @param {number} now milliseconds
   * @param {boolean} changed whether the picture has
   * @param {boolean} isSlow whether what comes lags, or has been found to
   * @returns {boolean}
   */
  take(now, changed, isSlow) {
    if (!this.#isOpen) return false;
    if (!isSlow || now - this.#changed > PAUSE_MS) this.#since = null;
    if (changed) {
      this.#changed = now;
      this.#since ??= isSlow ? now : null;
    }
    if (this.#since === null || now - this.#since < MOVES_MS) return false;
    this.#isOpen = false;
    this.isWanted = true;
    return true;
  }

  /** Do without, for good: it cannot be shown. */
  refuse() {
    this.isWanted = this.#isOpen = false;
  }
}
