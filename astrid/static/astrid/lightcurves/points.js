// Light curves as they come from the server: a head in JSON, then bare numbers (lightcurves/web/wire.py).

import { bytes } from "../review/transport.js";

const ARRAYS = { float64: Float64Array, float32: Float32Array, uint32: Uint32Array };
const ITEM_BYTES = { float64: 8, float32: 4, uint32: 4 };
const WORD = 32;

/** Fetch the numbers of a light curve: x, value, error, words of flags, and which bits these are. */
export async function fetchPoints(address) {
  return read(await bytes(address));
}

export function read(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const columns = Object.fromEntries(
    head.columns.map(({ name, dtype, offset }) => {
      const start = 4 + length + offset;
      if (start % ITEM_BYTES[dtype]) {
        throw new Error(`column ${name} begins at byte ${start}`);
      }
      return [name, new ARRAYS[dtype](buffer, start, head.n)];
    }),
  );
  const words = Object.keys(columns).filter((name) => name.startsWith("flags"));
  return { ...head, ...columns, words: words.map((name) => columns[name]) };
}

/** Give for each word of flags the mask of the bits that are left out. */
export function masksOf(points, isOut) {
  const masks = points.words.map(() => 0);
  points.bits.forEach((bit, place) => {
    if (isOut(bit)) {
      masks[Math.floor(place / WORD)] |= 1 << (place % WORD);
    }
  });
  return masks;
}
