// The plot: axes by uPlot, points drawn here, since there may be 100,000 of them.

import { spansOf } from "./frame.js";
import { drawFrame } from "./draw.js";

const HEIGHT = { wide: 400, narrow: 300 };
const NARROW_PX = 460;
const NEAR_PX = 20;
const LEAST_DRAG_PX = 5;

export class Plot {
  /** `place` holds the canvas; `told` is called with the point under the cursor, or null. */
  constructor(place, told) {
    Object.assign(this, { place, told, layers: [], looks: {}, zoomed: null });
    this.listen();
  }

  /** Draw layers, each a frame with colour and mark; axes as `looks` says. */
  show(layers, looks, { keepZoom = false } = {}) {
    const isOther = this.looks.x !== looks.x;
    Object.assign(this, { layers, looks });
    this.all = spansOf(layers.map(({ frame }) => frame));
    if (!keepZoom || isOther) {
      this.zoomed = null;
    }
    this.build();
  }

  limits() {
    return this.zoomed ?? this.all;
  }

  build() {
    this.plot?.destroy();
    const width = this.place.clientWidth;
    const options = {
      width,
      height: width < NARROW_PX ? HEIGHT.narrow : HEIGHT.wide,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => this.limits().x },
        y: { dir: this.looks.turned ? -1 : 1, range: () => this.limits().y },
      },
      axes: this.axes(width),
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: { points: { show: false }, drag: { x: true, y: true, uni: 12, setScale: false } },
      hooks: {
        draw: [() => this.draw()],
        setSelect: [() => this.select()],
        setCursor: [() => this.told(this.nearest())],
      },
    };
    this.plot = new uPlot(options, [this.all.x, this.all.y], this.place);
    this.plot.over.addEventListener("dblclick", () => this.whole());
    this.plot.over.addEventListener("mousedown", (event) => this.grab(event), true);
  }

  axes(width) {
    const style = getComputedStyle(this.place);
    const colour = (name) => style.getPropertyValue(name).trim();
    const font = `12px ${colour("--font")}`;
    const axis = { stroke: colour("--ink-quiet"), font, labelFont: font, labelSize: 18 };
    const grid = { stroke: colour("--line"), width: 1 };
    const ticks = { stroke: colour("--line-strong"), width: 1, size: 5 };
    const number = (u, splits) => splits.map((each) => String(Number(each.toPrecision(10))));
    const space = width < NARROW_PX ? 70 : 90;
    const values = (u, splits) => splits.map(short);
    return [
      { ...axis, grid, ticks, space, size: 34, values: number, label: this.looks.x },
      { ...axis, grid, ticks, size: 62, values, label: this.looks.y, labelGap: 2 },
    ];
  }

  draw() {
    const began = performance.now();
    const { ctx, bbox } = this.plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const layer of this.layers) {
      drawFrame(this.plot, layer, { errors: this.looks.errors, limits: this.limits() });
    }
    ctx.restore();
    this.place.dataset.drawMs = (performance.now() - began).toFixed(1);
    this.place.dataset.x = JSON.stringify(this.limits().x);
    this.place.dataset.y = JSON.stringify(this.limits().y);
  }

  // --- what is done

  /** Show all of it. */
  whole() {
    this.go(null);
  }

  /** Show `factor` times as much of the x axis around its middle. */
  zoom(factor) {
    const [low, high] = this.limits().x;
    const half = (factor * (high - low)) / 2;
    const middle = (low + high) / 2;
    const isAll = 2 * half >= this.all.x[1] - this.all.x[0];
    this.go(isAll ? null : this.around([middle - half, middle + half]));
  }

  /** Move by a share of what is shown. */
  move(share) {
    const { x, y } = this.limits();
    const half = (x[1] - x[0]) / 2;
    const [first, last] = this.all.x;
    const middle = Math.min(last, Math.max(first, x[0] + half + share * 2 * half));
    this.go({ x: [middle - half, middle + half], y });
  }

  around(x) {
    return { x, y: spansOf(this.layers.map(({ frame }) => frame), x).y };
  }

  go(limits) {
    this.zoomed = limits;
    this.plot.setData(this.plot.data);
  }

  select() {
    const { left, top, width, height } = this.plot.select;
    if (width < LEAST_DRAG_PX && height < LEAST_DRAG_PX) {
      return;
    }
    const span = (axis, from, size) =>
      [from, from + size].map((px) => this.plot.posToVal(px, axis)).sort((a, b) => a - b);
    const x = width < LEAST_DRAG_PX ? this.limits().x : span("x", left, width);
    this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.go(height < LEAST_DRAG_PX ? this.around(x) : { x, y: span("y", top, height) });
  }

  // Shift and drag, or the middle button, moves; uPlot sees nothing of it.
  grab(event) {
    if (!event.shiftKey && event.button !== 1) {
      return;
    }
    event.stopImmediatePropagation();
    event.preventDefault();
    const from = { x: event.clientX, y: event.clientY, limits: this.limits() };
    const { width, height } = this.plot.over.getBoundingClientRect();
    const drag = (now) => {
      const { x, y } = from.limits;
      const byX = ((now.clientX - from.x) / width) * (x[1] - x[0]);
      const byY = ((now.clientY - from.y) / height) * (y[1] - y[0]) * (this.looks.turned ? -1 : 1);
      this.go({ x: x.map((each) => each - byX), y: y.map((each) => each + byY) });
    };
    addEventListener("mousemove", drag);
    addEventListener("mouseup", () => removeEventListener("mousemove", drag), { once: true });
  }

  /** Give the point next to the cursor, as {layer, at}; null where none is near. */
  nearest() {
    const { left, top } = this.plot.cursor;
    if (!(left >= 0)) {
      return null;
    }
    const { x, y } = this.limits();
    const { width, height } = this.plot.over.getBoundingClientRect();
    const [perX, perY] = [width / (x[1] - x[0]), height / (y[1] - y[0])];
    const atX = x[0] + left / perX;
    const atY = this.looks.turned ? y[0] + top / perY : y[1] - top / perY;
    let best = { distance: NEAR_PX, found: null };
    for (const layer of this.layers) {
      const { frame } = layer;
      for (let at = 0; at < frame.n; at += 1) {
        const across = Math.abs(frame.x[at] - atX) * perX;
        if (across < best.distance) {
          const distance = Math.hypot(across, (frame.y[at] - atY) * perY);
          best = distance < best.distance ? { distance, found: { layer, at } } : best;
        }
      }
    }
    return best.found;
  }

  listen() {
    let width = this.place.clientWidth;
    new ResizeObserver(() => {
      if (this.place.clientWidth !== width) {
        width = this.place.clientWidth;
        this.again();
      }
    }).observe(this.place);
    new MutationObserver(() => this.again()).observe(document.documentElement, {
      attributeFilter: ["data-night", "data-theme"],
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.again());
  }

  again() {
    if (this.plot) {
      this.looks.recolour();
      this.build();
    }
  }
}

function short(value) {
  const size = Math.abs(value);
  return size && (size < 1e-4 || size >= 1e7)
    ? value.toExponential(3).replace(/\.?0+e/, "e")
    : String(Number(value.toPrecision(8)));
}
