// Which tiles are shown, and in which order.  Pure.

/** @typedef {"listed" | "name" | "trouble"} Order */
/** @typedef {{ name: string, isLive: boolean }} Described */

const GONE = 20;

export const ORDERS = /** @type {const} */ (["listed", "name", "trouble"]);

/**
 * What the address of the wall asks for.
 * @typedef {object} Wishes
 * @property {string} filter
 * @property {Order} order
 * @property {number} seconds of each display in the carousel; 0 for none
 * @property {number} gone seconds that a display is still shown which has stopped
 */

/**
 * @param {string} search
 * @returns {Wishes}
 */
export function wishesOf(search) {
  const query = new URLSearchParams(search);
  /** @param {string} name */
  const number = (name) => Math.min(Number(query.get(name) || NaN), 86_400);
  const [seconds, gone] = [number("seconds"), number("gone")];
  return {
    filter: query.get("filter") ?? "",
    order: ORDERS.find((one) => one === query.get("order")) ?? "listed",
    seconds: seconds > 0 ? Math.max(seconds, 1) : 0,
    gone: gone >= 0 ? gone : GONE,
  };
}

/**
 * Choose the tiles that have all words of the filter in their names, in order.
 * @template {Described} T
 * @param {readonly T[]} tiles as listed
 * @param {string} filter
 * @param {Order} order
 * @returns {T[]}
 */
export function chosen(tiles, filter, order) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const found = tiles.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  if (order === "name") {
    found.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  }
  // Sorting is stable: those alike stay as they were listed.
  if (order === "trouble") found.sort((a, b) => Number(a.isLive) - Number(b.isLive));
  return found;
}
