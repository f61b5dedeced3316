// The pointer, which comes apart from the picture, in a canvas of its own above it.

/** @typedef {{ bitmap: ImageBitmap, hotX: number, hotY: number }} PointerImage */

export class Pointer {
  element = document.createElement("canvas");
  /** @type {Map<number, PointerImage>} */
  #images = new Map();
  #shown = 0;

  constructor() {
    this.element.className = "pointer";
    this.element.setAttribute("aria-hidden", "true");
    this.clear();
  }

  clear() {
    for (const { bitmap } of this.#images.values()) bitmap.close();
    this.#images.clear();
    this.#shown = 0;
    this.element.hidden = true;
  }

  /**
   * @param {number} id
   * @param {PointerImage} image
   */
  keep(id, image) {
    this.#images.get(id)?.bitmap.close();
    this.#images.set(id, image);
    if (id === this.#shown) this.#shown = 0;
  }

  /**
   * Put an image at a place of the picture; id 0 hides it.
   * @param {number} id
   * @param {number} x
   * @param {number} y
   */
  put(id, x, y) {
    const image = this.#images.get(id);
    this.element.hidden = !image;
    if (!image) return;
    const { bitmap, hotX, hotY } = image;
    if (id !== this.#shown) {
      this.element.width = bitmap.width;
      this.element.height = bitmap.height;
      this.element.getContext("2d")?.drawImage(bitmap, 0, 0);
      this.#shown = id;
    }
    this.element.style.transform = `translate(${x - hotX}px, ${y - hotY}px)`;
  }
}
