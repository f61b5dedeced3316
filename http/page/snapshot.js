// The picture that is shown, as a file or in the clipboard.

import { byId, make, set } from "./dom.js";

/** @import { Watch } from "./watch.js" */

/**
 * Give what is shown, as PNG: also while it is held, or lost.
 * @param {Watch} watch
 * @returns {Promise<Blob>}
 */
function pictureOf({ screen, view }) {
  const { width, height } = screen;
  const isAcross = view.turn % 2 === 1;
  const canvas = make("canvas");
  canvas.width = isAcross ? height : width;
  canvas.height = isAcross ? width : height;
  const context = canvas.getContext("2d");
  if (!context || !width) return Promise.reject(new Error("there is no picture yet"));
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate((view.turn * Math.PI) / 2);
  context.translate(-width / 2, -height / 2);
  context.drawImage(screen.canvas, 0, 0);
  for (const video of screen.element.querySelectorAll("video.moving")) {
    const moving = /** @type {HTMLVideoElement} */ (video);
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = moving;
    context.drawImage(moving, offsetLeft, offsetTop, offsetWidth, offsetHeight);
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))));
  });
}

/** @param {Watch} watch */
export async function savePicture(watch) {
  const blob = await pictureOf(watch).catch(() => null);
  if (!blob) return;
  const link = make("a");
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const name = (watch.screen.name || "screen").replace(/[^\w.-]+/g, "_");
  link.href = URL.createObjectURL(blob);
  link.download = `${name}-${time}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Let a button copy the picture, where the browser lets pages.
 * @param {Watch} watch
 */
export function attachCopy(watch) {
  const button = /** @type {HTMLButtonElement} */ (byId("copy"));
  const note = byId("copy-note");
  if (!navigator.clipboard || typeof ClipboardItem !== "function") {
    button.disabled = true;
    set(note, "Browsers let pages copy pictures over https only.");
    return;
  }
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": pictureOf(watch) })]);
      set(note, "Copied.");
    } catch {
      set(note, "The browser did not allow to copy.");
    }
  });
}
