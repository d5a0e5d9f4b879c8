// Fingers: a swipe is a verdict, a long press blinks.

const FAR_PX = 60; // shorter moves are no swipe
const LONG_PRESS_MS = 350;
const STILL_PX = 10;

function directionOf(dx, dy) {
  if (Math.max(Math.abs(dx), Math.abs(dy)) < FAR_PX) {
    return "";
  }
  if (Math.abs(dx) > Math.abs(dy)) {
    return dx > 0 ? "real" : "bogus";
  }
  return dy < 0 ? "unsure" : "";
}

/** Watch an element; `does` gets real, bogus or unsure, `blinks` true and false. */
export function watchSwipes(element, { does, blinks }) {
  let start = null;
  let press = null;

  const letGo = () => {
    clearTimeout(press);
    press = null;
    start = null;
    delete element.dataset.swipe;
    blinks(false);
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" || !event.isPrimary) {
      return;
    }
    start = { x: event.clientX, y: event.clientY };
    element.setPointerCapture(event.pointerId);
    press = setTimeout(() => blinks(true), LONG_PRESS_MS);
  });
  element.addEventListener("pointermove", (event) => {
    if (!start) {
      return;
    }
    const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
    if (Math.hypot(dx, dy) > STILL_PX) {
      clearTimeout(press);
    }
    element.dataset.swipe = directionOf(dx, dy);
  });
  element.addEventListener("pointerup", (event) => {
    const direction = start ? directionOf(event.clientX - start.x, event.clientY - start.y) : "";
    letGo();
    if (direction) {
      does(direction);
    }
  });
  element.addEventListener("pointercancel", letGo);
}
