// One display on the wall: its picture in the size of the tile, its name and its state.

import { make, set } from "../dom.js";
import { UNREACHABLE } from "../stream/answer.js";
import { PlainScreen } from "../stream/plainscreen.js";
import { Screen, canShowUpdates } from "../stream/screen.js";
import { Veil } from "../stream/veil.js";
import { requestWidth } from "./arrange.js";
import { whyUnreadable } from "./reach.js";

/** @import { Verdict } from "../stream/truth.js" */

/** A picture that is asked for in another size is in colour until it comes, for so long at most. */
const RESIZE_MS = 1000;
/** How long a window that is being resized has to rest. */
const REST_MS = 300;
/** A tile that is hidden this long, behind one in full size or by the filter, gets a tiny picture. */
const HIDDEN_MS = 2000;
/** A display of which nothing was heard is one that only seems to run, for so long. */
const DOUBT_MS = 5000;
/** How often it is found out why another server gives nothing. */
const WHY_MS = 10_000;

export class Tile {
  element = make("li", "tile");
  /** Called when anything has changed, and some times a second. */
  onChange = () => {};
  isLive = false;
  /** Since when it is listed no more, in ms since 1970. */
  /** @type {number | null} */
  unlistedSince = null;
  #address;
  #label;
  #stage = make("div", "stage");
  #name = make("a", "name");
  #state = make("span", "state");
  #veil;
  /** @type {Screen | PlainScreen} */
  #screen;
  #isHidden = false;
  /** The width that is asked for. */
  #width = 0;
  #resizedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;
  #began = Date.now();
  /** Why nothing of it can be read, if that is known to be more than that it does not answer. */
  #why = "";
  #askedWhy = 0;
  #watching = new ResizeObserver(() => this.#onResize());

