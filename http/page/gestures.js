// Wheel, pinch and drag on a stage, as zoom and pan of its view.

/** @import { View } from "./view.js" */

const LINE = 16;
const WHEEL_SPEED = 0.0015;
/** Pinches on a touchpad come as wheel with ctrlKey, in smaller steps. */
const PINCH_SPEED = 0.01;

/**
 * @param {HTMLElement} stage
 * @param {View} view
 * @param {boolean} wheelNeedsCtrl where the page around has to scroll
 */
export function attachGestures(stage, view, wheelNeedsCtrl) {
  stage.addEventListener(
    "wheel",
    (event) => {
      if (wheelNeedsCtrl && !event.ctrlKey) return;
      event.preventDefault();
      const delta = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE * event.deltaY : event.deltaY;
      const speed = event.ctrlKey && Math.abs(delta) < 50 ? PINCH_SPEED : WHEEL_SPEED;
      view.zoom(Math.exp(-delta * speed), pointIn(stage, event));
    },
    { passive: false },
  );
  attachPointers(stage, view);
}

/**
 * @param {HTMLElement} stage
 * @param {MouseEvent} event
 */
function pointIn(stage, { clientX, clientY }) {
  const { left, top } = stage.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}

/**
 * @param {HTMLElement} stage
 * @param {View} view
 */
function attachPointers(stage, view) {
  /** @type {Map<number, { x: number, y: number }>} */
  const down = new Map();
  stage.addEventListener("pointerdown", (event) => {
    const isOnControl = event.target instanceof Element && event.target.closest("button, a");
    if (event.button !== 0 || isOnControl) return;
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, pointIn(stage, event));
  });
  stage.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const here = pointIn(stage, event);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(view, other, before, here);
    else view.pan(here.x - before.x, here.y - before.y);
    down.set(event.pointerId, here);
  });
  for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
    stage.addEventListener(kind, (event) => down.delete(event.pointerId));
  }
}

/**
 * One finger moves while the other rests.
 * @param {View} view
 * @param {{ x: number, y: number }} other
 * @param {{ x: number, y: number }} before
 * @param {{ x: number, y: number }} here
 */
function pinch(view, other, before, here) {
  const distance = (/** @type {{ x: number, y: number }} */ point) =>
    Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
  view.pan((here.x - before.x) / 2, (here.y - before.y) / 2);
  const middle = { x: (here.x + other.x) / 2, y: (here.y + other.y) / 2 };
  view.zoom(distance(here) / distance(before), middle);
}
