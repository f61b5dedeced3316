// Plays fragments by Media Source Extensions: in a <video>, also where a page came by plain http.
//
// The clock of the video is kept at the newest frame.  Fragments last as long as the screen moves,
// so over a rest the clock waits at the end of what there is, and goes on with the next frame.

import { joined } from "../stream/bytes.js";
import { frameOf, setupOf } from "./boxes.js";

/** Beyond so many seconds behind the newest frame the clock is set anew ... */
const FAR = 1;
/** ... and within it runs faster, by this much a second behind. */
const HURRY = 2;
/** So long the newest frame is waited for. */
const CAUGHT_UP_MS = 300;
/** Browsers keep some 100 MB, and without a key frame nothing of it can be given back. */
const MAX_BYTES = 40_000_000;
/** Who waits for data has come to a halt before the newest frame, if that lasts so long ... */
const HALT_MS = 200;
/** ... and is looked at so often, as one who still plays may come to a halt later. */
const MAX_LOOKS = 25;
/** More fragments than that are never held back: who cannot follow begins anew. */
const MAX_WAITING = 300;

/** iPhones have the managed one only. */
const { ManagedMediaSource, MediaSource } =
  /** @type {Record<string, typeof globalThis.MediaSource | undefined>} */ (
    /** @type {unknown} */ (globalThis)
  );
const Source = ManagedMediaSource ?? MediaSource;

/**
 * Whether this browser plays a codec in this way.
 * @param {string} [codec]
 */
export function canPlaySource(codec = "avc1.42C028") {
  return Boolean(Source?.isTypeSupported(`video/mp4; codecs="${codec}"`));
}

export class SourcePlayer {
  element = document.createElement("video");
  #onError;
  /** @type {MediaSource | null} */
  #source = null;
  /** @type {SourceBuffer | null} */
  #buffer = null;
  /** @type {Uint8Array[]} */
  #waiting = [];
  #address = "";
  /** How many frames have come since the begin. */
  frames = 0;
  #timescale = 1;
  /** When the newest frame begins, in seconds. */
  #newestTime = 0;
  /** When the frame that was shown last begins; of a browser that does not tell, for good none. */
  #shownTime = -Infinity;
  /** When the newest key frame is shown, in seconds, and what has come since. */
  #keyTime = 0;
  #bytes = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #halting;

