// The framing of records: a letter, a length, a payload; docs/updates.md, section 2.
//
// Pure.  Whatever breaks a rule raises UpdateError.

export class UpdateError extends Error {}

/**
 * @param {unknown} condition
 * @param {string} sentence
 * @returns {asserts condition}
 */
export function need(condition, sentence) {
  if (!condition) throw new UpdateError(sentence);
}

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
    ["U", [20, 20]],
    ["A", [5, 5]],
    ["E", [13, 13]],
    ["I", [5, 0x7ffff]],
    ["P", [9, 9]],
    ["X", [0, 0xffff]],
    ["k", [8, 0xffffff]],
  ]),
);

/** Bytes before a payload. */
export const HEAD = 4;

/**
 * Whether records of a type are known; of others, those in lower case are skipped.
 * @param {string} kind
 */
export const isKnown = (kind) => LENGTHS.has(kind);

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

/** @typedef {{ kind: string, bytes: Uint8Array }} RawRecord a record, from its type on */

/**
 * Cut a block that holds whole records; bytes in them are views of the block.
 * @param {Uint8Array} block
 * @returns {Generator<RawRecord>}
 */
export function* rawRecordsOf(block) {
  for (let at = 0; at < block.length; ) {
    const end = at + HEAD + payloadLength(block, at);
    yield { kind: String.fromCharCode(block[at]), bytes: block.subarray(at, end) };
    at = end;
  }
}
