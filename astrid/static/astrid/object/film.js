// The epochs in a row, each with its three small pictures, and the one that is shown large.

import { paint } from "../review/draw.js";
import { at, made } from "../review/elements.js";
import { PixelStore } from "../review/pixels.js";

const SMALL = ["science", "reference", "difference"];
const AHEAD = 3; // epochs on either side whose pixels come before they are asked for

export class Film {
  constructor(epochs, stage, chosen) {
    Object.assign(this, { epochs, stage, chosen, at: 0 });
    this.pixels = new PixelStore((epoch) => this.came(epoch));
    this.seen = new Set();
    this.frames = epochs.map((epoch, index) => this.frameOf(epoch, index));
    at("strip").replaceChildren(...this.frames);
    this.watch();
    this.scrubber = at("scrubber");
    this.scrubber.max = epochs.length - 1;
    this.scrubber.disabled = epochs.length < 2;
    this.scrubber.addEventListener("input", () => chosen(Number(this.scrubber.value)));
  }

  frameOf(epoch, index) {
    const pictures = SMALL.map((plane) => made("canvas", { "data-plane": plane }));
    const button = made(
      "button",
      { type: "button", "aria-label": `${epoch.when}, ${epoch.band}` },
      made("span", { class: "tiles", "aria-hidden": "true" }, ...pictures),
      made("span", { class: "caption", text: epoch.when.slice(0, 10) }),
      made("span", { class: "caption quiet", text: `${epoch.when.slice(11)} · ${epoch.band}` }),
    );
    button.addEventListener("click", () => this.chosen(index));
    return made("li", {}, button);
  }

  // Pixels of frames come when the frames do.
  watch() {
    const eye = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const index = this.frames.indexOf(target);
          this.seen[isIntersecting ? "add" : "delete"](index);
        }
        this.want();
        this.redraw();
      },
      { root: null, rootMargin: "200px" },
    );
    this.frames.forEach((frame) => eye.observe(frame));
    new MutationObserver(() => this.redraw()).observe(document.documentElement, {
      attributeFilter: ["data-night"],
    });
  }

  want() {
    const near = (index) => Math.abs(index - this.at);
    const close = this.epochs.map((_, index) => index).filter((index) => near(index) <= AHEAD);
    const order = [...new Set([...close, ...this.seen])].sort((a, b) => near(a) - near(b));
    this.pixels.want(order.map((index) => this.epochs[index]));
  }

  /** Show an epoch large; give the words that describe it. */
  show(index) {
    this.at = index;
    const epoch = this.epochs[index];
    this.want();
    this.stage.show(epoch, this.pixels.of(epoch));
    this.frames.forEach((frame, each) => {
      const button = frame.firstElementChild;
      button.setAttribute("aria-current", each === index);
      button.tabIndex = each === index ? 0 : -1;
    });
    this.reveal(this.frames[index]);
    return this.tell(epoch, index);
  }

  // Within the strip only: the page itself stays where it is.
  reveal(frame) {
    const strip = at("strip");
    const [left, right] = [frame.offsetLeft - strip.offsetLeft, frame.offsetWidth];
    const beyond = left + right - strip.clientWidth;
    if (left < strip.scrollLeft || beyond > strip.scrollLeft) {
      strip.scrollLeft = left - (strip.clientWidth - right) / 2;
    }
  }

  tell(epoch, index) {
    const name = `Epoch ${index + 1} of ${this.epochs.length}: ${epoch.when} UTC, ${epoch.band}`;
    const numbers = epoch.figures.map(([label, text]) => `${label} ${text}`).join(", ");
    const remarks = epoch.badges.map(([text]) => text).join(", ") || "none";
    const words = `${name}, MJD ${epoch.mjd}: ${numbers}. Remarks: ${remarks}.`;
    at("alt").textContent = words;
    at("epoch").textContent = `${name} · MJD ${epoch.mjd} · ${epoch.frame}`;
    this.scrubber.value = index;
    this.scrubber.setAttribute("aria-valuetext", name);
    at("figures").replaceChildren(
      ...epoch.figures.map(([label, text]) =>
        made("div", {}, made("dt", { text: label }), made("dd", { text })),
      ),
    );
    at("badges").replaceChildren(
      ...epoch.badges.map(([text, kind]) => made("li", { class: `badge ${kind}`, text })),
    );
    return words;
  }

  // --- pictures

  came(epoch) {
    const index = this.epochs.indexOf(epoch);
    if (index === this.at) {
      this.stage.show(epoch, this.pixels.of(epoch));
    }
    this.draw(index);
  }

  redraw() {
    this.seen.forEach((index) => this.draw(index));
  }

  draw(index) {
    const epoch = this.epochs[index];
    const found = this.pixels.of(epoch);
    const tiles = this.frames[index].querySelector(".tiles");
    if (found?.reason) {
      tiles.classList.add("gone");
      tiles.title = found.reason;
    }
    if (!found?.cutouts) {
      return;
    }
    for (const canvas of tiles.children) {
      const side = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
      canvas.width = side;
      canvas.height = side;
      const look = { ...this.stage.colours, bare: true };
      paint(canvas, canvas.dataset.plane, found.cutouts, epoch, look);
    }
  }
}
