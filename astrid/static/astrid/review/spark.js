// The light curve in small: one mark per epoch, a triangle where nothing was seen so deep.

const SPACE = "http://www.w3.org/2000/svg";
const [LEAST_WIDTH, HEIGHT, EDGE] = [160, 84, 10];
const NUMBERS = 24; // px, room for the numbers at the right
const LETTER = 7; // px, the width of one
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
  const width = Math.max(LEAST_WIDTH, svg.clientWidth);
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const bands = [...new Set(series.map((epoch) => epoch.band))];
  svg.setAttribute("aria-label", wordsOf(series, bands));
  if (series.length) {
    const place = axes(series, width);
    series.forEach((epoch) => drawEpoch(svg, epoch, place(epoch), bands.indexOf(epoch.band)));
    drawEnds(svg, series, width);
    drawBands(svg, bands);
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
function drawBands(svg, bands) {
  let x = EDGE;
  bands.forEach((band, index) => {
    const colour = `band-${index % COLOURS}`;
    const d = SHAPES[MARKS[index % MARKS.length]](x, HEIGHT - 6);
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
