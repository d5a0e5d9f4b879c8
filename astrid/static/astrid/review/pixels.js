// Pixels as numbers: fetched before they are needed, decoded from half precision by a table.

import { bytes } from "./transport.js";
import { statisticsOf } from "./stretch.js";

export const PLANES = ["science", "reference", "difference", "significance"];
const AT_ONCE = 6;
const BITS = 16;

let table = null;

/** Give the number that 16 bits of IEEE 754 half precision stand for. */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 31) {
    return fraction ? NaN : sign * Infinity;
  }
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Decode four square planes, with what the stretches need to know of each. */
export function decode(buffer) {
  table ??= Float32Array.from({ length: 2 ** BITS }, (_, bits) => half(bits));
  // Browsers run on little-endian machines only, and the server sends little endian.
  const coded = new Uint16Array(buffer);
  const side = Math.sqrt(coded.length / PLANES.length);
  if (!Number.isInteger(side) || side === 0) {
    throw new Error(`${buffer.byteLength} bytes are no four square planes; judge others`);
  }
  const cutouts = { side };
  PLANES.forEach((name, index) => {
    const start = index * side * side;
    const values = new Float32Array(side * side);
    for (let at = 0; at < values.length; at += 1) {
      values[at] = table[coded[start + at]];
    }
    cutouts[name] = { values, ...statisticsOf(values, side) };
  });
  return cutouts;
}

/** What was fetched, by item; an item without pixels has the reason instead. */
export class PixelStore {
  constructor(arrived) {
    this.arrived = arrived; // called with the item when its pixels, or the reason, are there
    this.found = new Map();
    this.waiting = [];
    this.running = 0;
  }

  /** Give what is known now: {cutouts}, {reason}, or nothing yet. */
  of(item) {
    return this.found.get(item.task);
  }

  /** Fetch what these items lack, the first ones first. */
  want(items) {
    this.waiting = items.filter((item) => !this.found.has(item.task));
    while (this.running < AT_ONCE && this.waiting.length) {
      this.fetch(this.waiting.shift());
    }
  }

  /** Ask once more for an item whose pixels did not come. */
  retry(item) {
    this.found.delete(item.task);
    this.want([item, ...this.waiting]);
  }

  forget(item) {
    this.found.delete(item.task);
  }

  async fetch(item) {
    this.running += 1;
    this.found.set(item.task, undefined); // on its way
    this.found.set(item.task, await this.get(item));
    this.running -= 1;
    this.arrived(item);
    this.want(this.waiting);
  }

  async get(item) {
    if (!item.pixels) {
      return { reason: "No pixels were kept of this item. Judge by the figures, or skip it." };
    }
    try {
      return { cutouts: decode(await bytes(item.pixels)) };
    } catch (error) {
      const gone = error.status === 404;
      return { reason: inWords(error, gone), gone };
    }
  }
}

function inWords(error, gone) {
  if (gone) {
    return error.message;
  }
  return `The pixels did not come: ${error.message}. They are asked for again when you come back.`;
}
