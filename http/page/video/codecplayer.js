// Plays fragments by WebCodecs: decoded frames, one by one, for whoever draws them.
//
// Browsers have WebCodecs in secure contexts only: https, and localhost.

import { frameOf, setupOf } from "./boxes.js";

/** So many frames that wait for a decoder: it does not follow. */
const MAX_QUEUE = 60;

/** Whether this browser, and the context that this runs in, has WebCodecs. */
export const canDecode = typeof VideoDecoder === "function";

export class CodecPlayer {
  #onFrame;
  #onError;
  /** @type {VideoDecoder | null} */
  #decoder = null;
  #timescale = 1;
  /** Whether a key frame must come first. */
  #needsKey = true;

  /**
   * @param {(frame: VideoFrame) => void} onFrame takes a frame, and must close it
   * @param {(sentence: string) => void} onError called once; nothing more is decoded then
   */
  constructor(onFrame, onError) {
    this.#onFrame = onFrame;
    this.#onError = onError;
  }

  /**
   * Begin a video.
   * @param {Uint8Array} header
   */
  begin(header) {
    this.close();
    const { codec, description, timescale } = setupOf(header);
    this.#timescale = timescale;
    this.#needsKey = true;
    /** @type {VideoDecoder} */
    const decoder = new VideoDecoder({
      output: (frame) => (decoder === this.#decoder ? this.#onFrame(frame) : frame.close()),
      error: (error) => decoder === this.#decoder && this.#fail(error.message),
    });
    this.#decoder = decoder;
    decoder.configure({ codec, description, optimizeForLatency: true });
  }

  /**
   * Decode one more frame.
   * @param {Uint8Array} fragment
   */
  add(fragment) {
    const decoder = this.#decoder;
    if (!decoder) return;
    const { isKey, time, sample } = frameOf(fragment);
    if (this.#needsKey && !isKey) return;
    if (decoder.decodeQueueSize > MAX_QUEUE) return this.#fail("it cannot follow");
    this.#needsKey = false;
    const timestamp = Math.round((1e6 * time) / this.#timescale);
    decoder.decode(new EncodedVideoChunk({ type: isKey ? "key" : "delta", timestamp, data: sample }));
  }

  /** Wait until all frames are out. */
  async flush() {
    const decoder = this.#decoder;
    if (decoder?.state === "configured") await decoder.flush().catch(() => {});
  }

  close() {
    const decoder = this.#decoder;
    this.#decoder = null;
    if (decoder && decoder.state !== "closed") decoder.close();
  }

  /** @param {string} why */
  #fail(why) {
    this.close();
    this.#onError(`This browser cannot decode the video: ${why}.`);
  }
}
