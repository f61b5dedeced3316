// The video that lasts in a part of the picture: where it is drawn, and by whom it is decoded.
//
// With WebCodecs its frames are drawn into the picture, here.  Else the page is told: it plays
// them in a <video> that lies above the canvas, and gives back what that shows in the end.

import { CodecPlayer, canDecode } from "./codecplayer.js";

/** @import { Area } from "../stream/records.js" */
/** @import { VideoStep } from "./steps.js" */

/**
 * What the page is told, where it plays.
 * @typedef {{ kind: "videoBegins", area: Area, header: Uint8Array }
 *   | { kind: "videoFrame", fragment: Uint8Array }
 *   | { kind: "videoEnds" }
 *   | { kind: "videoGone" }
 *   | { kind: "videoFails", sentence: string }} FromVideo
 */
/** @typedef {{ draw: (image: CanvasImageSource, area: Area) => void }} Canvas */

/** So long the page has to give the last picture. */
const PICTURE_MS = 500;

/**
 * @param {Area} a
 * @param {Area} b
 */
function overlap(a, b) {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

export class VideoLayer {
  #canvas;
  #tell;
  /** @type {Area | null} */
  #area = null;
  /** The newest frame, as long as the video lasts. */
  /** @type {VideoFrame | null} */
  #frame = null;
  #player;
  #isEnding = false;
  /** @type {(picture: ImageBitmap | null) => void} */
  #onPicture = () => {};

  /**
   * @param {() => Canvas | null} canvas
   * @param {(message: FromVideo) => void} tell
   */
  constructor(canvas, tell) {
    this.#canvas = canvas;
    this.#tell = tell;
    const fail = (/** @type {string} */ sentence) => tell({ kind: "videoFails", sentence });
    this.#player = canDecode ? new CodecPlayer((frame) => this.#show(frame), fail) : null;
  }

  /**
   * End what an update says has ended; what was shown last becomes part of the picture.
   * @param {VideoStep | null} step
   */
  async before(step) {
    if (step?.ends) await this.end();
  }

  /**
   * Bring the video to a mark, once the rectangles of its update have been drawn.
   * @param {VideoStep | null} step
   * @param {Area[]} drawn
   */
  after(step, drawn) {
    if (this.#isEnding) {
      this.#isEnding = false;
      this.#tell({ kind: "videoGone" });
    }
    if (step?.begins) this.#begin(step.begins.area, step.begins.header);
    if (step?.fragment) this.#add(step.fragment);
    const area = this.#area;
    if (area && this.#frame && drawn.some((other) => overlap(area, other))) this.#draw();
  }

  /** End the video, if there is one: all that has come of it is drawn. */
  async end() {
    if (!this.#area) return;
    if (this.#player) await this.#player.flush();
    else await this.#fetchPicture();
    this.#drop();
  }

  /** Give the video up, and what is under way of it: there is another picture. */
  forget() {
    if (!this.#area) return;
    if (!this.#player) this.#tell({ kind: "videoGone" });
    this.#drop();
  }

  /**
   * Take the last picture of a video that the page played.
   * @param {ImageBitmap | null} picture
   */
  take(picture) {
    this.#onPicture(picture);
  }

  /**
   * @param {Area} area
   * @param {Uint8Array} header
   */
  #begin(area, header) {
    this.#area = area;
    if (this.#player) this.#player.begin(header);
    else this.#tell({ kind: "videoBegins", area, header });
  }

  /** @param {Uint8Array} fragment */
  #add(fragment) {
    if (this.#player) this.#player.add(fragment);
    else this.#tell({ kind: "videoFrame", fragment });
  }

  /** @param {VideoFrame} frame */
  #show(frame) {
    this.#frame?.close();
    this.#frame = frame;
    this.#draw();
  }

  #draw() {
    if (this.#frame && this.#area) this.#canvas()?.draw(this.#frame, this.#area);
  }

  async #fetchPicture() {
    this.#isEnding = true;
    /** @type {ImageBitmap | null} */
    const picture = await new Promise((resolve) => {
      this.#onPicture = resolve;
      setTimeout(() => resolve(null), PICTURE_MS);
      this.#tell({ kind: "videoEnds" });
    });
    if (picture && this.#area) this.#canvas()?.draw(picture, this.#area);
    picture?.close();
  }

  #drop() {
    this.#player?.close();
    this.#frame?.close();
    this.#frame = this.#area = null;
  }
}
