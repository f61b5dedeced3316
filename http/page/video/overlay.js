// A video that lies above the canvas of a screen, where a <video> plays what moves.

import { canDecode } from "./codecplayer.js";
import { SourcePlayer, canPlaySource } from "./sourceplayer.js";

/** @import { FromVideo } from "./layer.js" */
/** @import { Area } from "../stream/records.js" */

/** Whether this browser can show videos, in whatever way. */
export const canShowVideo = canDecode || canPlaySource();

/** So many frames, and a player that gives up has played before: another may. */
export const PLAYED = 300;

export class VideoOverlay {
  #parent;
  #onPicture;
  #onFail;
  /** @type {SourcePlayer | null} */
  #player = null;

  /**
   * @param {HTMLElement} parent of the size of the picture, in its pixels
   * @param {(picture: ImageBitmap | null) => void} onPicture takes what a video showed in the end
   * @param {(hasPlayed: boolean) => void} onFail called when a video cannot be played, or not on
   */
  constructor(parent, onPicture, onFail) {
    this.#parent = parent;
    this.#onPicture = onPicture;
    this.#onFail = onFail;
  }

  /** @param {FromVideo} message */
  take(message) {
    switch (message.kind) {
      case "videoBegins":
        return this.#begin(message.area, message.header);
      case "videoFrame":
        return this.#player?.add(message.fragment);
      case "videoEnds":
        return this.#end();
      case "videoGone":
        return this.close();
      default:
        this.close();
        this.#onFail(false);
    }
  }

  close() {
    this.#player?.close();
    this.#player = null;
  }

  /**
   * @param {Area} area
   * @param {Uint8Array} header
   */
  #begin({ x, y, w, h }, header) {
    this.close();
    const player = (this.#player = new SourcePlayer(() => this.#onFail(player.frames > PLAYED)));
    player.element.className = "moving";
    const sides = { left: x, top: y, width: w, height: h };
    for (const [side, pixels] of Object.entries(sides)) {
      player.element.style.setProperty(side, `${pixels}px`);
    }
    // Above the picture, below the pointer.
    this.#parent.children[0]?.after(player.element);
    player.begin(header);
  }

  async #end() {
    const player = this.#player;
    await player?.caughtUp();
    const picture = player ? await createImageBitmap(player.element).catch(() => null) : null;
    this.#onPicture(picture);
  }
}
