// The pixels of one rectangle of an update: bytes to what a canvas can draw.

import { need } from "./framing.js";

/** @import { Area } from "./records.js" */
/** @import { Part } from "./reader.js" */

/** @typedef {{ area: Area, fill: string }
 *   | { area: Area, data: ImageData }
 *   | { area: Area, bitmap: ImageBitmap }
 *   | { area: Area, fromX: number, fromY: number }} Drawable
 */

const GREY = 0x40;
const DEFLATED = 0x80;

/** @type {ImageBitmapOptions} */
const EXACT = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

/**
 * Decode a rectangle.
 * @param {Part} part
 * @returns {Promise<Drawable>}
 */
export async function drawableOf(part) {
  const { area } = part;
  switch (part.kind) {
    case "C":
      return { area, fromX: part.fromX, fromY: part.fromY };
    case "F":
      return { area, fill: `rgb(${part.rgb.join(" ")})` };
    case "J":
      return { area, bitmap: await bitmapOf(part.jpeg, "image/jpeg", area) };
    case "N":
      return { area, bitmap: await bitmapOf(part.png, "image/png", area) };
    case "R":
      return { area, data: await raw(area, part.flags, part.data) };
    default:
      return { area, data: await palette(area, part.flags, part.colours, part.data) };
  }
}

/**
 * See that a PNG has 8 bits a channel, is not interlaced, and holds nothing but its pixels.
 * @param {Uint8Array} bytes
 */
function checkPng(bytes) {
  need(bytes.length > 28 && bytes[24] === 8 && bytes[28] === 0, "a PNG has another form");
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 8;
  while (at + 12 <= bytes.length) {
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    need(["IHDR", "PLTE", "IDAT", "IEND"].includes(name), "a PNG has more than its pixels");
    at += 12 + fields.getUint32(at);
  }
  need(at === bytes.length, "a PNG has more than its pixels");
}

/**
 * Decode a compressed picture, which must have this size.
 * @param {Uint8Array} bytes
 * @param {string} type
 * @param {{ w: number, h: number }} size
 * @returns {Promise<ImageBitmap>}
 */
async function bitmapOf(bytes, type, { w, h }) {
  const bitmap = await decoded(bytes, type);
  if (bitmap.width === w && bitmap.height === h) return bitmap;
  bitmap.close();
  need(false, "a picture in an update has another size");
  return bitmap;
}

/**
 * Decode a compressed picture of any size.
 * @param {Uint8Array} bytes
 * @param {string} type
 * @returns {Promise<ImageBitmap>}
 */
export async function decoded(bytes, type) {
  if (type === "image/png") checkPng(bytes);
  const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], { type });
  const bitmap = await createImageBitmap(blob, EXACT).catch(() => null);
  need(bitmap, "a picture in an update cannot be decoded");
  return bitmap;
}

/**
 * Give so many bytes, inflated if they are deflated.
 * @param {Uint8Array} data
 * @param {number} flags
 * @param {number} length
 * @returns {Promise<Uint8Array>}
 */
async function plain(data, flags, length) {
  need(!(flags & 0x30), "a flag is unknown");
  const bytes = flags & DEFLATED ? await inflated(data, length) : data;
  need(bytes.length === length, "the pixels of a rectangle are too many or too few");
  return bytes;
}

/**
 * Inflate, up to one byte more than there should be.
 * @param {Uint8Array} data
 * @param {number} length
 * @returns {Promise<Uint8Array>}
 */
async function inflated(data, length) {
  const stream = new DecompressionStream("deflate-raw");
  const writer = stream.writable.getWriter();
  // What goes wrong with the data, reading tells.
  writer.write(/** @type {Uint8Array<ArrayBuffer>} */ (data)).catch(() => {});
  writer.close().catch(() => {});
  const reader = stream.readable.getReader();
  const out = new Uint8Array(length);
  let at = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return out.subarray(0, at);
      need(at + value.length <= length, "deflated data are longer than they should be");
      out.set(value, at);
      at += value.length;
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    need(!(error instanceof TypeError), "data cannot be inflated");
    throw error;
  }
}

/**
 * @param {Area} area
 * @param {number} flags
 * @param {Uint8Array} data
 */
async function raw({ w, h }, flags, data) {
  need(!(flags & 15), "a flag is unknown");
  const planes = flags & GREY ? 1 : 3;
  const bytes = await plain(data, flags, w * h * planes);
  const image = new ImageData(w, h);
  const out = image.data.fill(255);
  for (let from = 0, to = 0; from < bytes.length; from += planes, to += 4) {
    out[to] = bytes[from];
    out[to + 1] = bytes[planes === 3 ? from + 1 : from];
    out[to + 2] = bytes[planes === 3 ? from + 2 : from];
  }
  return image;
}

/**
 * @param {Area} area
 * @param {number} flags
 * @param {number} count of colours
 * @param {Uint8Array} data
 */
async function palette({ w, h }, flags, count, data) {
  const bits = flags & 15;
  need(bits >= 1 && bits <= 8, "an index has 1 to 8 bits");
  const begin = count * (flags & GREY ? 1 : 3);
  const stride = Math.ceil((w * bits) / 8);
  const bytes = await plain(data, flags, begin + h * stride);
  const colours = coloursOf(bytes.subarray(0, begin), count);
  const image = new ImageData(w, h);
  const out = new Uint32Array(image.data.buffer);
  const mask = (1 << bits) - 1;
  for (let y = 0, to = 0; y < h; y++) {
    let at = begin + y * stride;
    let held = 0;
    let left = 0;
    for (let x = 0; x < w; x++) {
      if (left < bits) {
        held = ((held << 8) | bytes[at++]) & 0xffff;
        left += 8;
      }
      left -= bits;
      const index = (held >> left) & mask;
      need(index < count, "an index has no colour");
      out[to++] = colours[index];
    }
  }
  return image;
}

/**
 * Read planes of colours, each the difference to the one before, as pixels.
 * @param {Uint8Array} planes
 * @param {number} count
 */
function coloursOf(planes, count) {
  const bytes = new Uint8ClampedArray(4 * count).fill(255);
  for (let channel = 0; channel < 3; channel++) {
    const from = planes.length > count ? channel * count : 0;
    for (let index = 0, value = 0; index < count; index++) {
      value = (value + planes[from + index]) & 255;
      bytes[4 * index + channel] = value;
    }
  }
  return new Uint32Array(bytes.buffer);
}
