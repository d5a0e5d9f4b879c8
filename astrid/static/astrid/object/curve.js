// The light curve: points with errors, limits as arrows downwards, magnitudes or flux, zoom.

import { STYLES, markOf, stylesOf } from "../review/bands.js";
import { at, made } from "../review/elements.js";

const MJD_OF_1970 = 40587;
const DAY_MS = 86_400_000;
const [SPARE_X, SPARE_Y] = [0.04, 0.1]; // beside the points, share of the span
const [LEAST_DAYS, LEAST_MAGNITUDES] = [0.5, 0.4]; // so much is shown of a single point
const HEIGHT = { wide: 320, narrow: 260 };
const NARROW_PX = 460;
const NEAR_PX = 24;
const MICROJANSKY_ZERO = 23.9; // AB magnitude of 1 microjansky
const UNITS = {
  AB: { zero: MICROJANSKY_ZERO, words: "flux, µJy" },
  instrumental: { zero: 0, words: "flux, ADU/s" },
  "": { zero: 20, words: "flux, 20 mag = 1" },
};

const dateOf = (mjd) => new Date((mjd - MJD_OF_1970) * DAY_MS).toISOString();

export class Curve {
  constructor(columns, system, opened) {
    Object.assign(this, { system, opened, isFlux: false, marked: "", zoomed: null });
    this.unit = UNITS[system] ?? UNITS[""];
    this.points = columns.mjd.map((mjd, n) => ({
      mjd,
      value: columns.value[n],
      error: columns.error[n],
      isLimit: Boolean(columns.limit[n]),
      band: columns.band[n],
      detection: columns.detection[n],
    }));
    this.styles = stylesOf([...new Set(columns.band)]);
    this.legend();
    this.build();
    this.listen();
  }

  // --- values on the screen

  /** Give value and ends of a point as they are shown. */
  shown({ value, error, isLimit }) {
    const spread = error ?? 0;
    if (!this.isFlux) {
      return { y: value, low: value - spread, high: value + spread };
    }
    const flux = 10 ** (-0.4 * (value - this.unit.zero));
    const reach = isLimit ? 0 : 0.4 * Math.LN10 * flux * spread;
    return { y: flux, low: flux - reach, high: flux + reach };
  }

  spans() {
    const days = this.points.map(({ mjd }) => mjd);
    const ends = this.points.map((point) => this.shown(point));
    const values = [...ends.map(({ low }) => low), ...ends.map(({ high }) => high)];
    const least = this.isFlux ? Math.max(...values) * 0.2 : LEAST_MAGNITUDES;
    return {
      x: wider(days, LEAST_DAYS, SPARE_X),
      y: wider(this.isFlux ? [0, ...values] : values, least, SPARE_Y),
    };
  }

  // --- the plot

