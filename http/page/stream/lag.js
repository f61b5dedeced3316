// How far what arrives is behind: docs/updates.md, section 7.

const WINDOW_MS = 120_000;
/** Clocks that drift apart by more have been set. */
const SET_MS = 250;

export class Lag {
  /** The least differences of this window and of the one before. */
  #least = Infinity;
  #before = Infinity;
  #turned = 0;
  /** Our clock less the one that nobody sets. */
  #offset = 0;
  /** Seconds that the newest mark was late, against the best of the last minutes. */
  seconds = 0;
  /** Since when the lag has been above, and below, the limits; null if it is not. */
  /** @type {number | null} */
  #highSince = null;
  /** @type {number | null} */
  #lowSince = null;

  /**
   * Take the time of a mark or keepalive, by the server's clock and by ours.
   * @param {number} server microseconds
   * @param {number} now milliseconds
   * @param {number} [monotonic] milliseconds by a clock that nobody sets
   */
  take(server, now, monotonic = performance.now()) {
    const difference = now - server / 1000;
    if (Math.abs(now - monotonic - this.#offset) > SET_MS) {
      // Somebody has set our clock, or the machine has slept: what was best says nothing now.
      this.#least = this.#before = Infinity;
      this.#offset = now - monotonic;
      this.restart();
    }
    if (now - this.#turned > WINDOW_MS) {
      this.#before = this.#least;
      this.#least = Infinity;
      this.#turned = now;
    }
    this.#least = Math.min(this.#least, difference);
    this.seconds = (difference - Math.min(this.#least, this.#before)) / 1000;
    this.#highSince = this.seconds > 0.5 ? (this.#highSince ?? now) : null;
    this.#lowSince = this.seconds <= 0.1 ? (this.#lowSince ?? now) : null;
  }

  /**
   * Whether it has been above 0.5 s for 2 s.
   * @param {number} now
   */
  isHigh(now) {
    return this.#highSince !== null && now - this.#highSince >= 2000;
  }

  /**
   * Whether it has been within 0.1 s for 10 s.
   * @param {number} now
   */
  isLow(now) {
    return this.#lowSince !== null && now - this.#lowSince >= 10_000;
  }

  /** Forget how long it has been high or low, as the way changes. */
  restart() {
    this.#highSince = this.#lowSince = null;
  }
}
