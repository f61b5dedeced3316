// One screen in a page: an element that shows it, and what there is to know about it.
//
// The element has the size of the picture in CSS pixels; who places it scales it.

import { SILENCE_MS, judge, noFacts } from "./truth.js";
import { openHub } from "./hubport.js";
import { openPainting } from "./paintpool.js";
import { Pointer } from "./pointer.js";
import { VideoChoice } from "../video/choice.js";
import { VideoOverlay, canShowVideo } from "../video/overlay.js";

/** @import { HubPort } from "./hubport.js" */
/** @import { Link } from "./retrying.js" */
/** @import { FromSession } from "./session.js" */
/** @import { Verdict } from "./truth.js" */

/** How often it is judged whether the picture is live. */
const TICK_MS = 250;
/** Hidden pages let go of their streams; not for a glance at another tab. */
const HIDDEN_MS = 3000;
/** A hub answers at once; one that does not is none. */
const HUB_MS = 5000;
/** So many streams that cannot be read, one after the other, and it is tried in another way. */
const MAX_BROKEN = 3;

const UPDATES_NEED = ["createImageBitmap", "DecompressionStream", "ReadableStream", "MessageChannel"];

/** Whether this browser can show updates. */
export const canShowUpdates = UPDATES_NEED.every((name) => name in globalThis);

export class Screen {
  /** Holds the canvas and the pointer. */
  element = document.createElement("div");
  canvas = document.createElement("canvas");
  width = 0;
  height = 0;
  name = "";
  /** Sums since the start, for a meter. */
  bytes = 0;
  updates = 0;
  /** @type {Verdict} */
  verdict;
  /** How blocks come here, for whoever wants to know. */
  via = "";
  /** Called when the verdict, the name or the size have changed, and each tick. */
  onChange = () => {};
  /** Called when updates cannot be shown here: with a sentence why. */
  /** @type {(sentence: string) => void} */
  onGiveUp = () => {};

  #address;
  #pointer = new Pointer();
  #painting;
  #choice;
  #overlay;
  #facts = noFacts();
  #broken = 0;
  /** @type {Set<HubPort["name"]>} */
  #failedHubs = new Set();
  #saysGone = () => {};
  #hubAnswered = false;
  #isClosed = false;
  #ticked = Date.now();
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;
  #listening = new AbortController();

