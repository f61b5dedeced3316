// Paints updates on a canvas: decodes all of an update, then draws all of it in one task.

import { need } from "./records.js";
import { drawableOf } from "./pixels.js";

/** @import { Part } from "./reader.js" */
/** @import { Drawable } from "./pixels.js" */

export class Painter {
  #canvas;
  #context;
  /** Where copies pass through: cheaper in browsers than from a canvas to itself. */
  /** @type {{ canvas: HTMLCanvasElement | OffscreenCanvas, context: Context } | null} */
  #scratch = null;
  #next;

  /** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */

  /** @param {HTMLCanvasElement | OffscreenCanvas} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
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

  #passing() {
    if (!this.#scratch) {
      const { width, height } = this.#canvas;
      const canvas =
        typeof OffscreenCanvas === "function"
          ? new OffscreenCanvas(width, height)
          : Object.assign(document.createElement("canvas"), { width, height });
      this.#scratch = { canvas, context: contextOf(canvas) };
    }
    return this.#scratch;
  }
}

/**
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas
 * @returns {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D}
 */
function contextOf(canvas) {
  const context = /** @type {CanvasRenderingContext2D | null} */ (
    canvas.getContext("2d", { alpha: false })
  );
  need(context, "this browser gives no canvas to draw on");
  context.imageSmoothingEnabled = false;
  return context;
}