  /**
   * @param {string} address of the display's page, absolute
   * @param {string} token of the wall itself, for displays of the same server
   * @param {() => void} onClick
   */
  constructor(address, token, onClick) {
    this.#address = new URL(address);
    if (token && this.isOurs) this.#address.searchParams.set("token", token);
    this.#label = labelOf(this.#address);
    this.#veil = new Veil(() => this.retry());
    this.#width = requestWidth(320 * devicePixelRatio);
    this.#screen = canShowUpdates ? new Screen(this.#source()) : this.#plain();
    this.#listen();
    this.#stage.append(this.#screen.element, this.#veil.element);
    this.#stage.addEventListener("click", ({ target }) => {
      if (!(target instanceof HTMLButtonElement)) onClick();
    });
    this.#name.href = this.#address.href;
    this.#name.title = "Show it alone";
    this.#name.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      onClick();
    });
    this.element.append(this.#stage, this.#makeCaption());
    this.#watching.observe(this.#stage);
    this.update();
  }

  #makeCaption() {
    const alone = make("a", "alone", "↗");
    alone.href = this.#address.href;
    alone.target = "_blank";
    alone.rel = "noopener";
    alone.title = "Its own page";
    const caption = make("div", "caption");
    caption.append(this.#name, this.#state, alone);
    return caption;
  }

  /** Whether the server of the wall shows it, too. */
  get isOurs() {
    return this.#address.origin === location.origin;
  }

  get name() {
    return this.#screen.name || this.#label;
  }

  /** What the wall's own address calls it. */
  get key() {
    const { origin, pathname } = this.#address;
    return this.isOurs ? pathname : origin + pathname;
  }

  /** Whether it is known to be there, or somebody said that it has to be. */
  get isCertain() {
    const isItself = this.#address.pathname === new URL(".", location.href).pathname;
    const isNew = Date.now() - this.#began < DOUBT_MS;
    return this.#screen.name !== "" || this.isLive || !this.isOurs || isItself || !isNew;
  }

  /** Width of the picture by its height; 0 while it is not known. */
  get aspect() {
    return this.#screen.height ? this.#screen.width / this.#screen.height : 0;
  }

  focus() {
    this.#name.focus();
  }

  /** Try now what would be tried later. */
  retry() {
    if (this.#screen.verdict.state === "offline") this.#screen.retry();
  }

  /**
   * Take note whether the display is listed.
   * @param {boolean} isListed
   */
  setListed(isListed) {
    if (isListed === (this.unlistedSince === null)) return;
    this.unlistedSince = isListed ? null : Date.now();
    if (isListed) this.retry();
    this.update();
  }

  close() {
    clearTimeout(this.#resting);
    this.#watching.disconnect();
    this.#screen.close();
    this.element.remove();
  }

  #listen() {
    const screen = this.#screen;
    screen.onChange = () => this.update();
    if (!(screen instanceof Screen)) return;
    screen.onGiveUp = () => {
      this.#screen = this.#plain();
      screen.element.replaceWith(this.#screen.element);
      screen.close();
      this.#listen();
    };
  }

  #plain() {
    return new PlainScreen(this.#source("stream"), false);
  }

  /**
   * Give the address of the picture in the size of the tile.
   * @param {string} [page]
   */
  #source(page = "updates") {
    const { origin, pathname, searchParams } = this.#address;
    const token = searchParams.get("token");
    const given = token === null ? "" : `&token=${encodeURIComponent(token)}`;
    return `${origin}${pathname}?${page}&width=${this.#width}${given}`;
  }

  /** @returns {Verdict} */
  #verdict() {
    const { verdict } = this.#screen;
    if (this.unlistedSince !== null && !verdict.live) {
      const since = verdict.since ?? this.unlistedSince;
      const sentence = "It no longer answers.";
      return { state: "offline", live: false, word: "Gone", sentence, since, retryAt: null };
    }
    if (verdict.sentence === UNREACHABLE && !this.isOurs && !this.#screen.name) {
      this.#askWhy();
      const told = { ...verdict, word: "Not shown", sentence: this.#why, since: null };
      return this.#why ? told : verdict;
    }
    const isResizing = verdict.state === "connecting" && Date.now() - this.#resizedAt < RESIZE_MS;
    return isResizing ? { ...verdict, state: "live", live: true, word: "Live", sentence: "" } : verdict;
  }

  async #askWhy() {
    if (Date.now() - this.#askedWhy < WHY_MS) return;
    this.#askedWhy = Date.now();
    this.#why = await whyUnreadable(this.#address);
  }

  update() {
    const verdict = this.#verdict();
    this.isLive = verdict.live;
    this.#screen.element.classList.toggle("stale", !verdict.live);
    this.#state.classList.toggle("stale", !verdict.live);
    this.#veil.update(verdict, Date.now());
    set(this.#name, this.name);
    set(this.#state, summaryOf(verdict));
    this.#state.title = verdict.sentence;
    this.#screen.canvas.setAttribute("aria-label", `The screen of ${this.name}`);
    this.#place();
    this.onChange();
  }

  /** Scale the picture into its stage. */
  #place() {
    const { width, height, element } = this.#screen;
    const { clientWidth, clientHeight } = this.#stage;
    if (!width || !clientWidth) return;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    const left = Math.round((clientWidth - width * scale) / 2);
    const top = Math.round((clientHeight - height * scale) / 2);
    element.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
  }

  #onResize() {
    this.#place();
    const wasHidden = this.#isHidden;
    this.#isHidden = !this.#stage.clientWidth;
    clearTimeout(this.#resting);
    const rest = wasHidden ? 0 : REST_MS;
    this.#resting = setTimeout(() => this.#request(), this.#isHidden ? HIDDEN_MS : rest);
  }

  /** Ask for the picture in the size that it is shown in. */
  #request() {
    const { clientWidth, clientHeight } = this.#stage;
    const shown = this.aspect ? Math.min(clientWidth, clientHeight * this.aspect) : clientWidth;
    const width = requestWidth(Math.round(shown * devicePixelRatio));
    if (width === this.#width) return;
    this.#width = width;
    const keepsPicture = this.#screen instanceof Screen;
    if (keepsPicture && this.#screen.verdict.live) this.#resizedAt = Date.now();
    this.#screen.show(this.#source(keepsPicture ? "updates" : "stream"));
  }
}

/**
 * Say in some words how it is with a display.
 * @param {Verdict} verdict
 * @returns {string}
 */
function summaryOf({ live, word, sentence, since }) {
  if (live) return [word, sentence].filter(Boolean).join(", ");
  return since === null ? word : `${word} since ${new Date(since).toLocaleTimeString()}`;
}

/**
 * Call a display by its address, until it tells its name.
 * @param {URL} address
 * @returns {string}
 */
function labelOf(address) {
  const number = /\/display\/(\d+)\/$/.exec(address.pathname)?.[1];
  const place = address.origin === location.origin ? "" : address.host;
  const path = number === undefined ? address.pathname.replace(/^\/|\/$/g, "") : `display ${number}`;
  return [place, path].filter(Boolean).join(" ") || address.host;
}
