// The wall: all displays there are, arranged to fill the window.

import { byId, set } from "../dom.js";
import { arrange, captionHeight, commonAspect } from "./arrange.js";
import { Carousel } from "./carousel.js";
import { Listing } from "./listing.js";
import { chosen, wishesOf } from "./selection.js";
import { Tile } from "./tile.js";

/** @import { Listed } from "./listing.js" */
/** @import { Order } from "./selection.js" */

const GAP = 4;
/** A wall on which nobody moves anything shows displays and nothing else. */
const IDLE_MS = 5000;
const DEFAULT_SECONDS = 10;
const UPDATE_MS = 100;

class Wall {
  #wishes = wishesOf(location.search);
  #token = new URLSearchParams(location.search).get("token") ?? "";
  #list = byId("tiles");
  #filter = /** @type {HTMLInputElement} */ (byId("filter"));
  #order = /** @type {HTMLSelectElement} */ (byId("order"));
  /** By address, as listed. */
  /** @type {Map<string, Tile>} */
  #tiles = new Map();
  /** Those on the page, in order. */
  /** @type {Tile[]} */
  #shown = [];
  #hasListed = false;
  #hadTrouble = false;
  #carousel = new Carousel(() => this.#showNext(1));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #updating;

  constructor() {
    this.#filter.value = this.#wishes.filter;
    this.#order.value = this.#wishes.order;
    this.#filter.addEventListener("input", () => this.#wish({ filter: this.#filter.value.trim() }));
    this.#order.addEventListener("change", () => {
      this.#wish({ order: /** @type {Order} */ (this.#order.value) });
    });
    byId("carousel").addEventListener("click", () => this.#toggleCarousel());
    byId("fullscreen").addEventListener("click", () => this.#toggleFullscreen());
    document.addEventListener("keydown", (event) => this.#onKey(event));
    addEventListener("popstate", () => this.#arrange());
    new ResizeObserver(() => this.#arrange()).observe(this.#list.parentElement ?? this.#list);
    hideControlsAtRest();
    const query = this.#token && `?token=${encodeURIComponent(this.#token)}`;
    new Listing(new URL(`displays${query}`, location.href).href, (listed) => this.#take(listed));
  }

  /** @param {Listed} listed */
  #take({ addresses, trouble }) {
    set(byId("notice"), trouble || (addresses?.length === 0 ? "No display runs here." : ""));
    const isBack = this.#hadTrouble && !trouble;
    this.#hadTrouble = trouble !== "";
    if (!addresses) return;
    if (isBack) for (const tile of this.#tiles.values()) tile.retry();
    for (const address of addresses) {
      if (!this.#tiles.has(address)) this.#tiles.set(address, this.#makeTile(address));
    }
    for (const [address, tile] of this.#tiles) {
      const isListed = addresses.includes(address);
      tile.setListed(isListed);
      const gone = (Date.now() - (tile.unlistedSince ?? Infinity)) / 1000;
      if ((gone > this.#wishes.gone && !tile.isLive) || !(isListed || tile.isCertain)) this.#remove(address);
    }
    if (!this.#hasListed) this.#begin();
    this.#update();
  }

  /** The first list has come. */
  #begin() {
    this.#hasListed = true;
    if (this.#wishes.seconds) this.#toggleCarousel();
  }

  /** @param {string} address */
  #makeTile(address) {
    const tile = new Tile(address, this.#token, () => {
      if (this.#carousel.isRunning) this.#toggleCarousel();
      else this.#zoom(this.#zoomed() === tile ? null : tile);
    });
    tile.onChange = () => this.#updateSoon();
    return tile;
  }

  /** @param {string} address */
  #remove(address) {
    this.#tiles.get(address)?.close();
    this.#tiles.delete(address);
  }

  /** Tiles change one by one, and some times a second: once for all. */
  #updateSoon() {
    this.#updating ??= setTimeout(() => this.#update(), UPDATE_MS);
  }

  /** Bring the page to what the tiles tell; often there is nothing to do. */
  #update() {
    clearTimeout(this.#updating);
    this.#updating = undefined;
    const certain = [...this.#tiles.values()].filter(({ isCertain }) => isCertain);
    const shown = chosen(certain, this.#wishes.filter, this.#wishes.order);
    const isAsBefore =
      shown.length === this.#shown.length && shown.every((tile, at) => tile === this.#shown[at]);
    if (!isAsBefore) {
      const focused = document.activeElement;
      this.#shown = shown;
      this.#list.replaceChildren(...shown.map(({ element }) => element));
      if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
    }
    this.#arrange();
    this.#sum(certain);
  }

  /** @param {Tile[]} tiles */
  #sum(tiles) {
    const live = tiles.filter(({ isLive }) => isLive).length;
    const hidden = tiles.length - this.#shown.length;
    const words = [
      `${live} of ${tiles.length} live`,
      hidden > 0 && `${hidden} filtered out`,
      this.#carousel.isRunning && `each for ${this.#carousel.seconds} s`,
    ];
    const sentence = words.filter(Boolean).join(", ");
    set(byId("summary"), sentence);
    const title = `${sentence} – Displays`;
    if (document.title !== title) document.title = title;
  }

  #arrange() {
    const { clientWidth: width, clientHeight: height } = this.#list;
    const aspects = this.#shown.map(({ aspect }) => aspect).filter(Boolean);
    const zoomed = this.#zoomed();
    const caption = captionHeight(height);
    const count = zoomed ? 1 : this.#shown.length;
    const common = zoomed ? width / Math.max(1, height - caption) : commonAspect(aspects);
    const found = arrange(count, { width, height }, common, GAP, caption);
    const { style } = this.#list;
    style.gap = `${GAP}px`;
    style.gridTemplateColumns = `repeat(${found.columns}, ${found.width}px)`;
    style.gridAutoRows = `${found.height + caption}px`;
    style.setProperty("--caption", `${caption}px`);
    this.#list.classList.toggle("scrolls", found.scrolls);
    for (const tile of this.#shown) {
      tile.element.hidden = zoomed !== null && tile !== zoomed;
      tile.element.classList.toggle("zoomed", tile === zoomed);
    }
  }

  /**
   * Show one display in full size, or all.
   * @param {Tile | null} tile
   * @param {boolean} [isVisit] whether the browser's back button leads back
   */
  #zoom(tile, isVisit = true) {
    const hash = tile ? `#${encodeURIComponent(tile.key)}` : "";
    if (hash !== location.hash) {
      const target = `${location.pathname}${location.search}${hash}`;
      if (isVisit) history.pushState(null, "", target);
      else history.replaceState(null, "", target);
    }
    this.#arrange();
  }

  /** Give the display that is shown in full size, as the page's address tells; null for all. */
  #zoomed() {
    const wanted = location.hash.slice(1);
    return this.#shown.find(({ key }) => encodeURIComponent(key) === wanted) ?? null;
  }

  /** @param {1 | -1} step */
  #showNext(step) {
    const tiles = this.#shown.filter(({ unlistedSince }) => unlistedSince === null);
    if (!tiles.length) return;
    const zoomed = this.#zoomed();
    const at = zoomed ? tiles.indexOf(zoomed) : -1;
    const next = at < 0 ? (step > 0 ? 0 : tiles.length - 1) : at + step + tiles.length;
    this.#zoom(tiles[next % tiles.length], false);
  }

  /**
   * Change what is shown; the page's address tells it, to be shared or kept.
   * @param {Partial<import("./selection.js").Wishes>} change
   */
  #wish(change) {
    Object.assign(this.#wishes, change);
    const { filter, order, seconds } = this.#wishes;
    const query = new URLSearchParams(location.search);
    const pairs = { filter, order: order === "listed" ? "" : order, seconds: seconds || "" };
    for (const [name, value] of Object.entries(pairs)) {
      if (value) query.set(name, String(value));
      else query.delete(name);
    }
    const text = query.toString();
    history.replaceState(null, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
    this.#update();
  }

  #toggleCarousel() {
    if (this.#carousel.isRunning) {
      this.#carousel.stop();
      this.#zoom(null);
    } else {
      this.#carousel.start(this.#wishes.seconds || DEFAULT_SECONDS);
    }
    this.#wish({ seconds: this.#carousel.seconds });
    byId("carousel").setAttribute("aria-pressed", String(this.#carousel.isRunning));
  }

  #toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch(() => {});
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target === this.#filter || event.target === this.#order;
    if (event.key === "Escape" && this.#zoomed()) this.#zoom(null);
    if (isTyping) return;
    if (event.key === "f") this.#toggleFullscreen();
    else if (event.key === "c") this.#toggleCarousel();
    else if (event.key === "/") this.#filter.focus();
    else if (event.key === "ArrowRight" && this.#zoomed()) this.#showNext(1);
    else if (event.key === "ArrowLeft" && this.#zoomed()) this.#showNext(-1);
    else return;
    event.preventDefault();
  }
}

/** Hide what is beside the displays while they fill the screen and nobody moves anything. */
function hideControlsAtRest() {
  const isFull = matchMedia("(display-mode: fullscreen)");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const wake = () => {
    clearTimeout(timer);
    document.body.classList.remove("idle");
    timer = setTimeout(() => {
      const fills = isFull.matches || document.fullscreenElement !== null;
      document.body.classList.toggle("idle", fills && document.activeElement === document.body);
    }, IDLE_MS);
  };
  for (const name of ["pointermove", "pointerdown", "keydown", "fullscreenchange", "focusin"]) {
    document.addEventListener(name, wake);
  }
  isFull.addEventListener("change", wake);
  wake();
}

new Wall();
