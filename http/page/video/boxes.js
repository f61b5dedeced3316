// The boxes of fragmented MP4 with one track of H.264: a header, then fragments of one frame each.
//
// Pure: bytes to values.  ISO/IEC 14496-12 names the boxes, 14496-15 the "avcC" in them.

import { need } from "../stream/framing.js";

/** @typedef {{ name: string, bytes: Uint8Array, body: Uint8Array }} Box */
/**
 * What a decoder must know beforehand.
 * @typedef {object} VideoSetup
 * @property {string} codec as MIME types name it: avc1.42C028
 * @property {Uint8Array} description the avcC
 * @property {number} width
 * @property {number} height
 * @property {number} timescale ticks a second
 */
/**
 * @typedef {object} VideoSample
 * @property {boolean} isKey whether decoding can begin with it
 * @property {number} time in ticks
 * @property {Uint8Array} sample NAL units, each behind its length
 */

/** Bytes of a sample entry "avc1" before the boxes in it. */
const AVC1_FIELDS = 78;
/** Of the flags of a sample: that it depends on others. */
const IS_NO_SYNC = 0x10000;
const HEAD = 8;
/** The largest box that is waited for. */
const MAX_BOX = 1 << 25;

/** @param {Uint8Array} bytes */
const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/**
 * List the boxes that stand one behind the other, as far as they are whole.
 * @param {Uint8Array} bytes
 * @returns {Generator<Box>}
 */
export function* boxesOf(bytes) {
  const fields = viewOf(bytes);
  for (let at = 0; at + HEAD <= bytes.length; ) {
    const size = fields.getUint32(at);
    need(size >= HEAD && size <= MAX_BOX, "a box of a video has no size");
    if (at + size > bytes.length) return;
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + HEAD));
    yield { name, bytes: bytes.subarray(at, at + size), body: bytes.subarray(at + HEAD, at + size) };
    at += size;
  }
}

/**
 * Find a box by the names on the way to it.
 * @param {Uint8Array} bytes
 * @param {string[]} path
 * @returns {Uint8Array} its body
 */
function find(bytes, ...path) {
  let body = bytes;
  for (const name of path) {
    const found = [...boxesOf(body)].find((box) => box.name === name);
    need(found, `a video has no box ${name}`);
    body = found.body;
  }
  return body;
}

/**
 * Read a header: "ftyp" and "moov".
 * @param {Uint8Array} header
 * @returns {VideoSetup}
 */
export function setupOf(header) {
  const media = find(header, "moov", "trak", "mdia");
  const [entry] = boxesOf(find(media, "minf", "stbl", "stsd").subarray(8));
  need(entry?.name === "avc1" && entry.body.length > AVC1_FIELDS, "a video is no H.264");
  const description = find(entry.body.subarray(AVC1_FIELDS), "avcC");
  need(description.length >= 7 && description[0] === 1, "a video says not how it is coded");
  const fields = viewOf(entry.body);
  const time = find(media, "mdhd");
  const codes = [...description.subarray(1, 4)].map((code) => code.toString(16).padStart(2, "0"));
  return {
    codec: `avc1.${codes.join("").toUpperCase()}`,
    description,
    width: fields.getUint16(24),
    height: fields.getUint16(26),
    timescale: viewOf(time).getUint32(time[0] === 1 ? 20 : 12),
  };
}

/**
 * Read a fragment, "moof" and "mdat", of one frame.
 * @param {Uint8Array} fragment
 * @returns {VideoSample}
 */
export function frameOf(fragment) {
  const track = find(fragment, "moof", "traf");
  const time = find(track, "tfdt");
  const fields = viewOf(time);
  return {
    isKey: !(flagsOf(track) & IS_NO_SYNC),
    time: time[0] === 1 ? Number(fields.getBigUint64(4)) : fields.getUint32(4),
    sample: find(fragment, "mdat"),
  };
}

/**
 * Give the flags of the first sample of a track's fragment.
 * @param {Uint8Array} track
 * @returns {number}
 */
function flagsOf(track) {
  const run = viewOf(find(track, "trun"));
  const has = run.getUint32(0);
  // The data's offset stands first, then the first sample's flags, or its fields one by one.
  const at = 8 + (has & 1 ? 4 : 0);
  if (has & 4) return run.getUint32(at);
  if (has & 0x400) return run.getUint32(at + (has & 0x100 ? 4 : 0) + (has & 0x200 ? 4 : 0));
  const usual = find(track, "tfhd");
  const given = viewOf(usual).getUint32(0);
  need(given & 0x20, "a frame of a video says not whether decoding can begin there");
  let place = 8;
  for (const flag of [1, 2, 8, 0x10]) if (given & flag) place += flag === 1 ? 8 : 4;
  return viewOf(usual).getUint32(place);
}

/** Cuts the body of a response, which comes in pieces of any size, into header and fragments. */
export class VideoFraming {
  /** @type {Uint8Array} */
  #held = new Uint8Array(0);

  /**
   * Take the next piece; give what is whole now: "moov" with all before it, "mdat" with its "moof".
   * @param {Uint8Array} piece
   * @returns {Uint8Array[]}
   */
  take(piece) {
    const held = new Uint8Array(this.#held.length + piece.length);
    held.set(this.#held);
    held.set(piece, this.#held.length);
    /** @type {Uint8Array[]} */
    const whole = [];
    let from = 0;
    let at = 0;
    for (const { name, bytes } of boxesOf(held)) {
      at += bytes.length;
      if (name !== "moov" && name !== "mdat") continue;
      whole.push(held.subarray(from, at));
      from = at;
    }
    this.#held = held.subarray(from);
    return whole;
  }
}