  /** @param {(sentence: string) => void} onError called once; nothing more is played then */
  constructor(onError) {
    this.#onError = onError;
    const { element } = this;
    element.muted = true;
    element.playsInline = true;
    element.disableRemotePlayback = true;
    element.setAttribute("aria-hidden", "true");
    element.addEventListener("error", () => this.#fail(element.error?.message));
    element.addEventListener("timeupdate", () => this.#keepUp());
    // Safari pauses where another browser waits for data.
    element.addEventListener("pause", () => this.#play());
    this.#watchShown();
  }

  /** Take note of each frame that is shown: one that a busy browser has late, it drops. */
  #watchShown() {
    this.element.requestVideoFrameCallback?.((_, { mediaTime }) => {
      this.#shownTime = mediaTime;
      this.#watchShown();
    });
  }

  /**
   * Begin a video.
   * @param {Uint8Array} header
   */
  begin(header) {
    this.#reset();
    this.frames = 0;
    const { codec, timescale } = setupOf(header);
    this.#timescale = timescale;
    if (!Source || !canPlaySource(codec)) return this.#refuse(`no player for ${codec}`);
    const source = (this.#source = new Source());
    this.#waiting = [header];
    source.addEventListener("sourceopen", () => {
      if (source !== this.#source) return;
      this.#buffer = source.addSourceBuffer(`video/mp4; codecs="${codec}"`);
      this.#buffer.mode = "segments";
      this.#buffer.addEventListener("updateend", () => this.#onUpdated());
      this.#append();
    });
    this.#address = URL.createObjectURL(source);
    this.element.src = this.#address;
    this.#play();
  }

  /**
   * Play one more frame.
   * @param {Uint8Array} fragment
   */
  add(fragment) {
    if (!this.#source) return;
    const { isKey, time } = frameOf(fragment);
    this.#newestTime = time / this.#timescale;
    if (isKey) {
      this.#keyTime = this.#newestTime;
      this.#bytes = 0;
    }
    this.frames++;
    this.#bytes += fragment.length;
    this.#waiting.push(fragment);
    if (this.#waiting.length > MAX_WAITING) this.#fail("it cannot follow");
    else if (this.#bytes > MAX_BYTES) this.#fail("it has lasted too long");
    else this.#append();
  }

  /** Wait until the newest frame is shown, but not for long. */
  async caughtUp() {
    const begin = performance.now();
    while (this.#source && !this.#isShown && performance.now() - begin < CAUGHT_UP_MS) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Whether the newest frame is shown; if nobody tells, whether the clock has come to it. */
  get #isShown() {
    const { element } = this;
    if (this.#waiting.length || this.#buffer?.updating || !element.buffered.length) return false;
    const tells = typeof element.requestVideoFrameCallback === "function" && !document.hidden;
    // Frames last a millisecond at least, and what is told is rounded.
    return (tells ? this.#shownTime + 0.0005 : element.currentTime) >= this.#newestTime;
  }

  close() {
    this.#reset();
    this.element.remove();
  }

  #reset() {
    this.#source = this.#buffer = null;
    this.#waiting = [];
    this.#newestTime = this.#keyTime = this.#bytes = 0;
    this.#shownTime = -Infinity;
    clearTimeout(this.#halting);
    if (!this.#address) return;
    URL.revokeObjectURL(this.#address);
    this.#address = "";
    this.element.removeAttribute("src");
    this.element.load();
  }

  #play() {
    if (this.#source) this.element.play().catch(() => {});
  }

  /** @param {string} [why] */
  #fail(why) {
    if (this.#source) this.#refuse(why);
  }

  /** @param {string} [why] */
  #refuse(why) {
    this.#reset();
    this.#onError(`This browser cannot play the video: ${why || "it says not why"}.`);
  }

  #append() {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || !this.#waiting.length) return;
    const bytes = joined(this.#waiting);
    this.#waiting = [];
    try {
      buffer.appendBuffer(bytes);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : undefined);
    }
  }

  #onUpdated() {
    if (!this.#buffer) return;
    this.#keepUp();
    clearTimeout(this.#halting);
    this.#halting = setTimeout(() => this.#goOn(MAX_LOOKS), HALT_MS);
    const { buffered, currentTime } = this.element;
    const key = this.#keyTime;
    // With a frame goes all that is built on it: only what a key frame has replaced may go.
    const isOld = buffered.length > 0 && buffered.start(0) < key - 1 && currentTime > key;
    if (isOld && !this.#buffer.updating) this.#buffer.remove(0, key);
    else this.#append();
  }

  /**
   * Show the newest frame where the clock has come to a halt before it, or has passed it unseen.
   * @param {number} looks how many more times to look
   */
  #goOn(looks) {
    const { element } = this;
    if (this.#isShown || !element.buffered.length) return;
    if (!element.seeking && element.readyState <= 2) element.currentTime = this.#lastMoment;
    if (looks > 1) this.#halting = setTimeout(() => this.#goOn(looks - 1), HALT_MS);
  }

  /** What of the newest frame there is to be shown: nothing lies at the very end. */
  get #lastMoment() {
    const { buffered } = this.element;
    const end = buffered.end(buffered.length - 1);
    // The shortest frames last a millisecond, and the newest one may not be in the buffer yet.
    const begin = Math.min(Math.max(this.#newestTime, end - 0.002), end - 0.001);
    return (begin + end) / 2;
  }

  /** Keep the clock at the newest frame. */
  #keepUp() {
    const { element } = this;
    const { buffered } = element;
    if (!buffered.length) return;
    const behind = buffered.end(buffered.length - 1) - element.currentTime;
    if (!element.seeking && (behind > FAR || element.currentTime < buffered.start(0))) {
      element.currentTime = this.#lastMoment;
    }
    element.playbackRate = behind > 0.1 ? 1 + HURRY * Math.min(behind, FAR) : 1;
  }
}
