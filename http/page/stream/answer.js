// How one answer of a server ends, as a sentence for people: refused, silent, cut off or said.

import { UpdateError } from "./framing.js";
import { asSentence } from "./sentence.js";

/** A connection that has been silent for so long is dead. */
const SILENCE_MS = 6000;

/** @type {Record<string, string>} */
export const ENDS = {
  revoked: "The permission to look has ended.",
  stopping: "The server has ended.",
  slow: "This browser took nothing for too long.",
};

/** An end that has a sentence for people; ``status`` is HTTP's, 0 without any. */
export class Ended extends Error {
  /**
   * @param {string} sentence
   * @param {number} [status]
   * @param {number} [retryAfter] milliseconds
   */
  constructor(sentence, status = 0, retryAfter = 0) {
    super(sentence);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Aborts a request that has been silent for too long. */
export class SilenceWatch {
  bytes = 0;
  isSilent = false;
  #heard = performance.now();
  #timer;

  /** @param {AbortController} abort */
  constructor(abort) {
    this.#timer = setInterval(() => {
      if (performance.now() - this.#heard < SILENCE_MS) return;
      this.isSilent = true;
      abort.abort();
    }, 500);
  }

  /** @param {number} bytes */
  feed(bytes) {
    this.bytes += bytes;
    this.#heard = performance.now();
  }

  end() {
    clearInterval(this.#timer);
  }
}

/**
 * See that an answer holds updates; raises Ended with the server's own sentence.
 * @param {Response} response
 */
export async function checkAnswer(response) {
  await checkType(response, "application/vnd.webcapd.updates", "updates");
}

/**
 * See that an answer holds a video; raises Ended with the server's own sentence.
 * @param {Response} response
 */
export async function checkVideo(response) {
  await checkType(response, "video/mp4", "video");
}

/**
 * @param {Response} response
 * @param {string} wanted
 * @param {string} what
 */
async function checkType(response, wanted, what) {
  const type = response.headers.get("Content-Type") ?? "";
  if (response.ok && type.startsWith(wanted)) return;
  const isText = type.startsWith("text/plain");
  const line = isText ? (await response.text()).trim().split("\n")[0].slice(0, 200) : "";
  const retryAfter = 1000 * Number(response.headers.get("Retry-After") ?? 0) || 0;
  throw new Ended(
    line ? asSentence(line) : `The server answered ${response.status}, and no ${what}.`,
    response.status,
    Math.min(retryAfter, 60_000),
  );
}

/** What is said where nothing comes any more. */
export const SILENT = "No word came from the server.";

/** What is said where no answer comes, or none that may be read: browsers tell nothing more. */
export const UNREACHABLE = "The server cannot be reached.";

/**
 * Say what an error means to somebody who waits for a picture.
 * @param {unknown} error
 */
export function sentenceOf(error) {
  if (error instanceof UpdateError) return `What came cannot be read: ${error.message}.`;
  if (error instanceof DOMException && error.name === "TimeoutError") return SILENT;
  if (typeof navigator === "object" && navigator.onLine === false) return "This device is offline.";
  return UNREACHABLE;
}
