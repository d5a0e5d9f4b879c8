// From stored numbers to what is drawn: masked, counted otherwise, relative, folded. No page is known here.

import { masksOf } from "./points.js";

const MICROJANSKY_ZERO = 23.9; // AB magnitude of 1 microjansky
const LEAST_SN = 3; // within it a flux of either sign says nothing but how faint a source must be
const LIMIT_SN = 5;
const PER_MAGNITUDE = 0.4 * Math.LN10;
const magnitude = (flux) => MICROJANSKY_ZERO - 2.5 * Math.log10(flux);

/** Whether less is brighter in a unit. */
export const isMagnitude = (unit) => /^mag\b/.test(unit);

/** Give x, y, the ends of the error bar and whether it is a limit, for every point that is drawn. */
export function framed(curve, points, view) {
  const masks = view.masked ? masksOf(points, view.isOut) : [];
  const toX = timeOf(view, points.timed);
  const toY = brightnessOf(curve, view);
  const most = points.n * (view.fold && view.twice ? 2 : 1);
  const out = {
    x: new Float64Array(most),
    y: new Float64Array(most),
    low: new Float64Array(most),
    high: new Float64Array(most),
    limit: new Uint8Array(most),
    source: new Int32Array(most),
    n: 0,
    left: 0,
    faded: 0,
  };
  for (let place = 0; place < points.n; place += 1) {
    if (masks.some((mask, word) => (points.words[word][place] & mask) !== 0)) {
      out.left += 1;
      continue;
    }
    const x = toX(points.x[place]);
    const found = toY(points.value[place], points.error[place]);
    if (Number.isFinite(x) && Number.isFinite(found.y)) {
      put(out, x, found, place);
      if (view.fold && view.twice) {
        put(out, x + 1, found, place);
      }
    } else if (view.y === "ab" && points.value[place] < 0) {
      out.faded += 1;
    }
  }
  return out;
}

function put(out, x, { y, low, high, limit }, place) {
  const at = out.n;
  out.x[at] = x;
  out.y[at] = y;
  out.low[at] = low;
  out.high[at] = high;
  out.limit[at] = limit ? 1 : 0;
  out.source[at] = place;
  out.n += 1;
}

function timeOf(view, isTimed) {
  if (!isTimed) {
    return (cadence) => cadence;
  }
  if (view.fold && view.period > 0) {
    const turns = (time) => ((time - view.epoch) * view.time.days) / view.period + 0.5;
    return (time) => {
      const found = turns(time);
      return found - Math.floor(found) - 0.5;
    };
  }
  const count = {
    count: (time) => time,
    mjd: (time) => time * view.time.days + view.time.toMjd,
    since: (time) => (time - view.first) * view.time.days,
  };
  return count[view.x];
}

// One object is filled again and again: 20,000 new ones at each change would be felt.
function brightnessOf(curve, view) {
  const found = { y: 0, low: 0, high: 0, limit: false };
  const give = (y, low, high, limit = false) => Object.assign(found, { y, low, high, limit });
  const is = isMagnitude(curve.unit);
  const isFaint = (value, error) => Math.abs(value) < LEAST_SN * error;
  if (view.y === "ab" && curve.unit === "uJy") {
    return (flux, error) => {
      if (isFaint(flux, error)) {
        return view.limits ? give(magnitude(LIMIT_SN * error), NaN, NaN, true) : give(NaN, NaN, NaN);
      }
      if (flux <= 0) {
        return give(NaN, NaN, NaN); // fainter than the reference, which is no magnitude and no limit
      }
      const spread = error / flux / PER_MAGNITUDE;
      return give(magnitude(flux), magnitude(flux) - spread, magnitude(flux) + spread);
    };
  }
  const relative = view.y === "relative";
  if (relative && is) {
    return (value, error) => {
      const flux = 10 ** (-0.4 * (value - curve.median));
      return give(flux, flux * (1 - PER_MAGNITUDE * error), flux * (1 + PER_MAGNITUDE * error));
    };
  }
  const scale = relative && curve.median ? 1 / Math.abs(curve.median) : 1;
  return (value, error) =>
    view.limits && !is && isFaint(value, error)
      ? give(LIMIT_SN * error * scale, NaN, NaN, true)
      : give(value * scale, (value - error) * scale, (value + error) * scale);
}

/** Give the least and greatest of x and of y (those inside some x), over some curves. */
export function spansOf(frames, within = null) {
  const x = [Infinity, -Infinity];
  const y = [Infinity, -Infinity];
  for (const frame of frames) {
    for (let at = 0; at < frame.n; at += 1) {
      x[0] = Math.min(x[0], frame.x[at]);
      x[1] = Math.max(x[1], frame.x[at]);
      if (!within || (frame.x[at] >= within[0] && frame.x[at] <= within[1])) {
        y[0] = Math.min(y[0], frame.y[at]);
        y[1] = Math.max(y[1], frame.y[at]);
      }
    }
  }
  return { x: wider(x, 0.02), y: wider(y, 0.06) };
}

function wider([low, high], spare) {
  if (low > high) {
    return [0, 1];
  }
  const span = high - low || Math.abs(high) * 1e-3 || 1;
  return [low - spare * span, high + spare * span];
}
