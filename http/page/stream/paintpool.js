// The workers that paint: few for all screens of a page, as each loads its own scripts.

import { Session } from "./session.js";

/** @import { FromSession, ToSession } from "./session.js" */

/**
 * The way to a session.
 * @typedef {object} Painting
 * @property {boolean} isInWorker
 * @property {(message: ToSession, transfer?: Transferable[]) => void} post
 * @property {() => void} close
 */

/** Decoding has threads of its own in browsers; what is left to do does not fill more of these. */
const MAX_WORKERS = 2;

class PaintWorker {
  /** Who is told what, by the number of the session. */
  /** @type {Map<number, (message: FromSession) => void>} */
  sessions = new Map();
  #worker = new Worker(new URL("paintworker.js", import.meta.url), { type: "module" });
  #last = 0;

  constructor() {
    this.#worker.onmessage = ({ data }) => this.sessions.get(data.id)?.(data.message);
  }

  /**
   * @param {(message: FromSession) => void} take
   * @returns {Painting}
   */
  open(take) {
    const id = ++this.#last;
    this.sessions.set(id, take);
    return {
      isInWorker: true,
      post: (message, transfer = []) => this.#worker.postMessage({ id, message }, transfer),
      close: () => {
        this.sessions.delete(id);
        this.#worker.postMessage({ id });
      },
    };
  }
}

/** @type {PaintWorker[]} */
const workers = [];

/**
 * Open a session that paints a canvas, off the main thread if that can be.
 * @param {HTMLCanvasElement} canvas
 * @param {(message: FromSession) => void} take
 * @returns {Painting}
 */
export function openPainting(canvas, take) {
  if (typeof canvas.transferControlToOffscreen !== "function") {
    const session = new Session(take);
    session.take({ canvas });
    return { isInWorker: false, post: (message) => session.take(message), close: () => session.close() };
  }
  if (workers.length < MAX_WORKERS) workers.push(new PaintWorker());
  const [worker] = [...workers].sort((a, b) => a.sessions.size - b.sessions.size);
  const painting = worker.open(take);
  const offscreen = canvas.transferControlToOffscreen();
  painting.post({ canvas: offscreen }, [offscreen]);
  return painting;
}
