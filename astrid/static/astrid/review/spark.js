// The light curve in small: one mark per epoch, a triangle where nothing was seen so deep.

const SPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, EDGE] = [300, 84, 10];
const MARKS = ["circle", "square", "diamond", "cross"]; // bands are told by shape, too
const COLOURS = 6; // classes band-0 … of review.css, after Okabe and Ito

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
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  const bands = [...new Set(series.map((epoch) => epoch.band))];
  svg.setAttribute("aria-label", wordsOf(series, bands));
  if (series.length) {
    const place = axes(series);
    series.forEach((epoch) => drawEpoch(svg, epoch, place(epoch), bands.indexOf(epoch.band)));
    drawEnds(svg, series);
  }
}

function axes(series) {
  const x = span(series.map((epoch) => epoch.mjd));
  const y = span(series.flatMap(({ value, error }) => [value - (error ?? 0), value + (error ?? 0)]));
  const height = HEIGHT - 2 * EDGE;
  return ({ mjd, value, error }) => ({
    x: EDGE + (WIDTH - 2 * EDGE) * x(mjd),
    y: EDGE + height * y(value),
    reach: height * (y(value + (error ?? 0)) - y(value)),
  });
}

function span(values) {
  const low = Math.min(...values);
  const width = Math.max(...values) - low;
  return (value) => (width > 0 ? (value - low) / width : 0.5);
}

function drawEpoch(svg, epoch, { x, y, reach }, band) {
  const colour = `band-${band % COLOURS}`;
  if (epoch.limit) {
    element("path", { class: `limit ${colour}`, d: `M${x - 4} ${y - 3}h8l-4 7z` }, svg);
    return;
  }
  if (reach > 0) {
    element("path", { class: `error ${colour}`, d: `M${x} ${y - reach}v${2 * reach}` }, svg);
  }
  element("path", { class: colour, d: SHAPES[MARKS[band % MARKS.length]](x, y) }, svg);
}

const SHAPES = {
  circle: (x, y) => `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z`,
  square: (x, y) => `M${x - 3} ${y - 3}h6v6h-6z`,
  diamond: (x, y) => `M${x} ${y - 4}l4 4l-4 4l-4 -4z`,
  cross: (x, y) => `M${x - 1} ${y - 4}h2v3h3v2h-3v3h-2v-3h-3v-2h3z`,
};

function drawEnds(svg, series) {
  const values = series.map((epoch) => epoch.value);
  const [brightest, faintest] = [Math.min(...values), Math.max(...values)];
  const right = { class: "end", x: WIDTH - 2, "text-anchor": "end" };
  element("text", { ...right, y: 9 }, svg).textContent = brightest.toFixed(1);
  if (faintest > brightest) {
    element("text", { ...right, y: HEIGHT - 2 }, svg).textContent = faintest.toFixed(1);
  }
}

function wordsOf(series, bands) {
  const measured = series.filter((epoch) => !epoch.limit).length;
  const limits = series.length - measured;
  const inBands = bands.length ? ` in ${bands.join(", ")}` : "";
  return `Light curve: ${measured} measured, ${limits} upper limits${inBands}`;
}
