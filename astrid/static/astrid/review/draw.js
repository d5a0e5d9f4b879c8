// Planes on canvases: nearest neighbour, and on top of them a cross-hair with a gap, a scale bar
// and the directions of the sky.

import { changeOf, commonWhite, shadeOf } from "./stretch.js";

const STEPS = 255;
// Blue where fainter, near white where nothing changed, orange where brighter: told apart with
// every kind of colour vision, and as far from white as one another.
const BLUE = [24, 84, 168];
const PALE = [247, 246, 243];
const ORANGE = [214, 96, 10];
const NO_DATA = [38, 42, 50];
const DARK = { ink: "#ffd65c", halo: "#000000" };
const LIGHT = { ink: "#464c58", halo: "#f7f6f3" };
const RED = { ink: "#ff5a4a", halo: "#000000" };
const BARS_ARCSEC = [0.5, 1, 2, 5, 10, 20, 30, 60, 120];
const CROSS = { inner: 9 / 128, outer: 17 / 128 };

const packed = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const mixed = (from, to, share) => from.map((each, n) => Math.round(each + (to[n] - each) * share));
const ramp = (from, to) =>
  Uint32Array.from({ length: STEPS + 1 }, (_, n) => packed(mixed(from, to, n / STEPS)));

const PALETTES = {
  grey: ramp([0, 0, 0], [255, 255, 255]),
  red: ramp([0, 0, 0], [255, 0, 0]),
  fainter: ramp(PALE, BLUE),
  brighter: ramp(PALE, ORANGE),
  // In red light only brightness tells: darker where fainter.
  redFainter: ramp([128, 0, 0], [0, 0, 0]),
  redBrighter: ramp([128, 0, 0], [255, 0, 0]),
};
const GAP = packed(NO_DATA);

const sheet = document.createElement("canvas"); // the planes pixel by pixel, before enlarging

/**
 * Paint one plane of an item, as `look` (stretch, contrast, invert, zoom, red) wants it; a `bare`
 * one has no marks.
 */
export function paint(canvas, name, cutouts, item, look) {
  const isChange = name === "difference" || name === "significance";
  const colour = isChange ? changeColours(cutouts[name], look) : greys(name, cutouts, look);
  fill(cutouts[name].values, cutouts.side, colour);
  const context = canvas.getContext("2d");
  enlarge(context, canvas, cutouts.side, look.zoom);
  if (look.bare) {
    return;
  }
  const pens = look.red ? RED : isPale(isChange, look) ? LIGHT : DARK;
  annotate(context, canvas.width, item, { ...pens, side: cutouts.side / look.zoom });
}

const isPale = (isChange, look) => isChange !== Boolean(look.invert);

function greys(name, cutouts, look) {
  const plane = cutouts[name];
  const white = commonWhite(cutouts.science, cutouts.reference);
  const shade = shadeOf(plane, look, white);
  const palette = look.red ? PALETTES.red : PALETTES.grey;
  return (value) => {
    const step = Math.round(STEPS * Math.min(1, Math.max(0, shade(value))));
    return palette[look.invert ? STEPS - step : step];
  };
}

function changeColours(plane, look) {
  const change = changeOf(plane, look);
  const down = look.red ? PALETTES.redFainter : PALETTES.fainter;
  const up = look.red ? PALETTES.redBrighter : PALETTES.brighter;
  const sign = look.invert ? -1 : 1;
  return (value) => {
    const share = sign * change(value);
    return (share < 0 ? down : up)[Math.round(STEPS * Math.min(1, Math.abs(share)))];
  };
}

function fill(values, side, colour) {
  sheet.width = side;
  sheet.height = side;
  const context = sheet.getContext("2d");
  const image = context.createImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  for (let row = 0; row < side; row += 1) {
    const target = (side - 1 - row) * side; // row 0 of a frame is the lowest
    for (let column = 0; column < side; column += 1) {
      const value = values[row * side + column];
      pixels[target + column] = Number.isNaN(value) ? GAP : colour(value);
    }
  }
  context.putImageData(image, 0, 0);
}

function enlarge(context, canvas, side, zoom) {
  const part = side / zoom;
  const start = (side - part) / 2;
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, start, start, part, part, 0, 0, canvas.width, canvas.height);
}

// Everything twice: first a wide halo, so that the marks stand out from any pixel.
function annotate(context, size, item, pens) {
  const line = Math.max(1, Math.round(size / 200));
  context.font = `600 ${Math.max(10, Math.round(size / 22))}px system-ui, sans-serif`;
  for (const isHalo of [true, false]) {
    context.strokeStyle = isHalo ? pens.halo : pens.ink;
    context.fillStyle = pens.ink;
    context.lineWidth = isHalo ? 3 * line : line;
    const write = (isHalo ? context.strokeText : context.fillText).bind(context);
    cross(context, size);
    bar(context, size, item.scale, pens.side, write);
    if (item.north && item.east) {
      compass(context, size, item, write);
    }
  }
}

function cross(context, size) {
  const middle = size / 2;
  context.beginPath();
  for (const [x, y] of [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ]) {
    context.moveTo(middle + x * CROSS.inner * size, middle + y * CROSS.inner * size);
    context.lineTo(middle + x * CROSS.outer * size, middle + y * CROSS.outer * size);
  }
  context.stroke();
}

/** Give the longest handsome bar that takes at most a third of the width, arcsec. */
export function barFor(width) {
  return BARS_ARCSEC.findLast((each) => each <= width / 3) ?? null;
}

function bar(context, size, scale, side, write) {
  const length = scale ? barFor(scale * side) : null;
  if (length === null) {
    return;
  }
  const [x, y] = [size * 0.05, size * 0.95];
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + (length / scale / side) * size, y);
  context.stroke();
  write(`${length}″`, x, y - size * 0.03);
}

function compass(context, size, item, write) {
  const arm = size * 0.09;
  const [x, y] = [size * 0.86, size * 0.2];
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const [name, [dx, dy]] of [
    ["N", item.north],
    ["E", item.east],
  ]) {
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + dx * arm, y - dy * arm);
    context.stroke();
    write(name, x + dx * arm * 1.5, y - dy * arm * 1.5);
  }
  context.textAlign = "start";
  context.textBaseline = "alphabetic";
}
