// Reads an update stream strictly: what stands between two marks becomes one update.

import { VideoSteps } from "../video/steps.js";
import { UpdateError, need } from "./framing.js";
import { recordsOf } from "./records.js";

/** @import { VideoStep } from "../video/steps.js" */
/** @import { Area, DisplayState, Hello, UpdateRecord } from "./records.js" */

/** @typedef {{ area: Area, jpeg: Uint8Array }} JpegPart */
/** @typedef {Extract<UpdateRecord, { kind: "F" | "L" | "R" | "N" | "C" }> | ({ kind: "J" } & JpegPart)} Part */
/** @typedef {Extract<UpdateRecord, { kind: "E" }>} Mark */
/** @typedef {Extract<UpdateRecord, { kind: "I" }>} PointerImage */
/** @typedef {Extract<UpdateRecord, { kind: "P" }>} PointerPlace */
/**
 * What happens, in its order.
 * @typedef {{ kind: "hello", hello: Hello }
 *   | { kind: "size", width: number, height: number }
 *   | { kind: "update", parts: Part[], video: VideoStep | null, mark: Mark }
 *   | { kind: "display", display: DisplayState }
 *   | { kind: "pointerImage", image: PointerImage }
 *   | { kind: "pointer", place: PointerPlace }
 *   | { kind: "keepalive", now: number }
 *   | { kind: "end", reason: string }} UpdateEvent
 */

/** A picture larger than this is refused. */
export const MAX_PIXELS = 1 << 25;

/**
 * @param {Area} a
 * @param {Area} b
 */
function overlap(a, b) {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

export class UpdateReader {
  /** @type {Hello | null} */
  #hello = null;
  #width = 0;
  #height = 0;
  #number = -1;
  /** Whether the last mark was whole, and no size has come since. */
  #whole = false;
  #begun = false;
  #ended = false;
  /** @type {Map<number, Extract<UpdateRecord, { kind: "Q" }>>} */
  #headers = new Map();
  /** @type {Set<number>} */
  #pointers = new Set();
  /** @type {Part[]} */
  #parts = [];
  #video = new VideoSteps();

  /** Expect another response, which may continue the one before. */
  begin() {
    this.#begun = this.#ended = false;
    this.#headers.clear();
    this.#parts = [];
    this.#video.begin();
  }

  /**
   * Take a block of whole records.
   * @param {Uint8Array} block
   * @returns {Generator<UpdateEvent>}
   */
  *take(block) {
    for (const record of recordsOf(block)) {
      need(this.#begun === (record.kind !== "W") && !this.#ended, `a ${record.kind} is misplaced`);
      const event = this.#one(record);
      if (event) yield event;
    }
  }

  /**
   * @param {UpdateRecord} record
   * @returns {UpdateEvent | null}
   */
  #one(record) {
    switch (record.kind) {
      case "W":
        this.#greet(record.hello);
        return { kind: "hello", hello: record.hello };
      case "G":
        this.#resize(record.width, record.height);
        return { kind: "size", width: record.width, height: record.height };
      case "E":
        return { kind: "update", parts: this.#mark(record), video: this.#video.mark(), mark: record };
      case "S":
        return { kind: "display", display: record.display };
      case "Q":
        this.#headers.set(record.id, record);
        return null;
      case "I":
        need(record.id > 0 && record.id < 64, "a pointer has no such number");
        this.#pointers.add(record.id);
        return { kind: "pointerImage", image: record };
      case "P":
        need(record.id === 0 || this.#pointers.has(record.id), "a pointer has no image");
        return { kind: "pointer", place: record };
      case "k":
        return { kind: "keepalive", now: record.now };
      case "X":
        this.#ended = true;
        return { kind: "end", reason: record.reason };
      case "U":
      case "A":
        throw new UpdateError("a group, or a part of a manifest, is misplaced");
      case "V":
        this.#checkArea(record.area);
        this.#video.take(record);
        return null;
      case "H":
      case "T":
        this.#video.take(record);
        return null;
      default:
        this.#add(record);
        return null;
    }
  }

  /** @param {Hello} hello */
  #greet(hello) {
    if (hello.after === undefined) {
      this.#number = -1;
      this.#whole = false;
      this.#width = this.#height = 0;
      this.#pointers.clear();
    } else {
      const same = this.#hello?.run === hello.run && this.#hello.form === hello.form;
      need(same && this.#whole && this.#number === hello.after, "it continues another picture");
    }
    this.#hello = hello;
    this.#begun = true;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #resize(width, height) {
    const pixels = width * height;
    need(pixels > 0 && pixels <= MAX_PIXELS, `a picture of ${width}×${height} is too large`);
    this.#width = width;
    this.#height = height;
    this.#whole = false;
    this.#parts = [];
    this.#video.begin();
  }

  /**
   * @param {Mark} mark
   * @returns {Part[]}
   */
  #mark(mark) {
    need(this.#width > 0, "a mark comes before the picture");
    need(mark.number >= this.#number + (this.#whole ? 1 : 0), "a mark goes back");
    this.#number = mark.number;
    this.#whole = !mark.partial;
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /** @param {Exclude<Extract<UpdateRecord, { area: Area }>, { kind: "V" }>} record */
  #add(record) {
    this.#checkArea(record.area);
    if (record.kind === "C") this.#checkCopy(record);
    this.#parts.push(record.kind === "J" ? this.#jpegOf(record) : record);
  }

  /** @param {Area} area */
  #checkArea({ x, y, w, h }) {
    need(w && h && x + w <= this.#width && y + h <= this.#height, "a rectangle lies outside");
  }

  /** @param {Extract<UpdateRecord, { kind: "C" }>} copy */
  #checkCopy(copy) {
    const source = { ...copy.area, x: copy.fromX, y: copy.fromY };
    this.#checkArea(source);
    need(this.#whole, "a copy needs a whole picture");
    for (const part of this.#parts) {
      need(part.kind === "C" && !overlap(source, part.area), "a copy is out of place");
    }
  }

  /**
   * Put header and scan together.
   * @param {Extract<UpdateRecord, { kind: "J" }>} record
   * @returns {Part}
   */
  #jpegOf({ area, id, interval, scan }) {
    const kept = this.#headers.get(id);
    if (!kept) throw new UpdateError("a JPEG has no header");
    const { header, sizeAt, intervalAt } = kept;
    const fits = sizeAt + 4 <= header.length && intervalAt + 2 <= header.length;
    need(fits, "a JPEG's header is too short");
    const jpeg = new Uint8Array(header.length + scan.length + 2);
    jpeg.set(header);
    jpeg.set(scan, header.length);
    const view = new DataView(jpeg.buffer);
    view.setUint16(sizeAt, area.h);
    view.setUint16(sizeAt + 2, area.w);
    view.setUint16(intervalAt, interval);
    view.setUint16(jpeg.length - 2, 0xffd9);
    return { kind: "J", area, jpeg };
  }
}
