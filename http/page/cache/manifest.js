// Manifests, as docs/manifest.md says: which parts a reader needs, and which groups these name.
//
// Pure: bytes in, bytes out.  What comes out are records of a stream of updates.

import { joined } from "../stream/bytes.js";
import { Framing, HEAD, UpdateError, need, rawRecordsOf } from "../stream/framing.js";
import { recordOf } from "../stream/records.js";

/** @import { Hello } from "../stream/records.js" */

/** @typedef {import("../stream/framing.js").RawRecord} RawRecord */
/** @typedef {{ run: string, form: string, number: number }} Held what a reader has whole */
/** @typedef {{ name: string, size: number }} GroupName */
/** @typedef {{ isStep: boolean, number: number, records: RawRecord[] }} ManifestPart */
/**
 * @typedef {object} Manifest
 * @property {Hello} hello
 * @property {RawRecord[]} head W and S
 * @property {ManifestPart[]} parts
 * @property {RawRecord[]} tail from the mark on, without the end
 * @property {number} number of the state
 */

const STEP = 1;

/**
 * Read a whole manifest.
 * @param {Uint8Array} body
 * @returns {Manifest}
 */
export function manifestOf(body) {
  const block = new Framing().take(body);
  need(block.length === body.length, "a manifest is cut off");
  /** @type {RawRecord[]} */
  const head = [];
  /** @type {RawRecord[]} */
  const tail = [];
  /** @type {ManifestPart[]} */
  const parts = [];
  let number = -1;
  let hasEnded = false;
  for (const raw of rawRecordsOf(block)) {
    need(!hasEnded, "a manifest goes on behind its end");
    const record = recordOf(raw);
    if (record?.kind === "X") hasEnded = true;
    else if (record?.kind === "A") {
      need(number < 0 && record.flags <= STEP, "a part of a manifest is unknown");
      parts.push({ isStep: record.flags === STEP, number: record.number, records: [] });
    } else if (record?.kind === "E" || number >= 0) {
      tail.push(raw);
      if (record?.kind === "E") number = record.number;
    } else {
      (parts.at(-1)?.records ?? head).push(raw);
    }
  }
  const hello = head.length ? recordOf(head[0]) : null;
  if (hello?.kind !== "W") throw new UpdateError("a manifest has no hello");
  need(number >= 0 && hasEnded, "a manifest is cut off");
  return { hello: hello.hello, head, parts, tail, number };
}

/**
 * Tell whether a manifest is of the picture that a reader has.
 * @param {Manifest} manifest
 * @param {Held | null} held
 * @returns {boolean}
 */
export function continues({ hello }, held) {
  return held !== null && hello.run === held.run && hello.form === held.form;
}

/**
 * Give the records that lead a reader to the state of a manifest; those of groups stand in them.
 *
 * Before each step but the one from the reader's own state there is a mark: what it copies is of
 * the state before it.
 * @param {Manifest} manifest
 * @param {Held | null} held
 * @returns {RawRecord[]}
 */
export function neededOf(manifest, held) {
  const number = held && continues(manifest, held) ? held.number : -1;
  const steps = manifest.parts.filter((part) => part.isStep);
  const others = manifest.parts.filter((part) => !part.isStep);
  const isFollowed = steps.some((step) => step.number === number);
  const since = isFollowed ? number : (others.at(-1)?.number ?? -1);
  const parts = isFollowed ? [] : others.filter((part) => part.number > number);
  const following = steps.filter((step) => step.number >= since);
  return [
    ...parts.flatMap(({ records }) => records),
    ...following.flatMap((step) =>
      step.number === number ? step.records : [markOf(manifest, step.number), ...step.records],
    ),
  ];
}

/**
 * Make the mark of a state that a manifest leads through.
 * @param {Manifest} manifest
 * @param {number} number
 * @returns {RawRecord}
 */
function markOf({ tail }, number) {
  const bytes = tail[0].bytes.slice();
  new DataView(bytes.buffer).setUint32(HEAD, number);
  return { kind: "E", bytes };
}

/**
 * List the groups that records name.
 * @param {Iterable<RawRecord>} records
 * @returns {GroupName[]}
 */
export function groupsIn(records) {
  const names = [];
  for (const raw of records) {
    const record = raw.kind === "U" ? recordOf(raw) : null;
    if (record?.kind === "U") names.push({ name: record.name, size: record.size });
  }
  return names;
}

/**
 * Put the records of groups where they are named.
 * @param {Iterable<RawRecord>} records
 * @param {ReadonlyMap<string, Uint8Array>} groups by their names
 * @returns {Uint8Array}
 */
export function assembled(records, groups) {
  /** @type {Uint8Array[]} */
  const pieces = [];
  /** JPEG headers that stand outside of groups, and those that a group has put in their place. */
  /** @type {Map<number, Uint8Array>} */
  const headers = new Map();
  /** @type {Set<number>} */
  const replaced = new Set();
  for (const { kind, bytes } of records) {
    if (kind === "U") {
      pieces.push(groupOf({ kind, bytes }, groups, replaced));
      continue;
    }
    const id = bytes[kind === "J" ? 12 : 4];
    if (kind === "Q") {
      headers.set(id, bytes);
      replaced.delete(id);
    } else if (kind === "J" && replaced.delete(id)) {
      pieces.push(headers.get(id) ?? new Uint8Array(0));
    }
    pieces.push(bytes);
  }
  return joined(pieces);
}

/**
 * Put groups where a block of a stream has their names.
 * @param {Uint8Array} block
 * @param {(names: GroupName[]) => Promise<ReadonlyMap<string, Uint8Array>>} get
 * @returns {Promise<Uint8Array>}
 */
export async function filled(block, get) {
  const records = [...rawRecordsOf(block)];
  return assembled(records, await get(groupsIn(records)));
}

/**
 * Give the records of a group, and note whose JPEG headers they replace.
 * @param {RawRecord} raw
 * @param {ReadonlyMap<string, Uint8Array>} groups
 * @param {Set<number>} replaced
 * @returns {Uint8Array}
 */
function groupOf(raw, groups, replaced) {
  const [{ name, size }] = groupsIn([raw]);
  const body = groups.get(name);
  need(body, "a group is missing");
  need(body.length === size, "a group has another size");
  need(new Framing().take(body).length === size, "a group is cut off");
  for (const { kind, bytes } of rawRecordsOf(body)) {
    need("QJFLRNI".includes(kind), `a group has a record ${kind}`);
    if (kind === "Q") replaced.add(bytes[4]);
  }
  return body;
}
