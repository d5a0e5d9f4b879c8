// The four pictures of an item: drawn anew whenever item, stretch, size or light change.

import { paint } from "./draw.js";
import { PLANES } from "./pixels.js";
import { STRETCHES } from "./stretch.js";

const BLINK_MS = 250; // two pictures: 2 Hz, below the 3 Hz that can harm
const CONTRAST_STEP = 1.25;
const [LEAST_CONTRAST, MOST_CONTRAST] = [1 / 16, 16];
const ZOOMS = [1, 2, 4];
const NAMES = { science: "Science", reference: "Reference" };

const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const isRed = () => document.documentElement.dataset.night === "red";

export class Stage {
  constructor(element, look) {
    this.element = element;
    this.look = { stretch: "asinh", contrast: 1, invert: false, zoom: 1, ...look };
    this.panels = new Map(PLANES.map((name) => [name, this.panelOf(name)]));
    this.item = null;
    this.found = null;
    this.swapped = false;
    this.sizes = new ResizeObserver(() => this.fit());
    this.panels.forEach(({ canvas }) => this.sizes.observe(canvas));
    new MutationObserver(() => this.draw()).observe(document.documentElement, {
      attributeFilter: ["data-night"],
    });
  }

  panelOf(name) {
    const figure = this.element.querySelector(`[data-plane="${name}"]`);
    return {
      canvas: figure.querySelector("canvas"),
      caption: figure.querySelector("figcaption"),
    };
  }

  // As many pixels as the screen has there, so that the browser smooths nothing.
  fit() {
    for (const { canvas } of this.panels.values()) {
      const side = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
      if (canvas.width !== side) {
        canvas.width = side;
        canvas.height = side;
      }
    }
    this.draw();
  }

  /** Show an item with what was found of its pixels: cutouts, a reason, or nothing yet. */
  show(item, found) {
    this.stopBlinking();
    this.item = item;
    this.found = found;
    this.draw();
  }

  draw() {
    const cutouts = this.found?.cutouts;
    this.element.dataset.state = cutouts ? "pixels" : "words";
    this.element.dataset.item = this.item?.detection ?? "";
    const words = this.item ? (this.found?.reason ?? "The pixels are on their way.") : "";
    this.element.querySelector(".stage-words").textContent = cutouts ? "" : words;
    if (cutouts) {
      this.panels.forEach(({ canvas }, name) =>
        paint(canvas, this.planeFor(name), cutouts, this.item, this.colours),
      );
    }
  }

  /** The look in the light of the moment. */
  get colours() {
    return { ...this.look, red: isRed() };
  }

  planeFor(name) {
    if (!this.swapped) {
      return name;
    }
    return { science: "reference", reference: "science" }[name] ?? name;
  }

  // --- blinking

  startBlinking() {
    this.stopBlinking();
    this.swap(true);
    if (!isStill()) {
      this.blinker = setInterval(() => this.swap(!this.swapped), BLINK_MS);
    }
  }

  stopBlinking() {
    clearInterval(this.blinker);
    if (this.swapped) {
      this.swap(false);
    }
  }

  swap(swapped) {
    this.swapped = swapped;
    for (const name of Object.keys(NAMES)) {
      this.panels.get(name).caption.textContent = NAMES[this.planeFor(name)];
    }
    this.draw();
  }

  // --- the look

  change(look) {
    Object.assign(this.look, look);
    this.draw();
  }

  /** Do what a key or button named `action` does to the look. */
  act(action) {
    const does = {
      stretch: () => this.nextStretch(),
      invert: () => this.change({ invert: !this.look.invert }),
      weaker: () => this.moreContrast(-1),
      stronger: () => this.moreContrast(1),
      zoom: () => this.nextZoom(),
    };
    does[action]();
  }

  nextStretch() {
    const next = (STRETCHES.indexOf(this.look.stretch) + 1) % STRETCHES.length;
    this.change({ stretch: STRETCHES[next] });
  }

  moreContrast(steps) {
    const wanted = this.look.contrast * CONTRAST_STEP ** steps;
    this.change({ contrast: Math.min(MOST_CONTRAST, Math.max(LEAST_CONTRAST, wanted)) });
  }

  nextZoom() {
    this.change({ zoom: ZOOMS[(ZOOMS.indexOf(this.look.zoom) + 1) % ZOOMS.length] });
  }

  /** Say in words how the pixels are shown. */
  get words() {
    const { stretch, contrast, invert, zoom } = this.look;
    const parts = [stretch, `contrast ${contrast.toFixed(2)}`, `zoom ${zoom}`];
    return [...parts, ...(invert ? ["inverted"] : [])].join(", ");
  }
}
