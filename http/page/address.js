// The addresses of a display, from that of the page: its token and its form go along.

/** What a viewer may ask for; docs/http.md. */
const FORM = ["width", "height", "scale", "crop", "rotate", "flip", "gray", "quality", "fps"];

/** The parameters of the page's own address; of names given twice the last counts. */
const given = new Map(
  [...new URLSearchParams(location.search)].map(([name, value]) => [name.toLowerCase(), value]),
);

/** The form that is asked for, which the menu changes. */
const form = new Map(FORM.flatMap((name) => (given.has(name) ? [[name, given.get(name) ?? ""]] : [])));

/** @param {string} name */
export const parameter = (name) => given.get(name) ?? null;

/** @param {string} name */
export const formValue = (name) => form.get(name) ?? "";

/**
 * Ask for another form; the page's address tells it, to be shared or kept.
 * @param {string} name
 * @param {string} value empty: without
 */
export function setForm(name, value) {
  const query = new URLSearchParams(location.search);
  query.delete(name);
  form.delete(name);
  if (value) {
    form.set(name, value);
    query.set(name, value);
  }
  // Words without "=", such as "embed", stay such.
  const text = query.toString().replace(/=(?=&|$)/g, "");
  history.replaceState(null, "", text ? `?${text}` : location.pathname);
}

/**
 * Give the absolute address of a page of the display.
 * @param {string} page
 * @param {Record<string, string>} [more]
 * @param {boolean} [withForm]
 * @returns {string}
 */
export function addressOf(page, more = {}, withForm = false) {
  const token = given.get("token");
  const pairs = [
    ...(withForm ? form : []),
    ...Object.entries(more),
    ...(token === undefined ? [] : [["token", token]]),
  ];
  const query = pairs.map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join("");
  return `${folder()}?${page}${query}`;
}

/** Give the address below which all pages are; this one may be called by a name of its own: /embed. */
const folder = () => `${location.origin}${location.pathname.replace(/[^/]*$/, "")}`;

/**
 * Give the absolute address of what changes: of a stream, or of the way in to what caches keep.
 * @returns {string}
 */
export function updatesAddress() {
  if (parameter("via") === "names" && !form.size) return addressOf("updates", { tiles: "names" });
  if (!isFromCache()) return addressOf("updates", {}, true);
  const token = given.get("token");
  return `${folder()}manifest${token === undefined ? "" : `?token=${encodeURIComponent(token)}`}`;
}

/** Caches keep the screen in one form only, as it is. */
function isFromCache() {
  const via = parameter("via");
  if (form.size || via === "server") return false;
  return via === "cache" || (isAnnounced() && isMultiplexed());
}

/** Whether the server has said that there are caches. */
function isAnnounced() {
  return document.documentElement.dataset.announce === "cache";
}

/** Whether requests share a connection; else there are six, which tiles would fill. */
function isMultiplexed() {
  const [page] = /** @type {PerformanceNavigationTiming[]} */ (
    performance.getEntriesByType("navigation")
  );
  return ["h2", "h3"].includes(page?.nextHopProtocol ?? "");
}
