// Paints updates on a canvas: decodes all of an update, then draws all of it in one task.
//
// While the display is lost, what servers send in its place is painted out of sight: the last
// picture of it stays to be seen.

import { need } from "./framing.js";
import { drawableOf } from "./pixels.js";

/** @import { Area } from "./records.js" */
/** @import { Part } from "./reader.js" */
/** @import { Drawable } from "./pixels.js" */

/** @typedef {HTMLCanvasElement | OffscreenCanvas} AnyCanvas */
/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */

export class Painter {
  /** What is seen. */
  #shown;
  /** What is painted on: the same, unless the picture is held. */
  #canvas;
  #context;
  /** Where copies pass through: cheaper in browsers than from a canvas to itself. */
  /** @type {{ canvas: AnyCanvas, context: Context } | null} */
  #scratch = null;
  #next;

  /** @param {AnyCanvas} canvas */
  constructor(canvas) {
    this.#shown = this.#canvas = canvas;
    this.#context = contextOf(canvas);
    this.#next = { width: canvas.width, height: canvas.height };
  }

  /**
   * Begin a picture of this size with the next update.  What is shown stays until then.
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.#next = { width, height };
  }

  /** The size of what is seen. */
  get size() {
    return { width: this.#shown.width, height: this.#shown.height };
  }

  /** Leave what is seen as it is, from now on. */
  hold() {
    if (this.#canvas !== this.#shown) return;
    const { width, height } = this.#shown;
    this.#canvas = newCanvas(width, height);
    this.#context = contextOf(this.#canvas);
    this.#context.drawImage(this.#shown, 0, 0);
  }

  /** Show again what is painted. */
  release() {
    const painted = this.#canvas;
    if (painted === this.#shown) return;
    this.#canvas = this.#shown;
    this.#context = contextOf(this.#shown);
    this.#applySize();
    this.#context.drawImage(painted, 0, 0);
  }

  #applySize() {
    const { width, height } = this.#next;
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context.imageSmoothingEnabled = false;
    this.#scratch = null;
  }

  /**
   * Bring the canvas to the next mark; raises UpdateError.
   * @param {Part[]} parts
   */
  async show(parts) {
    const results = await Promise.allSettled(parts.map(drawableOf));
    try {
      for (const result of results) {
        if (result.status === "rejected") throw result.reason;
      }
      this.#applySize();
      for (const result of results) {
        if (result.status === "fulfilled") this.#draw(result.value);
      }
    } finally {
      for (const result of results) {
        if (result.status === "fulfilled" && "bitmap" in result.value) result.value.bitmap.close();
      }
    }
  }

  /** @param {Drawable} drawable */
  #draw(drawable) {
    const context = this.#context;
    const { x, y, w, h } = drawable.area;
    if ("bitmap" in drawable) {
      context.drawImage(drawable.bitmap, x, y);
    } else if ("data" in drawable) {
      context.putImageData(drawable.data, x, y);
    } else if ("fill" in drawable) {
      context.fillStyle = drawable.fill;
      context.fillRect(x, y, w, h);
    } else {
      const { canvas, context: passing } = this.#passing();
      passing.drawImage(this.#canvas, drawable.fromX, drawable.fromY, w, h, 0, 0, w, h);
      context.drawImage(canvas, 0, 0, w, h, x, y, w, h);
    }
  }

  /**
   * Draw an image into the picture, between updates.
   * @param {CanvasImageSource} image
   * @param {Area} area
   */
  draw(image, { x, y, w, h }) {
    this.#context.drawImage(image, x, y, w, h);
  }

  #passing() {
    if (!this.#scratch) {
      const canvas = newCanvas(this.#canvas.width, this.#canvas.height);
      this.#scratch = { canvas, context: contextOf(canvas) };
    }
    return this.#scratch;
  }
}

/**
 * @param {number} width
 * @param {number} height
 * @returns {AnyCanvas}
 */
function newCanvas(width, height) {
  if (typeof OffscreenCanvas === "function") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

/**
 * @param {AnyCanvas} canvas
 * @returns {Context}
 */
function contextOf(canvas) {
  const context = /** @type {CanvasRenderingContext2D | null} */ (
    canvas.getContext("2d", { alpha: false })
  );
  need(context, "this browser gives no canvas to draw on");
  context.imageSmoothingEnabled = false;
  return context;
}
