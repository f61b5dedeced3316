// The records of an update stream, version 1, as docs/updates.md says: bytes to values.
//
// Pure: no network, no clock, no canvas.  Whatever breaks a rule raises UpdateError.

export class UpdateError extends Error {}

/**
 * @param {unknown} condition
 * @param {string} sentence
 * @returns {asserts condition}
 */
export function need(condition, sentence) {
  if (!condition) throw new UpdateError(sentence);
}

/** @typedef {{ x: number, y: number, w: number, h: number }} Area */
/** @typedef {{ state: string, reason: string | null, since: number | null }} DisplayState */
/**
 * @typedef {object} Hello
 * @property {number} version
 * @property {string} run
 * @property {string} form
 * @property {number} [after]
 * @property {string} [server]
 * @property {string} [name]
 * @property {string} [display]
 * @property {number} [keepalive]
 * @property {string | null} [video]
 */
/**
 * @typedef {{ kind: "W", hello: Hello }
 *   | { kind: "G", width: number, height: number }
 *   | { kind: "S", display: DisplayState }
 *   | { kind: "Q", id: number, sizeAt: number, intervalAt: number, header: Uint8Array }
 *   | { kind: "J", area: Area, id: number, interval: number, scan: Uint8Array }
 *   | { kind: "F", area: Area, rgb: Uint8Array }
 *   | { kind: "L", area: Area, flags: number, colours: number, data: Uint8Array }
 *   | { kind: "R", area: Area, flags: number, data: Uint8Array }
 *   | { kind: "N", area: Area, png: Uint8Array }
 *   | { kind: "C", area: Area, fromX: number, fromY: number }
 *   | { kind: "V", id: number, area: Area, header: Uint8Array }
 *   | { kind: "H", id: number, isKey: boolean, fragment: Uint8Array }
 *   | { kind: "T", id: number }
 *   | { kind: "E", number: number, partial: boolean, captured: number }
 *   | { kind: "I", id: number, hotX: number, hotY: number, png: Uint8Array }
 *   | { kind: "P", id: number, x: number, y: number }
 *   | { kind: "k", now: number }
 *   | { kind: "X", reason: string }} UpdateRecord
 */

/** Bytes of the fixed fields, and at most of the whole payload. */
const LENGTHS = new Map(
  /** @type {[string, [number, number]][]} */ ([
    ["W", [4, 0xffff]],
    ["G", [4, 4]],
    ["S", [0, 0xffff]],
    ["Q", [5, 0xffff]],
    ["J", [11, 0xffffff]],
    ["F", [11, 11]],
    ["L", [10, 0xffffff]],
    ["R", [9, 0xffffff]],
    ["N", [8, 0xffffff]],
    ["C", [12, 12]],
    ["V", [9, 0xffff]],
    ["H", [2, 0xffffff]],
    ["T", [1, 1]],
    ["E", [13, 13]],
    ["I", [5, 0x7ffff]],
    ["P", [9, 9]],
    ["X", [0, 0xffff]],
    ["k", [8, 0xffffff]],
  ]),
);

const HEAD = 4;

/**
 * Check a record's type and length, as soon as these have come.
 * @param {string} kind
 * @param {number} length
 */
function checkHead(kind, length) {
  const [least, most] = LENGTHS.get(kind) ?? [0, 0xffffff];
  need(LENGTHS.has(kind) || (kind >= "a" && kind <= "z"), `records of type ${kind} are unknown`);
  need(length >= least && length <= most, `a record ${kind} has ${length} bytes`);
}

/** Cuts a response's body, which comes in pieces of any size, at the ends of records. */
export class Framing {
  /** What has come of the next record. */
  #held = new Uint8Array(1 << 16);
  #length = 0;
  /** How many bytes that record has, as far as is known. */
  #wanted = HEAD;

