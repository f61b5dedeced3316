// How tiles fill a screen, and how large a picture each of them needs.  Pure.

/** Below this a picture shows nothing: the wall scrolls instead. */
const MIN_WIDTH = 160;

/**
 * @typedef {object} Arrangement
 * @property {number} columns
 * @property {number} width of a tile's picture, in CSS pixels
 * @property {number} height
 * @property {boolean} scrolls whether there is more than the screen has room for
 */

/**
 * Arrange tiles so that their pictures are as large as can be.
 * @param {number} count
 * @param {{ width: number, height: number }} room
 * @param {number} aspect width of a picture by its height
 * @param {number} gap between tiles
 * @param {number} caption height of what stands below a picture
 * @returns {Arrangement}
 */
export function arrange(count, room, aspect, gap, caption) {
  /** @type {Arrangement} */
  let best = { columns: 1, width: 0, height: 0, scrolls: false };
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const across = (room.width - gap * (columns - 1)) / columns;
    const down = (room.height - gap * (rows - 1)) / Math.max(1, rows) - caption;
    const width = Math.floor(Math.min(across, down * aspect));
    if (width > best.width) best = { ...best, columns, width };
  }
  if (best.width < MIN_WIDTH) {
    const columns = Math.max(1, Math.floor((room.width + gap) / (MIN_WIDTH + gap)));
    const width = Math.max(1, Math.floor((room.width - gap * (columns - 1)) / columns));
    best = { columns, width, height: 0, scrolls: true };
  }
  return { ...best, height: Math.max(1, Math.floor(best.width / aspect)) };
}

/**
 * Give the height of what stands below a picture: large screens are seen from far away.
 * @param {number} height of the window, in CSS pixels
 * @returns {number}
 */
export function captionHeight(height) {
  return Math.round(Math.min(Math.max(26, height / 40), 60));
}

/** Few widths, so that viewers with windows of all sizes share few encodes. */
const STEPS = [160, 240, 320, 480, 640, 960, 1280, 1920, 2560, 3840];

/**
 * Give the width to ask a server for, to be shown this wide.
 * @param {number} width in pixels of the screen
 * @returns {number}
 */
export function requestWidth(width) {
  return STEPS.find((step) => step >= width) ?? 7680;
}

/**
 * Give the shape that most pictures have, width by height.
 * @param {number[]} aspects
 * @returns {number}
 */
export function commonAspect(aspects) {
  const sorted = [...aspects].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 16 / 9;
}
