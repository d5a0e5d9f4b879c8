// Points on a canvas: few with their marks and error bars, many as dots that are drawn once each.

import { markOf } from "../review/bands.js";

const FEW = 1500; // points that are seen: these have marks and error bars of their own
const DOT_PX = 2.2;
const FAINT = 0.35;
const ARROW = "M-5 0h10M0 0v11M-3.5 7l3.5 4.5l3.5 -4.5"; // fainter than this

/** Draw a layer: its frame in its colour, with error bars if these are wanted. */
export function drawFrame(plot, { frame, colour, style }, { errors, limits }) {
  const view = viewOf(plot, limits);
  const seen = seenOf(frame, limits);
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.lineWidth = view.ratio;
  if (errors) {
    drawErrors(ctx, frame, seen, view);
  }
  if (seen.length <= FEW) {
    drawMarks(ctx, frame, seen, view, style);
  } else {
    drawDots(ctx, frame, seen, view);
  }
  ctx.restore();
}

function viewOf(plot, { x, y }) {
  const { bbox } = plot;
  const turned = plot.scales.y.dir === -1;
  const [perX, perY] = [bbox.width / (x[1] - x[0]), bbox.height / (y[1] - y[0])];
  return {
    left: bbox.left,
    top: bbox.top,
    width: bbox.width,
    height: bbox.height,
    ratio: devicePixelRatio,
    px: (value) => bbox.left + (value - x[0]) * perX,
    py: (value) => (turned ? bbox.top + (value - y[0]) * perY : bbox.top + (y[1] - value) * perY),
  };
}

/** Give the places of the points inside the axes. */
function seenOf(frame, { x, y }) {
  const seen = [];
  for (let at = 0; at < frame.n; at += 1) {
    const isInside = frame.x[at] >= x[0] && frame.x[at] <= x[1];
    if (isInside && frame.y[at] >= y[0] && frame.y[at] <= y[1]) {
      seen.push(at);
    }
  }
  return seen;
}

// Of many points one line per column of pixels, from the lowest end to the highest.
function drawErrors(ctx, frame, seen, view) {
  ctx.save();
  ctx.globalAlpha = seen.length <= FEW ? 0.7 : FAINT;
  ctx.beginPath();
  if (seen.length <= FEW) {
    for (const at of seen) {
      line(ctx, view.px(frame.x[at]), view.py(frame.low[at]), view.py(frame.high[at]));
    }
  } else {
    for (const [column, [top, bottom]] of columnsOf(frame, seen, view)) {
      line(ctx, column + 0.5, top, bottom);
    }
  }
  ctx.stroke();
  ctx.restore();
}

function line(ctx, x, from, to) {
  if (Number.isFinite(from) && Number.isFinite(to)) {
    ctx.moveTo(x, from);
    ctx.lineTo(x, to);
  }
}

function columnsOf(frame, seen, view) {
  const columns = new Map();
  for (const at of seen) {
    const ends = [view.py(frame.low[at]), view.py(frame.high[at])];
    if (Number.isFinite(ends[0])) {
      const column = Math.floor(view.px(frame.x[at]));
      const known = columns.get(column) ?? [Infinity, -Infinity];
      columns.set(column, [Math.min(known[0], ...ends), Math.max(known[1], ...ends)]);
    }
  }
  return columns;
}

function drawMarks(ctx, frame, seen, view, style) {
  const mark = new Path2D(markOf(style, 0, 0));
  const arrow = new Path2D(ARROW);
  for (const at of seen) {
    ctx.save();
    ctx.translate(view.px(frame.x[at]), view.py(frame.y[at]));
    ctx.scale(view.ratio * 0.8, view.ratio * 0.8);
    if (frame.limit[at]) {
      ctx.stroke(arrow);
    } else {
      ctx.fill(mark);
    }
    ctx.restore();
  }
}

// A dot less than half its size from another is left out: the picture has as many dots as fit.
function drawDots(ctx, frame, seen, view) {
  const size = DOT_PX * view.ratio;
  const across = Math.ceil((2 * view.width) / size) + 2;
  const down = Math.ceil((2 * view.height) / size) + 2;
  const taken = new Uint8Array(across * down);
  ctx.beginPath();
  for (const at of seen) {
    const [x, y] = [view.px(frame.x[at]), view.py(frame.y[at])];
    const cell =
      Math.floor((2 * (y - view.top)) / size) * across + Math.floor((2 * (x - view.left)) / size);
    if (!taken[cell]) {
      taken[cell] = 1;
      ctx.rect(x - size / 2, y - size / 2, size, size);
    }
  }
  ctx.fill();
}
