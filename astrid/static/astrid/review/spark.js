// The light curve in small: one mark per epoch, a triangle where nothing was seen so deep.

import { markOf, stylesOf } from "./bands.js";

const SPACE = "http://www.w3.org/2000/svg";
const [LEAST_WIDTH, HEIGHT, EDGE] = [160, 84, 10];
const NUMBERS = 24; // px, room for the numbers at the right
const LETTER = 7; // px, the width of one

function element(name, attributes, parent) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  parent.append(made);
  return made;
}

/** Draw the epochs of an item into an svg element, magnitudes upwards when brighter. */
export function drawSeries(svg, series) {
  svg.replaceChildren();
  const width = Math.max(LEAST_WIDTH, svg.clientWidth);
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const bands = [...new Set(series.map((epoch) => epoch.band))];
  svg.setAttribute("aria-label", wordsOf(series, bands));
  if (series.length) {
    const place = axes(series, width);
    const styles = stylesOf(bands);
    series.forEach((epoch) => drawEpoch(svg, epoch, place(epoch), styles.get(epoch.band)));
    drawEnds(svg, series, width);
    drawBands(svg, styles);
  }
}

function axes(series, width) {
  const x = span(series.map((epoch) => epoch.mjd));
  const ends = ({ value, error }) => [value - (error ?? 0), value + (error ?? 0)];
  const y = span(series.flatMap(ends));
  const height = HEIGHT - 2 * EDGE;
  return ({ mjd, value, error }) => ({
    x: EDGE + (width - 2 * EDGE - NUMBERS) * x(mjd),
    y: EDGE + height * y(value),
    reach: height * (y(value + (error ?? 0)) - y(value)),
  });
}

function span(values) {
  const low = Math.min(...values);
  const width = Math.max(...values) - low;
  return (value) => (width > 0 ? (value - low) / width : 0.5);
}

function drawEpoch(svg, epoch, { x, y, reach }, style) {
  const colour = `band-${style}`;
  if (epoch.limit) {
    element("path", { class: `limit ${colour}`, d: `M${x - 4} ${y - 3}h8l-4 7z` }, svg);
    return;
  }
  if (reach > 0) {
    element("path", { class: `error ${colour}`, d: `M${x} ${y - reach}v${2 * reach}` }, svg);
  }
  element("path", { class: colour, d: markOf(style, x, y) }, svg);
}

function drawEnds(svg, series, width) {
  const values = series.map((epoch) => epoch.value);
  const [brightest, faintest] = [Math.min(...values), Math.max(...values)];
  const right = { class: "end", x: width - 2, "text-anchor": "end" };
  element("text", { ...right, y: 9 }, svg).textContent = brightest.toFixed(1);
  if (faintest > brightest) {
    element("text", { ...right, y: HEIGHT - 2 }, svg).textContent = faintest.toFixed(1);
  }
}

// Each band with its mark, which alone tells them apart in red light.
function drawBands(svg, styles) {
  let x = EDGE;
  styles.forEach((style, band) => {
    const colour = `band-${style}`;
    const d = markOf(style, x, HEIGHT - 6);
    element("path", { class: colour, d }, svg);
    element("text", { class: colour, x: x + LETTER, y: HEIGHT - 2 }, svg).textContent = band;
    x += LETTER * (band.length + 3);
  });
}

function wordsOf(series, bands) {
  const measured = series.filter((epoch) => !epoch.limit).length;
  const limits = series.length - measured;
  const inBands = bands.length ? ` in ${bands.join(", ")}` : "";
  return `Light curve: ${measured} measured, ${limits} upper limits${inBands}`;
}
