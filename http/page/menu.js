// The menu beside the picture: its form, snapshots, lines to embed, links, and a meter.

import { addressOf, formValue, parameter, setForm } from "./address.js";
import { byId, make } from "./dom.js";

/** @import { Watch } from "./watch.js" */

/** Choices of the form: the parameter, and each value with its text. */
const CHOICES = {
  scale: { "": "as it is", 0.75: "three quarters", 0.5: "half", 0.25: "a quarter" },
  fps: { "": "as they come", 15: "15 a second", 5: "5 a second", 1: "1 a second" },
  quality: { "": "by motion", 95: "95", 80: "80", 60: "60", 40: "40" },
};

export class Menu {
  #watch;
  #panel = byId("menu");
  #opener = byId("open");

  /** @param {Watch} watch */
  constructor(watch) {
    this.#watch = watch;
    this.#opener.addEventListener("click", () => this.toggle());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.toggle();
    });
    this.#fillForm();
    this.#fillLines();
    this.#fillLinks();
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  toggle() {
    this.#panel.hidden = !this.#panel.hidden;
    this.#opener.setAttribute("aria-expanded", String(this.isOpen));
    if (!this.isOpen) this.#opener.focus();
  }

  #fillForm() {
    for (const [name, choices] of Object.entries(CHOICES)) {
      const select = /** @type {HTMLSelectElement} */ (byId(`form-${name}`));
      const chosen = formValue(name);
      const values = Object.entries(choices).sort(([a], [b]) => Number(b) - Number(a));
      const isKnown = values.some(([value]) => value === chosen);
      const usual = values.filter(([value]) => value === "");
      const others = values.filter(([value]) => value !== "");
      for (const [value, text] of [...usual, ...others, ...(isKnown ? [] : [[chosen, chosen]])]) {
        select.add(new Option(text, value, false, value === chosen));
      }
      select.addEventListener("change", () => {
        setForm(name, select.value);
        this.#watch.reload();
        this.#fillLines();
      });
    }
  }

  #fillLines() {
    const stream = addressOf("stream", {}, true);
    const lines = {
      "In a page": `<img src="${stream}" alt="">`,
      "In a frame": `<iframe src="${addressOf("embed", {}, true)}"></iframe>`,
      Player: `ffplay -f mpjpeg '${stream}'`,
      Snapshot: `curl -o screen.jpg '${addressOf("snapshot", {}, true)}'`,
    };
    byId("lines").replaceChildren(
      ...Object.entries(lines).map(([name, text]) => {
        const line = make("div", "line");
        const button = make("button", "", "Copy");
        button.type = "button";
        button.setAttribute("aria-label", `Copy: ${name}`);
        button.addEventListener("click", () => copyText(text, button));
        line.append(make("span", "", name), button, make("code", "", text));
        return line;
      }),
    );
  }

  #fillLinks() {
    // A token opens no more than the picture.
    const isGuest = parameter("token") !== null;
    const links = {
      "Only the picture": addressOf("embed"),
      Health: addressOf("health"),
      ...(isGuest ? {} : { Metrics: addressOf("metrics"), State: addressOf("info") }),
      Documentation: "page/help.html",
    };
    byId("links").replaceChildren(
      ...Object.entries(links).map(([text, address]) => {
        const item = make("li");
        const link = make("a", "", text);
        link.href = address;
        item.append(link);
        return item;
      }),
    );
  }
}

/**
 * Copy a text, also where pages have no clipboard: on plain http.
 * @param {string} text
 * @param {HTMLElement} button
 */
async function copyText(text, button) {
  let isDone = false;
  if (navigator.clipboard) {
    isDone = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  if (!isDone) {
    const field = make("textarea", "unseen");
    field.value = text;
    document.body.append(field);
    field.select();
    isDone = document.execCommand("copy");
    field.remove();
    button.focus();
  }
  button.textContent = isDone ? "Copied" : "Not copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}
