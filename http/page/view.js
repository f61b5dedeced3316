// Where a picture lies in its stage: size, place and turn.
//
// It is placed by one CSS transform, on whole device pixels: at 1:1 it is as crisp as the screen.

/** @typedef {"fit" | "1:1" | "free"} Mode */
/** @typedef {{ width: number, height: number }} Size */

const MAX_DEVICE_SCALE = 32;

export class View {
  /** @type {Mode} */
  mode = "fit";
  /** CSS pixels for a pixel of the picture. */
  scale = 1;
  /** Quarter turns clockwise. */
  turn = 0;
  /** Called when mode, scale or turn have changed. */
  onChange = () => {};
  #stage;
  #element;
  /** @type {Size} */
  #size = { width: 0, height: 0 };
  /** Left and top of the picture, turned and scaled, in the stage. */
  #left = 0;
  #top = 0;

  /**
   * @param {HTMLElement} stage
   * @param {HTMLElement} element has the picture's size in CSS pixels
   */
  constructor(stage, element) {
    this.#stage = stage;
    this.#element = element;
    new ResizeObserver(() => this.#apply()).observe(stage);
    // Fires when the window moves to a screen of another density, or is zoomed.
    addEventListener("resize", () => this.#apply());
  }

  /** @param {Size} size */
  resize({ width, height }) {
    if (width === this.#size.width && height === this.#size.height) return;
    this.#size = { width, height };
    this.#apply();
  }

  /**
   * Place another element from now on.
   * @param {HTMLElement} element
   */
  moveTo(element) {
    this.#element = element;
    this.#apply();
  }

  /** @param {Mode} mode */
  setMode(mode) {
    const { width, height } = this.#stageSize();
    const middle = { x: width / 2, y: height / 2 };
    if (mode === "1:1") this.#zoomTo(1 / devicePixelRatio, middle);
    this.mode = mode;
    this.#apply();
  }

  /** Turn by a quarter, clockwise. */
  rotate() {
    this.turn = (this.turn + 1) % 4;
    this.#apply();
  }

  /**
   * Zoom so that what is at a point of the stage stays there.
   * @param {number} factor
   * @param {{ x: number, y: number }} [point] the middle without
   */
  zoom(factor, point) {
    const { width, height } = this.#stageSize();
    this.#zoomTo(this.scale * factor, point ?? { x: width / 2, y: height / 2 });
    this.mode = "free";
    this.#apply();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.#left += dx;
    this.#top += dy;
    this.#apply();
  }

  /** Whether there is more of the picture than the stage shows. */
  get canPan() {
    const stage = this.#stageSize();
    const { width, height } = this.#turned();
    return width * this.scale > stage.width + 1 || height * this.scale > stage.height + 1;
  }

  #stageSize() {
    return { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
  }

  #turned() {
    const { width, height } = this.#size;
    return this.turn % 2 ? { width: height, height: width } : { width, height };
  }

  #fitScale() {
    const stage = this.#stageSize();
    const { width, height } = this.#turned();
    return Math.min(stage.width / width, stage.height / height);
  }

  /**
   * @param {number} scale
   * @param {{ x: number, y: number }} point
   */
  #zoomTo(scale, { x, y }) {
    const least = Math.min(this.#fitScale(), 1 / devicePixelRatio);
    const bounded = Math.max(least, Math.min(scale, MAX_DEVICE_SCALE / devicePixelRatio));
    const factor = bounded / this.scale;
    this.#left = x - (x - this.#left) * factor;
    this.#top = y - (y - this.#top) * factor;
    this.scale = bounded;
  }

  #apply() {
    if (!this.#size.width) return;
    if (this.mode === "fit") this.scale = this.#fitScale();
    if (this.mode === "1:1") this.scale = 1 / devicePixelRatio;
    const stage = this.#stageSize();
    const { width, height } = this.#turned();
    this.#left = placed(this.#left, width * this.scale, stage.width);
    this.#top = placed(this.#top, height * this.scale, stage.height);
    this.#element.style.transform = this.#transform(width * this.scale, height * this.scale);
    const deviceScale = this.scale * devicePixelRatio;
    const isCrisp = Math.abs(deviceScale - 1) < 0.001 || deviceScale >= 2;
    this.#element.classList.toggle("crisp", isCrisp);
    this.onChange();
  }

  /**
   * @param {number} width of the picture as it is placed
   * @param {number} height
   */
  #transform(width, height) {
    const right = this.turn === 1 || this.turn === 2 ? width : 0;
    const down = this.turn === 2 || this.turn === 3 ? height : 0;
    const [x, y] = [this.#left + right, this.#top + down];
    return `translate(${x}px, ${y}px) rotate(${90 * this.turn}deg) scale(${this.scale})`;
  }
}

/**
 * Give where something begins on an axis: in the middle if it fits, else so that no room is wasted.
 * @param {number} begin
 * @param {number} length
 * @param {number} room
 */
function placed(begin, length, room) {
  const free = room - length;
  const wanted = free >= 0 ? free / 2 : Math.max(free, Math.min(0, begin));
  return Math.round(wanted * devicePixelRatio) / devicePixelRatio;
}