  /**
   * Take the next piece; give all records that are whole now, in memory of their own.
   * @param {Uint8Array} piece
   * @returns {Uint8Array}
   */
  take(piece) {
    this.#append(piece);
    let end = 0;
    while (this.#length - end >= this.#wanted) {
      const length = payloadLength(this.#held, end);
      checkHead(String.fromCharCode(this.#held[end]), length);
      this.#wanted = HEAD + length;
      if (this.#length - end < this.#wanted) break;
      end += this.#wanted;
      this.#wanted = HEAD;
    }
    const whole = this.#held.slice(0, end);
    this.#held.copyWithin(0, end, this.#length);
    this.#length -= end;
    return whole;
  }

  /** @param {Uint8Array} piece */
  #append(piece) {
    const length = this.#length + piece.length;
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#held.length));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(piece, this.#length);
    this.#length = length;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 */
function payloadLength(bytes, at) {
  return (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

/**
 * List the records of a block that holds whole ones; those of unknown ancillary types are left out.
 * Bytes in them are views of the block.
 * @param {Uint8Array} block
 * @returns {Generator<UpdateRecord>}
 */
export function* recordsOf(block) {
  for (let at = 0; at < block.length; ) {
    const kind = String.fromCharCode(block[at]);
    const length = payloadLength(block, at);
    if (LENGTHS.has(kind)) yield read(kind, block.subarray(at + HEAD, at + HEAD + length));
    at += HEAD + length;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * @param {Uint8Array} bytes
 * @returns {Record<string, unknown>}
 */
function json(bytes) {
  let value;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    value = null;
  }
  need(value instanceof Object && !Array.isArray(value), "a record holds no JSON object");
  return value;
}

/**
 * @param {Uint8Array} bytes
 * @returns {Hello}
 */
function hello(bytes) {
  need(String.fromCharCode(...bytes.subarray(0, 4)) === "WCU1", "this is no stream of updates");
  const facts = json(bytes.subarray(4));
  need(facts.version === 1, "the updates are of another version");
  need(typeof facts.run === "string" && typeof facts.form === "string", "a hello lacks its run");
  return /** @type {Hello} */ (/** @type {unknown} */ (facts));
}

/**
 * @param {unknown} value
 * @returns {string | null}
 */
const textOrNull = (value) => (typeof value === "string" ? value : null);

/**
 * @param {Uint8Array} bytes
 * @returns {DisplayState}
 */
function displayOf(bytes) {
  const { state, reason, since } = json(bytes);
  const seconds = typeof since === "number" ? since : null;
  return { state: String(state), reason: textOrNull(reason), since: seconds };
}

/**
 * Read one record of a known type.
 * @param {string} kind
 * @param {Uint8Array} bytes
 * @returns {UpdateRecord}
 */
function read(kind, bytes) {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u8 = (/** @type {number} */ at) => fields.getUint8(at);
  const u16 = (/** @type {number} */ at) => fields.getUint16(at);
  const u64 = (/** @type {number} */ at) => Number(fields.getBigUint64(at));
  const rest = (/** @type {number} */ at) => bytes.subarray(at);
  const area = (at = 0) => ({ x: u16(at), y: u16(at + 2), w: u16(at + 4), h: u16(at + 6) });
  switch (kind) {
    case "W":
      return { kind, hello: hello(bytes) };
    case "G":
      return { kind, width: u16(0), height: u16(2) };
    case "S":
      return { kind, display: displayOf(bytes) };
    case "Q":
      return { kind, id: u8(0), sizeAt: u16(1), intervalAt: u16(3), header: rest(5) };
    case "J":
      return { kind, area: area(), id: u8(8), interval: u16(9), scan: rest(11) };
    case "F":
      return { kind, area: area(), rgb: rest(8) };
    case "L":
      return { kind, area: area(), flags: u8(8), colours: u8(9) + 1, data: rest(10) };
    case "R":
      return { kind, area: area(), flags: u8(8), data: rest(9) };
    case "N":
      return { kind, area: area(), png: rest(8) };
    case "C":
      return { kind, area: area(), fromX: u16(8), fromY: u16(10) };
    case "V":
      return { kind, id: u8(0), area: area(1), header: rest(9) };
    case "H":
      need(u8(1) < 2, "a frame has an unknown flag");
      return { kind, id: u8(0), isKey: u8(1) === 1, fragment: rest(2) };
    case "T":
      return { kind, id: u8(0) };
    case "E":
      need(u8(4) < 2, "a mark has an unknown flag");
      return { kind, number: fields.getUint32(0), partial: u8(4) === 1, captured: u64(5) };
    case "I":
      return { kind, id: u8(0), hotX: u16(1), hotY: u16(3), png: rest(5) };
    case "P":
      return { kind, id: u8(0), x: fields.getInt32(1), y: fields.getInt32(5) };
    case "k":
      return { kind, now: u64(0) };
    default:
      return { kind: "X", reason: textOrNull(json(bytes).reason) ?? "stopping" };
  }
}
