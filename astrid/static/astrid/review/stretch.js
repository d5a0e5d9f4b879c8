// From numbers to shades: the sky's level and noise of a plane, and four ways to stretch it.

const MAD_TO_SIGMA = 1.4826;
const CLIP_SIGMA = 3;
// The same figures as the pictures that the server draws (detection/cutouts.py).
const BLACK_SIGMA = -2.5;
const LEAST_WHITE_SIGMA = 12;
const ASINH_SOFTENING = 6;
const LEAST_COLOUR_SIGMA = 10;
const COLOUR_SOFTENING = 3;
const LOG_STEEPNESS = 1000; // as SAOImage DS9's log scale
// z-scale: IRAF's display task, as astropy.visualization.ZScaleInterval has it.
const Z_CONTRAST = 0.25;
const Z_REJECT_SIGMA = 2.5;
const Z_ITERATIONS = 5;
const Z_LEAST_SHARE = 0.5;
const Z_LEAST_PIXELS = 5;

export const STRETCHES = ["asinh", "linear", "log", "zscale"];

/** Give level and noise of the sky, the strongest pixel of the middle, and the z-scale. */
export function statisticsOf(values, side) {
  const sorted = values.filter(Number.isFinite).sort();
  const { level, sigma } = skyOf(sorted);
  return { level, sigma, ...extremesOf(values, side), zscale: zscaleOf(sorted) };
}

function skyOf(sorted) {
  let good = sorted;
  let level = 0;
  let sigma = 1;
  for (let turn = 0; turn < 3 && good.length; turn += 1) {
    level = median(good);
    const centre = level;
    sigma = MAD_TO_SIGMA * median(good.map((each) => Math.abs(each - centre)).sort());
    const reach = CLIP_SIGMA * sigma;
    const kept = good.filter((each) => Math.abs(each - centre) <= reach);
    good = kept.length ? kept : good;
  }
  return { level, sigma: sigma > 0 ? sigma : 1 };
}

function median(sorted) {
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function extremesOf(values, side) {
  const quarter = Math.floor(side / 4);
  let highest = -Infinity;
  let lowest = Infinity;
  for (let row = quarter; row < side - quarter; row += 1) {
    for (let column = quarter; column < side - quarter; column += 1) {
      const value = values[row * side + column];
      highest = value > highest ? value : highest;
      lowest = value < lowest ? value : lowest;
    }
  }
  return { highest, lowest };
}

/** Give the two limits that IRAF's z-scale finds: a line through the sorted pixels. */
export function zscaleOf(sorted) {
  const number = sorted.length;
  if (number === 0) {
    return [0, 1];
  }
  const line = fitted(sorted);
  const [least, most] = [sorted[0], sorted[number - 1]];
  if (line === null) {
    return [least, most];
  }
  const middle = (number - 1) >> 1;
  const slope = line / Z_CONTRAST;
  const centre = median(sorted);
  return [
    Math.max(least, centre - (middle - 1) * slope),
    Math.min(most, centre + (number - middle) * slope),
  ];
}

// The slope of the line, once outliers and their neighbours have gone; null where too few stay.
function fitted(sorted) {
  const least = Math.max(Z_LEAST_PIXELS, Math.floor(sorted.length * Z_LEAST_SHARE));
  const grow = Math.max(1, Math.floor(sorted.length * 0.01));
  let bad = new Uint8Array(sorted.length);
  let left = sorted.length;
  let before = sorted.length + 1;
  let line = lineThrough(sorted, bad);
  for (let turn = 0; turn < Z_ITERATIONS && left < before && left >= least; turn += 1) {
    line = lineThrough(sorted, bad);
    const reach = Z_REJECT_SIGMA * scatter(sorted, bad, line);
    bad = grown(outliers(sorted, bad, line, reach), grow);
    before = left;
    left = bad.reduce((count, each) => count - each, sorted.length);
  }
  return left >= least ? line.slope : null;
}

function lineThrough(sorted, bad) {
  let [n, sx, sy, sxx, sxy] = [0, 0, 0, 0, 0];
  for (let x = 0; x < sorted.length; x += 1) {
    if (!bad[x]) {
      n += 1;
      sx += x;
      sy += sorted[x];
      sxx += x * x;
      sxy += x * sorted[x];
    }
  }
  const slope = (n * sxy - sx * sy) / (n * sxx - sx * sx || 1);
  return { slope, start: (sy - slope * sx) / (n || 1) };
}

function scatter(sorted, bad, line) {
  let [n, sum, squares] = [0, 0, 0];
  for (let x = 0; x < sorted.length; x += 1) {
    if (!bad[x]) {
      const off = sorted[x] - (line.start + line.slope * x);
      n += 1;
      sum += off;
      squares += off * off;
    }
  }
  return Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2));
}

function outliers(sorted, bad, line, reach) {
  return bad.map((was, x) => was || Math.abs(sorted[x] - (line.start + line.slope * x)) > reach);
}

function grown(bad, width) {
  const wider = new Uint8Array(bad.length);
  bad.forEach((is, x) => {
    if (is) {
      const start = x - ((width - 1) >> 1);
      wider.fill(1, Math.max(0, start), Math.max(0, start + width));
    }
  });
  return wider;
}

/** Give the brightest shade that science and reference share, in sigma above the sky. */
export function commonWhite(...planes) {
  const brightest = planes.map((plane) => (plane.highest - plane.level) / plane.sigma);
  return Math.max(LEAST_WHITE_SIGMA, ...brightest.filter(Number.isFinite));
}

/** Give the function from a pixel of the sky to a shade from 0 to 1 (beyond: cut by the painter). */
export function shadeOf(plane, { stretch, contrast }, white) {
  const { level, sigma } = plane;
  if (stretch === "zscale") {
    const [low, high] = plane.zscale;
    return (value) => ((value - low) * contrast) / (high - low || 1);
  }
  const top = Math.max(BLACK_SIGMA + 1, white / contrast);
  const curve = CURVES[stretch];
  const [low, high] = [curve(BLACK_SIGMA, top), curve(top, top)];
  return (value) => (curve((value - level) / sigma, top) - low) / (high - low);
}

const CURVES = {
  asinh: (x) => Math.asinh(x / ASINH_SOFTENING),
  linear: (x) => x,
  log: (x, top) => Math.log1p(LOG_STEEPNESS * Math.max(0, (x - BLACK_SIGMA) / (top - BLACK_SIGMA))),
};

/** Give the function from a residual to a shade from -1 to 1, 0 where nothing changed. */
export function changeOf(plane, { contrast }) {
  const sigma = plane.sigma;
  const ends = [plane.highest, plane.lowest].map((each) => Math.abs(each) / sigma);
  const strongest = Math.max(LEAST_COLOUR_SIGMA, ...ends.filter(Number.isFinite)) / contrast;
  const full = Math.asinh(strongest / COLOUR_SOFTENING);
  return (value) => Math.asinh(value / sigma / COLOUR_SOFTENING) / full;
}
