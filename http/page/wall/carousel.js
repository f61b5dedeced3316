// One display after the other, each for some seconds.

export class Carousel {
  /** Of each display; 0 while it does not run. */
  seconds = 0;
  #onTurn;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {() => void} onTurn shows the next one */
  constructor(onTurn) {
    this.#onTurn = onTurn;
  }

  get isRunning() {
    return this.seconds > 0;
  }

  /** @param {number} seconds */
  start(seconds) {
    this.stop();
    this.seconds = seconds;
    this.#timer = setInterval(this.#onTurn, 1000 * seconds);
    this.#onTurn();
  }

  stop() {
    clearInterval(this.#timer);
    this.seconds = 0;
  }
}
