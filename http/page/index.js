// The live page: bar, keys, menu.

import { byId, set } from "./dom.js";
import { Menu } from "./menu.js";
import { Meter } from "./meter.js";
import { attachCopy, savePicture } from "./snapshot.js";
import { Watch, kindOf } from "./watch.js";

const ZOOM = 1.25;
const PAN = 60;

const watch = new Watch(false);
const { view } = watch;
const menu = new Menu(watch);
const meter = new Meter(watch);
attachCopy(watch);

/** What buttons and keys do. */
const actions = {
  fit: () => view.setMode("fit"),
  exact: () => view.setMode("1:1"),
  out: () => view.zoom(1 / ZOOM),
  in: () => view.zoom(ZOOM),
  rotate: () => view.rotate(),
  pause: () => watch.screen.togglePause(),
  save: () => savePicture(watch),
  full: () => watch.toggleFullscreen(),
  menu: () => menu.toggle(),
};

/** @type {Record<string, () => void>} */
const KEYS = {
  0: actions.fit,
  1: actions.exact,
  "-": actions.out,
  "+": actions.in,
  "=": actions.in,
  r: actions.rotate,
  p: actions.pause,
  s: actions.save,
  f: actions.full,
  m: actions.menu,
};

/** @type {Record<string, () => void>} */
const ARROWS = {
  ArrowLeft: () => view.pan(PAN, 0),
  ArrowRight: () => view.pan(-PAN, 0),
  ArrowUp: () => view.pan(0, PAN),
  ArrowDown: () => view.pan(0, -PAN),
};

for (const [id, action] of Object.entries(actions)) {
  if (id !== "menu") byId(id).addEventListener("click", action);
}
for (const button of document.querySelectorAll("[data-press]")) {
  const id = /** @type {HTMLElement} */ (button).dataset.press ?? "";
  button.addEventListener("click", actions[/** @type {keyof typeof actions} */ (id)]);
}

document.addEventListener("keydown", (event) => {
  const { target } = event;
  const isField = target instanceof HTMLElement && target.closest("select, input, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || isField) return;
  const action = KEYS[event.key] ?? (target === watch.stage ? ARROWS[event.key] : undefined);
  if (!action) return;
  event.preventDefault();
  action();
});

/**
 * @param {string} id
 * @param {boolean} isPressed
 */
function press(id, isPressed) {
  byId(id).setAttribute("aria-pressed", String(isPressed));
}

function showView() {
  press("fit", view.mode === "fit");
  press("exact", view.mode === "1:1");
  set(byId("zoom"), `${Math.round(100 * view.scale * devicePixelRatio)} %`);
  watch.stage.classList.toggle("can-pan", view.canPan);
}

function showState() {
  const { screen } = watch;
  const { verdict } = screen;
  const kind = kindOf(verdict);
  set(byId("name"), screen.name || "webcapd");
  const text = verdict.live ? verdict.sentence || "live" : verdict.word.toLowerCase();
  set(byId("state"), text);
  byId("state").classList.toggle("lost", kind === "lost");
  byId("dot").className = kind;
  press("pause", screen.isPaused);
  const icon = document.querySelector("#pause use");
  icon?.setAttribute("href", screen.isPaused ? "#icon-play" : "#icon-pause");
  byId("pause").setAttribute("aria-label", screen.isPaused ? "Go on" : "Pause");
  meter.update(menu.isOpen);
}

view.onChange = showView;
watch.onChange = showState;
showState();
showView();
