// The page of a target: which light curves are drawn, and how.

import { markOf, STYLES, stylesOf } from "../review/bands.js";
import { announce, at, made } from "../review/elements.js";
import { framed, isMagnitude } from "./frame.js";
import { Plot } from "./plot.js";
import { fetchPoints } from "./points.js";
import { Quality } from "./quality.js";

const PERIOD_FACTORS = { half: 1 / 2, double: 2 };
const STEP = 0.25; // of what is seen, when moving
const KEYS = { ArrowLeft: "earlier", ArrowRight: "later", "+": "closer", "=": "closer",
  "-": "wider", 0: "whole" }; // prettier-ignore

class Page {
  constructor(config) {
    this.config = config;
    this.form = at("looks");
    this.points = new Map();
    this.wanted = new Set(config.curves.filter(({ shown }) => shown).map(({ id }) => id));
    this.styles = stylesOf([...new Set(config.curves.map((curve) => this.keyOf(curve)))]);
    this.quality = new Quality(() => this.draw({ keepZoom: true }));
    this.plot = new Plot(at("chart"), (found) => this.tell(found));
    this.hint = at("point").textContent;
    this.choose();
    this.legend();
    this.listen();
    this.update();
  }

  // What suits the units that are drawn at first.
  choose() {
    const units = this.curves().map(({ unit }) => unit);
    this.form.limits.checked = units.includes("uJy") || units.includes("adu");
    for (const option of this.form.y.options) {
      option.disabled = option.value === "ab" && !this.config.curves.some(({ unit }) => unit === "uJy");
    }
    this.form.epoch.value = this.first() ?? 0;
  }

  curves() {
    return this.config.curves.filter(({ id }) => this.wanted.has(id));
  }

  first() {
    const firsts = this.curves().map(({ first }) => first).filter((each) => each !== null);
    return firsts.length ? Math.min(...firsts) : null;
  }

  // A band has the same look on every page, unless it was measured in several ways here.
  keyOf({ band, series }) {
    const own = this.config.curves.filter((curve) => curve.band === band);
    return own.every((curve) => curve.series === series) ? band || series : series;
  }

  styleOf(curve) {
    return this.styles.get(this.keyOf(curve));
  }

  // --- what is drawn

  /** Fetch what is wanted and not there yet, then draw. */
  async update(options = {}) {
    const missing = this.curves().filter(({ id }) => !this.points.has(id));
    at("chart").setAttribute("aria-busy", String(missing.length > 0));
    const fetched = await Promise.allSettled(
      missing.map(async ({ id, points }) => this.points.set(id, await fetchPoints(points))),
    );
    at("chart").removeAttribute("aria-busy");
    const failed = fetched.find(({ status }) => status === "rejected");
    this.failure = failed ? `A light curve did not come: ${failed.reason.message}. Reload the page.` : "";
    this.quality.show(this.drawn().map(({ id }) => this.points.get(id)));
    this.draw(options);
  }

  drawn() {
    return this.curves().filter(({ id }) => this.points.has(id));
  }

  view() {
    const { elements } = this.form;
    const number = (name) => Number(elements[name].value);
    const units = new Set(this.drawn().map(({ unit }) => unit));
    const folds = elements.fold.checked && number("period") > 0;
    return {
      x: elements.x.value,
      y: units.size > 1 ? "relative" : elements.y.value,
      errors: elements.errors.checked,
      limits: elements.limits.checked,
      masked: elements.masked.checked,
      isOut: (bit) => this.quality.isOut(bit),
      fold: folds,
      period: number("period"),
      epoch: number("epoch"),
      twice: elements.twice.checked,
      time: this.config.time,
      first: this.first() ?? 0,
    };
  }

  draw(options = {}) {
    const view = this.view();
    const curves = this.drawn();
    const layers = curves.map((curve) => {
      const points = this.points.get(curve.id);
      return { curve, points, frame: framed(curve, points, view), style: this.styleOf(curve) };
    });
    this.layers = layers;
    const looks = {
      x: this.nameOfX(view),
      y: this.nameOfY(view, curves),
      errors: view.errors,
      turned: view.y === "ab" || (view.y === "stored" && curves.some(({ unit }) => isMagnitude(unit))),
      recolour: () => this.recolour(),
    };
    this.recolour();
    this.plot.show(layers, looks, options);
    this.say(layers, view, curves);
  }

  recolour() {
    const marks = [...at("series").querySelectorAll("[data-style]")];
    const colours = new Map(marks.map((mark) => [Number(mark.dataset.style), getComputedStyle(mark).color]));
    this.layers.forEach((layer) => {
      layer.colour = colours.get(layer.style);
    });
  }

  nameOfX(view) {
    const { name } = this.config.time;
    if (view.fold) {
      return `phase, period ${view.period} d, 0 at ${name} ${view.epoch}`;
    }
    if (this.drawn().every(({ first }) => first === null)) {
      return "number of the cadence";
    }
    return { count: name, mjd: "MJD", since: `days since ${name} ${view.first.toFixed(5)}` }[view.x];
  }