  build() {
    this.plot?.destroy();
    const place = at("chart");
    const width = place.clientWidth;
    const height = width < NARROW_PX ? HEIGHT.narrow : HEIGHT.wide;
    const order = this.points.map((point) => [point.mjd, this.shown(point).y]);
    const limits = () => this.zoomed ?? this.spans();
    const { axes, colours } = this.looks(width);
    this.colours = colours;
    const options = {
      width,
      height,
      padding: [4, 8, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => limits().x },
        y: { dir: this.isFlux ? 1 : -1, range: () => limits().y },
      },
      axes,
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: { points: { show: false }, drag: { x: true, y: true, uni: 12, setScale: false } },
      hooks: {
        draw: [() => this.draw()],
        setSelect: [() => this.select()],
        setCursor: [() => this.point()],
      },
    };
    const columns = [order.map(([x]) => x), order.map(([, y]) => y)];
    this.plot = new uPlot(options, columns, place);
    this.plot.over.addEventListener("click", () => this.click());
    this.plot.over.addEventListener("dblclick", () => this.whole());
  }

  looks(width) {
    const style = getComputedStyle(at("chart"));
    const colour = (name) => style.getPropertyValue(name).trim();
    const font = `12px ${colour("--font")}`;
    const axis = { stroke: colour("--ink-quiet"), font, labelFont: font };
    const grid = { stroke: colour("--line"), width: 1 };
    const ticks = { stroke: colour("--line-strong"), width: 1, size: 5 };
    const space = width < NARROW_PX ? 78 : 100;
    const name = this.isFlux ? this.unit.words : `magnitude${this.system ? `, ${this.system}` : ""}`;
    const number = (u, splits) => splits.map((each) => String(Number(each.toPrecision(10))));
    const axes = [
      { ...axis, grid, ticks, space, size: 34, values: number, label: "MJD (UTC)", labelSize: 18 },
      { ...axis, grid, ticks, size: 52, label: name, labelSize: 18, labelGap: 2 },
      {
        ...axis, scale: "x", side: 0, space, size: 26, ticks, grid: { show: false },
        values: (u, splits, index, gap, step) => splits.map((mjd) => dateWords(mjd, step)),
      }, // prettier-ignore
    ];
    const bands = [...at("bands").children].map((each) => getComputedStyle(each).color);
    const colours = new Map([...this.styles.keys()].map((band, n) => [band, bands[n]]));
    return { axes, colours: { bands: colours, ink: colour("--ink"), focus: colour("--focus") } };
  }

  draw() {
    const { ctx, bbox } = this.plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    this.points.forEach((point) => this.drawPoint(ctx, point));
    this.drawMarked(ctx);
    ctx.restore();
  }

  placeOf(point) {
    const { y, low, high } = this.shown(point);
    const [px, py] = [(v) => this.plot.valToPos(v, "x", true), (v) => this.plot.valToPos(v, "y", true)];
    return { x: px(point.mjd), y: py(y), ends: [py(low), py(high)] };
  }

  drawPoint(ctx, point) {
    const { x, y, ends } = this.placeOf(point);
    const ratio = devicePixelRatio;
    ctx.strokeStyle = ctx.fillStyle = this.colours.bands.get(point.band);
    ctx.lineWidth = 1.4 * ratio;
    if (point.isLimit) {
      // fainter than this: downwards whichever way the axis goes
      const arrow = new Path2D("M-5 0h10M0 0v11M-3.5 7l3.5 4.5l3.5 -4.5");
      stamped(ctx, x, y, ratio, () => ctx.stroke(arrow));
      return;
    }
    if (point.error) {
      ctx.beginPath();
      ctx.moveTo(x, ends[0]);
      ctx.lineTo(x, ends[1]);
      ctx.stroke();
    }
    const mark = new Path2D(markOf(this.styles.get(point.band), 0, 0));
    stamped(ctx, x, y, 1.15 * ratio, () => ctx.fill(mark));
  }

  drawMarked(ctx) {
    const point = this.points.find(({ detection }) => detection && detection === this.marked);
    if (point) {
      const { x, y } = this.placeOf(point);
      ctx.strokeStyle = this.colours.focus;
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.beginPath();
      ctx.arc(x, y, 9 * devicePixelRatio, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }

  legend() {
    at("bands").replaceChildren(
      ...[...this.styles].map(([band, style]) => {
        const mark = svg("path", { d: markOf(style, 6, 6) });
        const picture = svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, mark);
        return made("span", { class: `band band-${style % STYLES}` }, picture, band);
      }),
    );
  }

  // --- what is done

  /** Point out the epoch on the screen. */
  mark(detection) {
    this.marked = detection;
    this.plot.redraw(false);
  }

  /** Change between magnitudes and flux; say whether it is flux now. */
  toggle() {
    this.isFlux = !this.isFlux;
    this.zoomed = null;
    this.build();
    return this.isFlux;
  }

  /** Show more or less of the time around what is shown. */
  zoom(factor) {
    const { x, y } = this.zoomed ?? this.spans();
    const middle = this.points.find(({ detection }) => detection === this.marked)?.mjd;
    const centre = middle >= x[0] && middle <= x[1] ? middle : (x[0] + x[1]) / 2;
    const half = (factor * (x[1] - x[0])) / 2;
    const all = this.spans().x;
    const isAll = 2 * half >= all[1] - all[0];
    this.show(isAll ? null : { x: [centre - half, centre + half], y });
  }

  whole() {
    this.show(null);
  }

  show(limits) {
    this.zoomed = limits;
    this.plot.setData(this.plot.data);
  }

  select() {
    const { left, top, width, height } = this.plot.select;
    if (width < 5 && height < 5) {
      return;
    }
    const x = [left, left + width].map((px) => this.plot.posToVal(px, "x"));
    const y = [top, top + height].map((px) => this.plot.posToVal(px, "y"));
    const { x: allX, y: allY } = this.zoomed ?? this.spans();
    this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.dragged = true;
    const sorted = (pair) => pair.sort((a, b) => a - b);
    this.show({ x: width < 5 ? allX : sorted(x), y: height < 5 ? allY : sorted(y) });
  }

  nearest() {
    const { left, top } = this.plot.cursor;
    if (left < 0) {
      return null;
    }
    const apart = (point) => {
      const x = this.plot.valToPos(point.mjd, "x") - left;
      return Math.hypot(x, this.plot.valToPos(this.shown(point).y, "y") - top);
    };
    const [found, distance] = this.points.reduce(
      (best, point) => (apart(point) < best[1] ? [point, apart(point)] : best),
      [null, NEAR_PX],
    );
    return distance < NEAR_PX ? found : null;
  }

  point() {
    const found = this.nearest();
    this.plot.over.style.cursor = found?.detection ? "pointer" : "crosshair";
    this.hint ??= at("point").textContent;
    at("point").textContent = found ? wordsOf(found) : this.hint;
  }

  click() {
    const found = this.nearest();
    if (found?.detection && !this.dragged) {
      this.opened(found.detection);
    }
    this.dragged = false;
  }

  // --- what is listened to

  listen() {
    let width = at("chart").clientWidth;
    new ResizeObserver(() => {
      if (at("chart").clientWidth !== width) {
        width = at("chart").clientWidth;
        this.build();
      }
    }).observe(at("chart"));
    new MutationObserver(() => this.build()).observe(document.documentElement, {
      attributeFilter: ["data-night", "data-theme"],
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.build());
    at("points").addEventListener("toggle", () => this.fill(), { once: true });
  }

  fill() {
    const rows = this.points.map((point) => {
      const link = made("a", { href: `#${point.detection}`, text: "show" });
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.opened(point.detection);
      });
      const magnitude = `${point.isLimit ? "> " : ""}${point.value.toFixed(3)}`;
      const error = point.error === null ? "" : point.error.toFixed(3);
      const cells = [point.mjd.toFixed(5), dateOf(point.mjd).slice(0, 16).replace("T", " ")];
      return made(
        "tr",
        {},
        ...[...cells, point.band, magnitude, error].map((text) => made("td", { text })),
        made("td", {}, ...(point.detection ? [link] : ["not found"])),
      );
    });
    at("points").querySelector("tbody").replaceChildren(...rows);
  }
}

function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.append(...children);
  return element;
}

function stamped(ctx, x, y, scale, does) {
  ctx.save();
  ctx.translate(x, y);
  ctx.scale(scale, scale);
  does();
  ctx.restore();
}

function wider(values, least, spare) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const more = Math.max(0, least - (high - low)) / 2 + spare * Math.max(least, high - low);
  return [low - more, high + more];
}

function dateWords(mjd, step) {
  const words = dateOf(mjd);
  if (step < 1) {
    return `${words.slice(5, 10)} ${words.slice(11, 16)}`;
  }
  return step < 60 ? words.slice(0, 10) : words.slice(0, 7);
}

function wordsOf(point) {
  const spread = point.error === null ? "" : ` ± ${point.error.toFixed(3)}`;
  const value = `${point.isLimit ? "> " : ""}${point.value.toFixed(3)}${spread}`;
  return `${dateOf(point.mjd).slice(0, 16).replace("T", " ")} · MJD ${point.mjd} · ${point.band} ${value}`;
}
