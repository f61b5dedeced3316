// The records of an update stream, version 1, as docs/updates.md says: bytes to values.
//
// Pure: no network, no clock, no canvas.  Whatever breaks a rule raises UpdateError.

import { HEAD, isKnown, need, rawRecordsOf } from "./framing.js";

/** @import { RawRecord } from "./framing.js" */
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
 *   | { kind: "U", size: number, name: string }
 *   | { kind: "A", flags: number, number: number }
 *   | { kind: "E", number: number, partial: boolean, captured: number }
 *   | { kind: "I", id: number, hotX: number, hotY: number, png: Uint8Array }
 *   | { kind: "P", id: number, x: number, y: number }
 *   | { kind: "k", now: number }
 *   | { kind: "X", reason: string }} UpdateRecord
 */

/**
 * Read a record; null if it is of an unknown ancillary type.
 * @param {RawRecord} raw
 * @returns {UpdateRecord | null}
 */
export function recordOf({ kind, bytes }) {
  const payload = bytes.subarray(HEAD);
  return isKnown(kind) ? (readRectangle(kind, payload) ?? read(kind, payload)) : null;
}

/**
 * List the records of a block that holds whole ones; those of unknown ancillary types are left out.
 * @param {Uint8Array} block
 * @returns {Generator<UpdateRecord>}
 */
export function* recordsOf(block) {
  for (const raw of rawRecordsOf(block)) {
    const record = recordOf(raw);
    if (record) yield record;
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

/** @param {Uint8Array} bytes */
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * @param {Uint8Array} bytes
 * @returns {DisplayState}
 */
function displayOf(bytes) {
  const { state, reason, since } = json(bytes);
  const seconds = typeof since === "number" ? since : null;
  return { state: String(state), reason: textOrNull(reason), since: seconds };
}

/** @param {DataView} fields */
function areaAt(fields, at = 0) {
  const [x, y, w, h] = [0, 2, 4, 6].map((more) => fields.getUint16(at + more));
  return { x, y, w, h };
}

/**
 * Read a rectangle.
 * @param {string} kind
 * @param {Uint8Array} bytes
 * @returns {UpdateRecord | null} null if it is no rectangle
 */
function readRectangle(kind, bytes) {
  if (!"JFLRNC".includes(kind)) return null;
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u8 = (/** @type {number} */ at) => fields.getUint8(at);
  const u16 = (/** @type {number} */ at) => fields.getUint16(at);
  const rest = (/** @type {number} */ at) => bytes.subarray(at);
  const area = areaAt(fields);
  switch (kind) {
    case "J":
      return { kind, area, id: u8(8), interval: u16(9), scan: rest(11) };
    case "F":
      return { kind, area, rgb: rest(8) };
    case "L":
      return { kind, area, flags: u8(8), colours: u8(9) + 1, data: rest(10) };
    case "R":
      return { kind, area, flags: u8(8), data: rest(9) };
    case "N":
      return { kind, area, png: rest(8) };
    default:
      return { kind: "C", area, fromX: u16(8), fromY: u16(10) };
  }
}

/**
 * Read one record of a known type that is no rectangle.
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
  switch (kind) {
    case "W":
      return { kind, hello: hello(bytes) };
    case "G":
      return { kind, width: u16(0), height: u16(2) };
    case "S":
      return { kind, display: displayOf(bytes) };
    case "Q":
      return { kind, id: u8(0), sizeAt: u16(1), intervalAt: u16(3), header: rest(5) };
    case "V":
      return { kind, id: u8(0), area: areaAt(fields, 1), header: rest(9) };
    case "H":
      need(u8(1) < 2, "a frame has an unknown flag");
      return { kind, id: u8(0), isKey: u8(1) === 1, fragment: rest(2) };
    case "T":
      return { kind, id: u8(0) };
    case "U":
      return { kind, size: fields.getUint32(0), name: hex(rest(4)) };
    case "A":
      return { kind, flags: u8(0), number: fields.getUint32(1) };
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
