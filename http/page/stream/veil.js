// What lies over a picture that is not live: a word, why, since when, and what comes next.

import { make, set } from "../dom.js";
import { duration } from "./truth.js";

/** @import { Verdict } from "./truth.js" */

/**
 * Say when something was, shortly.
 * @param {number} time
 * @param {number} now
 */
function clock(time, now) {
  const isToday = new Date(time).toDateString() === new Date(now).toDateString();
  const date = new Date(time);
  return isToday ? date.toLocaleTimeString() : date.toLocaleString();
}

export class Veil {
  element = make("div", "veil");
  #word = make("p", "veil-word");
  #sentence = make("p", "veil-sentence");
  #since = make("p", "veil-detail");
  #next = make("p", "veil-detail");
  #button = make("button", "veil-button");

  /** @param {() => void} onButton is called for "try now" and "go on" */
  constructor(onButton) {
    this.#button.type = "button";
    this.#button.addEventListener("click", onButton);
    const card = make("div", "veil-card");
    card.append(this.#word, this.#sentence, this.#since, this.#next, this.#button);
    this.element.append(card);
    this.element.hidden = true;
  }

  /**
   * @param {Verdict} verdict
   * @param {number} now
   */
  update({ live, state, word, sentence, since, retryAt }, now) {
    this.element.hidden = live;
    if (live) return;
    this.element.dataset.state = state;
    set(this.#word, word);
    set(this.#sentence, sentence);
    set(this.#since, since === null ? "" : `Since ${clock(since, now)} (${duration(now - since)})`);
    set(this.#next, this.#nextOf(state, retryAt, now));
    const label = state === "paused" ? "Go on" : "Try now";
    set(this.#button, label);
    this.#button.hidden = state !== "paused" && retryAt === null;
  }

  /**
   * @param {Verdict["state"]} state
   * @param {number | null} retryAt
   * @param {number} now
   */
  #nextOf(state, retryAt, now) {
    if (retryAt !== null) {
      return retryAt - now < 1000 ? "Trying again" : `Next try in ${duration(retryAt - now)}`;
    }
    return state === "lost" || state === "silent" ? "It comes back by itself" : "";
  }
}