  nameOfY(view, curves) {
    if (view.y === "relative") {
      return "relative to the median";
    }
    if (view.y === "ab") {
      return "AB magnitude";
    }
    const unit = curves[0]?.unit ?? "";
    return isMagnitude(unit) ? "magnitude" : `flux${unit ? `, ${unit}` : ""}`;
  }

  say(layers, view, curves) {
    const sum = (name) => layers.reduce((all, { frame }) => all + frame[name], 0);
    const units = new Set(curves.map(({ unit }) => unit || "none"));
    const words = [
      this.failure,
      `${curves.length} of ${this.config.curves.length} light curves, ${sum("n").toLocaleString("en")} points drawn`,
      sum("left") ? `${sum("left").toLocaleString("en")} flagged cadences left out` : "",
      sum("faded") ? `${sum("faded").toLocaleString("en")} fainter than the reference, without a magnitude` : "",
      units.size > 1 ? `units differ (${[...units].join(", ")}): each is drawn relative to its median` : "",
    ];
    at("chart-words").textContent = `${words.filter(Boolean).join("; ")}.`;
  }

  legend() {
    const series = new Map(this.config.curves.map((curve) => [curve.series, this.styleOf(curve)]));
    at("series").replaceChildren(
      ...[...series].map(([name, style]) => {
        const box = made("input", { type: "checkbox", "data-series": name });
        const mark = made("span", { class: `band band-${style % STYLES}`, "data-style": String(style) });
        mark.append(picture(style), name);
        return made("label", { class: "series" }, box, mark);
      }),
    );
    this.tick();
  }

  // Boxes of series follow those of their curves.
  tick() {
    for (const box of at("series").querySelectorAll("input")) {
      const own = this.config.curves.filter(({ series }) => series === box.dataset.series);
      const shown = own.filter(({ id }) => this.wanted.has(id)).length;
      box.checked = shown > 0;
      box.indeterminate = shown > 0 && shown < own.length;
    }
    for (const box of document.querySelectorAll("[data-curve]")) {
      box.checked = this.wanted.has(Number(box.dataset.curve));
    }
  }

  want(ids, isWanted) {
    ids.forEach((id) => (isWanted ? this.wanted.add(id) : this.wanted.delete(id)));
    this.tick();
    this.update();
  }

  tell(found) {
    at("point").textContent = found ? this.wordsOf(found) : this.hint;
  }

  wordsOf({ layer: { curve, points, frame }, at: place }) {
    const source = frame.source[place];
    const { value, error, x } = points;
    const where = points.timed ? `${this.config.time.name} ${x[source].toFixed(6)}` : `cadence ${x[source]}`;
    const flags = this.quality.namesOf(points, source);
    const measured = `${Number(value[source].toPrecision(7))} ± ${Number(error[source].toPrecision(3))}`;
    const words = [where, `${measured} ${curve.unit}`.trim(), curve.series, curve.observation, ...flags];
    return words.join(" · ");
  }

  // --- what is done

  earlier() {
    this.plot.move(-STEP);
  }

  later() {
    this.plot.move(STEP);
  }

  closer() {
    this.plot.zoom(1 / 2);
  }

  wider() {
    this.plot.zoom(2);
  }

  whole() {
    this.plot.whole();
  }

  half() {
    this.scale("half");
  }

  double() {
    this.scale("double");
  }

  scale(name) {
    this.fold(Number(this.form.period.value) * PERIOD_FACTORS[name]);
  }

  fold(period, epoch = null) {
    if (!(period > 0)) {
      announce("Give a period first.");
      return;
    }
    this.form.period.value = String(Number(period.toPrecision(12)));
    this.form.epoch.value = epoch ?? this.form.epoch.value;
    this.form.fold.checked = true;
    this.draw();
    announce(`Folded by ${this.form.period.value} days.`);
  }

  listen() {
    document.addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("change", (event) => this.changed(event));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    at("chart").addEventListener("keydown", (event) => {
      const does = event.ctrlKey || event.metaKey || event.altKey ? null : KEYS[event.key];
      if (does) {
        event.preventDefault();
        this[does]();
      }
    });
  }

  clicked({ target }) {
    const button = target.closest("button[data-do], button[data-period]");
    if (button?.dataset.do) {
      this[button.dataset.do]();
    } else if (button) {
      this.fold(Number(button.dataset.period), button.dataset.epoch || null);
    }
  }

  changed({ target }) {
    if (target.dataset.series !== undefined) {
      const own = this.config.curves.filter(({ series }) => series === target.dataset.series);
      this.want(own.map(({ id }) => id), target.checked);
    } else if (target.dataset.curve) {
      this.want([Number(target.dataset.curve)], target.checked);
    } else if (target.form === this.form && target.name) {
      const keeps = ["errors", "limits", "masked"].includes(target.name);
      this.draw({ keepZoom: keeps });
    }
  }
}

function picture(style) {
  const svg = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  };
  const whole = svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
  whole.append(svg("path", { d: markOf(style, 6, 6) }));
  return whole;
}

if (at("curve-config") && at("chart")) {
  new Page(JSON.parse(at("curve-config").textContent));
}
