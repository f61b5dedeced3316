// What paints one picture: blocks from the hub in, a canvas and what there is to tell about it out.
//
// It runs in a worker where the browser lets one draw, else in the page.

import { VideoLayer } from "../video/layer.js";
import { decoded } from "./pixels.js";
import { Lag } from "./lag.js";
import { Painter } from "./painter.js";
import { UpdateReader } from "./reader.js";
import { need } from "./framing.js";

/** @import { FromVideo } from "../video/layer.js" */
/** @import { Link } from "./retrying.js" */
/** @import { FromHub } from "./hub.js" */
/** @import { UpdateEvent } from "./reader.js" */
/** @import { DisplayState, Hello } from "./records.js" */

/**
 * What a session is asked for.
 * @typedef {{ canvas?: HTMLCanvasElement | OffscreenCanvas, port?: MessagePort, join?: string,
 *   leave?: boolean, retry?: boolean, picture?: ImageBitmap | null }} ToSession
 */
/**
 * What it tells.
 * @typedef {{ kind: "link", link: Link }
 *   | { kind: "hello", hello: Hello }
 *   | { kind: "size", width: number, height: number }
 *   | { kind: "display", display: DisplayState }
 *   | { kind: "pointerImage", id: number, hotX: number, hotY: number, bitmap: ImageBitmap }
 *   | { kind: "pointer", id: number, x: number, y: number }
 *   | { kind: "progress", bytes: number, updates: number, changed: boolean, whole: boolean,
 *       proven: boolean, lag: number, heard: number }
 *   | FromVideo
 *   | { kind: "broken", sentence: string }} FromSession
 */

export class Session {
  #tell;
  /** @type {Painter | null} */
  #painter = null;
  /** @type {MessagePort | null} */
  #port = null;
  #reader = new UpdateReader();
  #video;
  #lag = new Lag();
  /** Blocks that are to be painted, in their order. */
  /** @type {{ block: Uint8Array, number: number, begins: boolean }[]} */
  #queue = [];
  #isPainting = false;
  #hasJoined = false;
  /** Whether all of the picture is as of a mark of this response. */
  #whole = false;
  #updates = 0;
  #changed = false;
  #isLost = false;
  /** The size that has been told. */
  #size = { width: 0, height: 0 };
  /** Whether the server has said as of when the picture is true. */
  #proven = false;

  /** @param {(message: FromSession, transfer?: Transferable[]) => void} tell */
  constructor(tell) {
    this.#tell = tell;
    this.#video = new VideoLayer(() => this.#painter, tell);
  }

  /** @param {ToSession} message */
  take(message) {
    if (message.canvas) this.#painter = new Painter(message.canvas);
    if (message.port) this.#attach(message.port);
    if (message.join !== undefined) {
      this.#begin();
      this.#hasJoined = true;
      this.#port?.postMessage({ join: message.join });
    }
    if (message.leave) this.#leave();
    if (message.retry) this.#port?.postMessage({ retry: true });
    if (message.picture !== undefined) this.#video.take(message.picture);
  }

  close() {
    this.#leave();
    this.#port?.close();
  }

  /** @param {MessagePort} port */
  #attach(port) {
    this.#leave();
    this.#port?.close();
    this.#port = port;
    port.onmessage = ({ data }) => this.#receive(data);
  }

  #begin() {
    this.#queue = [];
    this.#reader = new UpdateReader();
    this.#whole = false;
    this.#video.forget();
  }

  #leave() {
    this.#hasJoined = false;
    this.#begin();
    this.#port?.postMessage({ leave: true });
  }

  /** @param {FromHub} message */
  #receive({ link, block, number = 0, begins = false }) {
    if (!this.#hasJoined) return;
    if (link) this.#tell({ kind: "link", link });
    if (block) this.#queue.push({ block, number, begins });
    if (!this.#isPainting) this.#paint();
  }

  async #paint() {
    this.#isPainting = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const reader = this.#reader;
      try {
        if (next.begins) reader.begin();
        await this.#show(next.block);
      } catch (error) {
        // Another stream may have begun meanwhile.
        if (reader === this.#reader) this.#fail(error);
      }
      this.#port?.postMessage({ ack: next.number });
    }
    this.#isPainting = false;
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#leave();
    const sentence = error instanceof Error ? error.message : String(error);
    this.#tell({ kind: "broken", sentence });
  }

  /** @param {Uint8Array} block */
  async #show(block) {
    const reader = this.#reader;
    this.#updates = 0;
    this.#changed = this.#proven = false;
    for (const event of reader.take(block)) {
      await this.#handle(event);
      if (reader !== this.#reader) return;
    }
    this.#tell({
      kind: "progress",
      bytes: block.length,
      updates: this.#updates,
      changed: this.#changed,
      whole: this.#whole,
      proven: this.#proven,
      lag: this.#lag.isHigh(Date.now()) ? this.#lag.seconds : 0,
      heard: Date.now(),
    });
  }

  /** @param {DisplayState} display */
  #setDisplay({ state }) {
    const isLost = state !== "live";
    // What comes in place of the screen is not shown; the screen is when it has come whole.
    if (isLost) this.#painter?.hold();
    else if (this.#isLost) this.#whole = false;
    this.#isLost = isLost;
  }

  /** Tell of another size when it can be seen. */
  #tellSize() {
    const size = this.#painter?.size;
    if (!size || (size.width === this.#size.width && size.height === this.#size.height)) return;
    this.#size = size;
    this.#tell({ kind: "size", ...size });
  }

  /** @param {UpdateEvent} event */
  async #handle(event) {
    switch (event.kind) {
      case "hello":
        if (event.hello.after === undefined) this.#whole = false;
        await this.#video.end();
        return this.#tell({ kind: "hello", hello: event.hello });
      case "size":
        this.#whole = false;
        this.#video.forget();
        return this.#painter?.resize(event.width, event.height);
      case "display":
        this.#setDisplay(event.display);
        return this.#tell({ kind: "display", display: event.display });
      case "update":
        await this.#video.before(event.video);
        await this.#painter?.show(event.parts);
        this.#video.after(
          event.video,
          event.parts.map(({ area }) => area),
        );
        if (!event.mark.partial && !this.#isLost) this.#painter?.release();
        this.#tellSize();
        this.#updates++;
        this.#changed ||= event.parts.length > 0 || event.video !== null;
        // The first whole picture may be of long ago, when the screen came to rest.
        if (this.#whole) this.#lag.take(event.mark.captured, Date.now());
        this.#whole = !event.mark.partial;
        this.#proven = true;
        return;
      case "keepalive":
        this.#proven = true;
        return this.#lag.take(event.now, Date.now());
      case "pointerImage": {
        const { id, hotX, hotY, png } = event.image;
        const bitmap = await decoded(png, "image/png");
        need(bitmap.width <= 256 && bitmap.height <= 256, "a pointer is too large");
        return this.#tell({ kind: "pointerImage", id, hotX, hotY, bitmap }, [bitmap]);
      }
      case "pointer": {
        const { id, x, y } = event.place;
        return this.#tell({ kind: "pointer", id, x, y });
      }
    }
  }
}
