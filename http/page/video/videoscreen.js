// A screen as one video of the whole picture: decoded by WebCodecs onto a canvas, or played in a
// <video> where a page came by plain http and has no WebCodecs.

import { checkVideo } from "../stream/answer.js";
import { AskedScreen } from "../stream/askedscreen.js";
import { VideoFraming, setupOf } from "./boxes.js";
import { CodecPlayer, canDecode } from "./codecplayer.js";
import { PLAYED } from "./overlay.js";
import { SourcePlayer } from "./sourceplayer.js";

/** A response that ended (another size of the screen) is followed by another after so long. */
const AGAIN_MS = 500;
/** So many responses without a frame, one after the other, and it is shown in another way. */
const MAX_FRUITLESS = 3;

export class VideoScreen extends AskedScreen {
  canvas;
  #player;
  #abort = new AbortController();
  #fruitless = 0;

  /** @param {string} address of the video, absolute */
  constructor(address) {
    /** @type {(sentence: string) => void} */
    let fail = () => {};
    const shown = canDecode ? drawing((sentence) => fail(sentence)) : playing((sentence) => fail(sentence));
    super(address, shown.canvas);
    fail = (sentence) => {
      const { player } = shown;
      if (player instanceof SourcePlayer && player.frames > PLAYED) this.load();
      else this.#giveUp(sentence);
    };
    this.canvas = shown.canvas;
    this.#player = shown.player;
    this.start();
  }

  get way() {
    return "video";
  }

  load() {
    this.unload();
    this.#abort = new AbortController();
    this.#follow(this.#abort.signal);
  }

  unload() {
    this.#abort.abort();
    if (this.isClosed) this.#player.close();
  }

  paused() {
    this.unload();
  }

  measure() {
    const { facts } = this;
    if (facts.shown && facts.link?.state === "open" && !this.#abort.signal.aborted) {
      facts.proven = facts.heard;
    }
  }

  /** @param {AbortSignal} signal */
  async #follow(signal) {
    while (!signal.aborted && !this.isClosed) {
      const before = this.updates;
      try {
        await this.#read(signal);
      } catch (error) {
        if (signal.aborted) return;
        const { status = 0, message = "" } = /** @type {{ status?: number, message?: string }} */ (error);
        // What is asked beside it tells of passwords, and of a server that is gone.
        if (status && status !== 401 && status !== 403) return this.#giveUp(message);
      }
      this.#fruitless = this.updates > before ? 0 : this.#fruitless + 1;
      const isOpen = this.facts.link?.state === "open";
      if (isOpen && this.#fruitless >= MAX_FRUITLESS) return this.#giveUp("No video comes.");
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** @param {AbortSignal} signal */
  async #read(signal) {
    const response = await fetch(this.address, { cache: "no-store", signal });
    await checkVideo(response);
    const reader = response.body?.getReader();
    const framing = new VideoFraming();
    let hasBegun = false;
    for (;;) {
      const { done = true, value } = (await reader?.read()) ?? {};
      if (done || !value) return;
      this.bytes += value.length;
      for (const piece of framing.take(value)) {
        if (hasBegun) this.#show(piece);
        else this.#begin(piece);
        hasBegun = true;
      }
    }
  }

  /** @param {Uint8Array} header */
  #begin(header) {
    const { width, height } = setupOf(header);
    if (this.canvas instanceof HTMLCanvasElement) Object.assign(this.canvas, { width, height });
    this.resize(width, height);
    this.#player.begin(header);
  }

  /** @param {Uint8Array} fragment */
  #show(fragment) {
    this.#player.add(fragment);
    this.updates++;
    this.facts.shown = true;
    this.facts.changed = Date.now();
  }

  /** @param {string} sentence */
  #giveUp(sentence) {
    this.unload();
    if (!this.isClosed) this.onGiveUp(sentence);
  }
}

/** @param {(sentence: string) => void} onError */
function drawing(onError) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { alpha: false });
  const player = new CodecPlayer((frame) => {
    context?.drawImage(frame, 0, 0);
    frame.close();
  }, onError);
  return { canvas, player };
}

/** @param {(sentence: string) => void} onError */
function playing(onError) {
  const player = new SourcePlayer(onError);
  return { canvas: player.element, player };
}
