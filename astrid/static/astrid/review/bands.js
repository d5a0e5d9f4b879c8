// Bands are told by colour and by shape: the same band looks the same on every page.

const KNOWN = ["g", "r", "i", "z", "u", "y"];
export const STYLES = KNOWN.length; // classes band-0 … of stage.css, after Okabe and Ito
const PLAIN = /^(?:sdss|ps1?|ztf|lsst|des|decam)?[\s_-]*([ugrizy])['\u2032p]?$/i;

/** Give the number of the style of each band, in the order in which bands came. */
export function stylesOf(bands) {
  const known = (band) => KNOWN.indexOf(PLAIN.exec(band.trim())?.[1].toLowerCase());
  const taken = new Set(bands.map(known));
  const free = KNOWN.map((_, style) => style).filter((style) => !taken.has(style));
  let next = 0;
  const another = () => (free.length ? free[next++ % free.length] : next++ % STYLES);
  return new Map(bands.map((band) => [band, known(band) >= 0 ? known(band) : another()]));
}

const MARKS = [
  (x, y) => `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z`, // circle
  (x, y) => `M${x - 3} ${y - 3}h6v6h-6z`, // square
  (x, y) => `M${x} ${y - 4.4}l4.4 4.4l-4.4 4.4l-4.4 -4.4z`, // diamond
  (x, y) => `M${x - 1} ${y - 4}h2v3h3v2h-3v3h-2v-3h-3v-2h3z`, // cross
  (x, y) => `M${x} ${y - 4.2}l4.2 7.4h-8.4z`, // triangle upwards: limits point downwards
  (x, y) => `M${x - 4} ${y}l2 -3.5h4l2 3.5l-2 3.5h-4z`, // hexagon
];

/** Give the outline of a style's mark, as the path of an SVG. */
export function markOf(style, x, y) {
  return MARKS[style](x, y);
}
