// What an update says of video: one that ends, one that begins, a frame; and whether that is allowed.

import { need } from "../stream/framing.js";

/** @import { Area, UpdateRecord } from "../stream/records.js" */

/** @typedef {Extract<UpdateRecord, { kind: "V" | "H" | "T" }>} VideoRecord */
/**
 * What happens to the video in an update, in this order.
 * @typedef {object} VideoStep
 * @property {boolean} ends
 * @property {{ area: Area, header: Uint8Array } | null} begins
 * @property {Uint8Array | null} fragment
 */

/** Follows the videos of a stream: there is one at a time. */
export class VideoSteps {
  /** @type {number | null} */
  #id = null;
  #hasKey = false;
  /** @type {VideoStep} */
  #step = { ends: false, begins: null, fragment: null };

  /**
   * Take a record; raises UpdateError if it breaks the rules.
   * @param {VideoRecord} record
   */
  take(record) {
    const step = this.#step;
    if (record.kind === "V") {
      need(this.#id === null, "a video begins while another one lasts");
      const { w, h } = record.area;
      need(w % 2 === 0 && h % 2 === 0, "a video has an odd side");
      this.#id = record.id;
      this.#hasKey = false;
      step.begins = { area: record.area, header: record.header };
      return;
    }
    need(this.#id === record.id, "there is no such video");
    if (record.kind === "T") {
      need(!step.fragment && !step.begins, "the end of a video is out of place");
      this.#id = null;
      step.ends = true;
      return;
    }
    need(!step.fragment, "an update has two frames of a video");
    need(this.#hasKey || record.isKey, "a video begins without a key frame");
    this.#hasKey = true;
    step.fragment = record.fragment;
  }

  /**
   * Give what the update says that ends now.
   * @returns {VideoStep | null}
   */
  mark() {
    const step = this.#step;
    this.#step = { ends: false, begins: null, fragment: null };
    return step.ends || step.begins || step.fragment ? step : null;
  }

  /** Expect another picture or response: with the one before, its video has ended. */
  begin() {
    this.#id = null;
    this.mark();
  }
}