  /**
   * @param {string} address of updates, absolute
   * @param {"never" | "always" | "slow"} [video] when to ask for video of what moves
   */
  constructor(address, video = "never") {
    this.#address = address;
    this.#choice = new VideoChoice(canShowVideo ? video : "never");
    this.element.className = "screen";
    this.canvas.setAttribute("role", "img");
    this.element.append(this.canvas, this.#pointer.element);
    this.verdict = judge(this.#facts, Date.now());
    this.#painting = openPainting(this.canvas, (message) => this.#take(message));
    this.#overlay = new VideoOverlay(
      this.element,
      (picture) => this.#painting.post({ picture }, picture ? [picture] : []),
      (hasPlayed) => (hasPlayed ? this.#join() : this.#refuseVideo()),
    );
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    const { signal } = this.#listening;
    document.addEventListener("visibilitychange", () => this.#onVisibility(), { signal });
    addEventListener("pagehide", () => this.#onPageHide(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.#join(), { signal });
    addEventListener("online", () => this.retry(), { signal });
    this.#attachHub();
    this.#onVisibility();
    if (document.hidden) this.#facts.hidden = Date.now();
    else this.#join();
  }

  /** Milliseconds since the picture was last known to be true. */
  get age() {
    return Date.now() - this.#facts.heard + 1000 * this.#facts.lag;
  }

  get isInWorker() {
    return this.#painting.isInWorker;
  }

  /** Whether video is asked for, where something moves. */
  get asksForVideo() {
    return this.#choice.isWanted;
  }

  /** @returns {Link["way"]} */
  get way() {
    return this.#facts.link?.way ?? "stream";
  }

  get isPaused() {
    return this.#facts.paused !== null;
  }

  /**
   * Show another form of the picture.
   * @param {string} address
   */
  show(address) {
    this.#address = address;
    if (!this.isPaused && !document.hidden) this.#join();
  }

  /** Hold the picture, or let it go on. */
  togglePause() {
    this.#facts.paused = this.isPaused ? null : Date.now();
    if (this.isPaused) this.#painting.post({ leave: true });
    else this.#join();
  }

  /** Try now what would be tried later. */
  retry() {
    this.#painting.post({ retry: true });
  }

  close() {
    this.#isClosed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#hiding);
    this.#listening.abort();
    this.#saysGone();
    this.#painting.close();
    this.#overlay.close();
    this.element.remove();
  }

  #attachHub() {
    this.#saysGone();
    const { name, port, gone } = openHub(this.#failedHubs);
    this.via = name;
    this.#saysGone = gone;
    this.#hubAnswered = name === "own";
    this.#painting.post({ port }, [port]);
  }

  #join() {
    Object.assign(this.#facts, { proven: 0, link: null, display: null, hidden: null, lag: 0 });
    this.#facts.heard = this.#facts.began = Date.now();
    this.#painting.post({ join: this.#choice.isWanted ? `${this.#address}&video=1` : this.#address });
    this.#judge();
  }

  #onPageHide() {
    this.#saysGone();
    this.#painting.post({ leave: true });
  }

  #onVisibility() {
    clearTimeout(this.#hiding);
    if (!document.hidden) {
      if (this.#facts.hidden !== null && !this.isPaused) this.#join();
      return;
    }
    this.#hiding = setTimeout(() => {
      this.#facts.hidden = Date.now();
      this.#painting.post({ leave: true });
      this.#judge();
    }, HIDDEN_MS);
  }

  #tick() {
    const now = Date.now();
    const pause = now - this.#ticked;
    this.#ticked = now;
    // Our clock may be set back.
    const facts = this.#facts;
    for (const time of /** @type {const} */ (["proven", "heard", "changed", "began"])) {
      facts[time] = Math.min(facts[time], now);
    }
    // What came in a moment without time for us is not counted yet: no alarm before it is.
    if (pause > 4 * TICK_MS && pause < SILENCE_MS && !document.hidden) return;
    const waits = !this.isPaused && this.#facts.hidden === null && !document.hidden;
    if (waits && !this.#hubAnswered && now - this.#facts.began > HUB_MS) {
      this.#failedHubs.add(/** @type {HubPort["name"]} */ (this.via));
      this.#attachHub();
      this.#join();
    }
    // The hub may have let go of us while we slept.
    const { link, heard } = this.#facts;
    if (waits && link?.state === "open" && now - heard > 2 * HUB_MS) this.#join();
    this.#judge();
  }

  #judge() {
    if (this.#isClosed) return;
    this.verdict = judge(this.#facts, Date.now());
    this.onChange();
  }

  /** @param {FromSession} message */
  #take(message) {
    const facts = this.#facts;
    switch (message.kind) {
      case "link":
        this.#hubAnswered = true;
        facts.link = message.link;
        // What is shown is as of then, until the server says more.
        if (message.link.state === "down") facts.proven = 0;
        if (message.link.isUnreadable && ++this.#broken >= MAX_BROKEN) {
          this.onGiveUp(message.link.reason);
        }
        break;
      case "hello":
        this.name = message.hello.name || message.hello.display || this.name;
        if (message.hello.after === undefined) this.#pointer.clear();
        break;
      case "size":
        this.#resize(message.width, message.height);
        break;
      case "display":
        // Behind an outage the picture is the last one before, until a new one has come whole.
        if (facts.display?.state === "lost") facts.proven = 0;
        facts.display = message.display;
        break;
      case "pointerImage":
        this.#pointer.keep(message.id, message);
        return;
      case "pointer":
        this.#pointer.put(message.id, message.x, message.y);
        return;
      case "progress":
        this.#progress(message);
        break;
      case "broken":
        this.#fail(message.sentence);
        break;
      default:
        this.#overlay.take(message);
        return;
    }
    this.#judge();
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #resize(width, height) {
    this.width = width;
    this.height = height;
    this.element.style.width = `${width}px`;
    this.element.style.height = `${height}px`;
  }

  /** @param {Extract<FromSession, { kind: "progress" }>} message */
  #progress({ bytes, updates, changed, whole, proven, lag, heard }) {
    const facts = this.#facts;
    if (whole) this.#broken = 0;
    if (proven && whole) facts.proven = heard;
    this.bytes += bytes;
    this.updates += changed ? updates : 0;
    Object.assign(facts, { lag, heard: Math.max(heard, facts.heard) });
    facts.shown ||= updates > 0;
    if (changed) facts.changed = heard;
    if (this.#choice.take(heard, changed, lag > 0 || this.way === "polling")) this.#join();
  }

  #refuseVideo() {
    if (!this.#choice.isWanted) return;
    this.#choice.refuse();
    this.#join();
  }

  /** @param {string} sentence */
  #fail(sentence) {
    if (++this.#broken >= MAX_BROKEN) this.onGiveUp(sentence);
    else this.#join();
  }
}
