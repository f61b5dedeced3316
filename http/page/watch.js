// A screen in a stage, with its veil, view and gestures: what the live page and frames share.

import { addressOf, parameter, updatesAddress } from "./address.js";
import { byId, set } from "./dom.js";
import { attachGestures } from "./gestures.js";
import { PlainScreen } from "./stream/plainscreen.js";
import { Screen, canShowUpdates } from "./stream/screen.js";
import { Veil } from "./stream/veil.js";
import { canShowVideo } from "./video/overlay.js";
import { VideoScreen } from "./video/videoscreen.js";
import { View } from "./view.js";

/** @import { Verdict } from "./stream/truth.js" */

/** @typedef {Screen | PlainScreen | VideoScreen} AnyScreen */

/** @type {Record<string, string>} */
const COLOURS = { live: "#2da44e", lost: "#d1242f", idle: "#8b949e" };

/**
 * In three kinds: what a dot or an icon can tell.
 * @param {Verdict} verdict
 * @returns {"live" | "lost" | "idle"}
 */
export function kindOf({ live, state }) {
  if (live) return "live";
  return state === "connecting" || state === "paused" ? "idle" : "lost";
}

export class Watch {
  stage = byId("stage");
  /** @type {AnyScreen} */
  screen;
  view;
  #veil;
  #announced = "";
  #icon = "";
  /** Called when anything has changed, and some times a second. */
  onChange = () => {};

  /** @param {boolean} isEmbedded */
  constructor(isEmbedded) {
    this.#veil = new Veil(() => (this.screen.isPaused ? this.screen.togglePause() : this.screen.retry()));
    this.screen = this.#open(parameter("way"));
    this.stage.append(this.screen.element, this.#veil.element);
    this.view = new View(this.stage, this.screen.element);
    this.#listen();
    attachGestures(this.stage, this.view, isEmbedded);
    this.stage.addEventListener("dblclick", () => this.toggleFullscreen());
    this.#update();
  }

  toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.stage.requestFullscreen?.().catch(() => {});
  }

  /** Ask for the form that the page's address tells now. */
  reload() {
    this.screen.show(this.#address());
  }

  #address() {
    if (this.screen instanceof VideoScreen) return addressOf("video", {}, true);
    return this.screen instanceof PlainScreen ? addressOf("stream", {}, true) : updatesAddress();
  }

  /**
   * Show the screen by the best way that there is, or by the one that is asked for.
   * @param {string | null} way
   * @returns {AnyScreen}
   */
  #open(way) {
    if (way === "video" && canShowVideo) return new VideoScreen(addressOf("video", {}, true));
    if (canShowUpdates && way !== "stream" && way !== "snapshots") {
      const video = way === "mixed" ? "always" : way === "updates" ? "never" : "slow";
      return new Screen(updatesAddress(), video);
    }
    return new PlainScreen(addressOf("stream", {}, true), way === "snapshots");
  }

  #listen() {
    const before = this.screen;
    before.onChange = () => this.#update();
    before.onGiveUp = () => {
      if (before !== this.screen || before instanceof PlainScreen) return;
      this.screen = this.#open(before instanceof VideoScreen ? null : "stream");
      before.element.replaceWith(this.screen.element);
      before.close();
      this.view.moveTo(this.screen.element);
      this.#listen();
      this.#update();
    };
  }

  #update() {
    const { screen } = this;
    const { verdict } = screen;
    this.view.resize(screen);
    screen.element.classList.toggle("stale", !verdict.live);
    screen.element.classList.toggle("held", verdict.state === "paused");
    this.#veil.update(verdict, Date.now());
    const name = screen.name || "webcapd";
    const word = verdict.word.toLowerCase();
    const title = `${name} – ${word}`;
    if (document.title !== title) document.title = title;
    screen.canvas.setAttribute("aria-label", `The screen of ${name}: ${word}`);
    this.#announce(`${name}: ${word}. ${verdict.live ? "" : verdict.sentence}`, verdict);
    this.#setIcon(kindOf(verdict));
    this.onChange();
  }

  /**
   * Tell screen readers of another state, but not each second that it lasts.
   * @param {string} text
   * @param {Verdict} verdict
   */
  #announce(text, { word }) {
    if (word === this.#announced) return;
    this.#announced = word;
    set(byId("announce"), text);
  }

  /** @param {"live" | "lost" | "idle"} kind */
  #setIcon(kind) {
    if (kind === this.#icon) return;
    this.#icon = kind;
    const mark =
      kind === "lost"
        ? '<path d="M10 9l12 12M22 9L10 21" stroke="#fff" stroke-width="3" stroke-linecap="round"/>'
        : "";
    const svg =
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect x="1" y="4" width="30" ` +
      `height="22" rx="4" fill="${COLOURS[kind]}"/><path d="M11 29h10" stroke="${COLOURS[kind]}" ` +
      `stroke-width="3" stroke-linecap="round"/>${mark}</svg>`;
    const link = /** @type {HTMLLinkElement} */ (document.querySelector('link[rel="icon"]'));
    link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  }
}
