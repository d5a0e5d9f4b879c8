// Flags of cadences: which of their named bits leave a point out.

import { at, made } from "../review/elements.js";

const WORD = 32;
const keyOf = ({ kind, name }) => `${kind} ${name}`;
const words = (name) => name.replaceAll("_", " ");

export class Quality {
  /** `changed` is called when a bit is switched on or off. */
  constructor(changed) {
    this.kept = new Map(); // by key of the bit: whether it leaves points out
    at("bits").addEventListener("change", ({ target }) => {
      this.kept.set(target.value, target.checked);
      changed();
    });
  }

  /** Offer the bits that are set somewhere in some light curves. */
  show(curves) {
    const counts = new Map();
    for (const bit of curves.flatMap(({ bits }) => bits)) {
      const known = counts.get(keyOf(bit)) ?? { ...bit, count: 0 };
      counts.set(keyOf(bit), { ...known, count: known.count + bit.count });
    }
    at("quality").hidden = counts.size === 0;
    at("bits").replaceChildren(...[...counts.values()].map((bit) => this.box(bit)));
  }

  box(bit) {
    const box = made("input", { type: "checkbox", value: keyOf(bit) });
    box.checked = this.isOut(bit);
    const count = made("span", { class: "quiet", text: ` ${bit.count.toLocaleString("en")}` });
    return made("label", {}, box, ` ${words(bit.name)}`, count);
  }

  isOut(bit) {
    return this.kept.get(keyOf(bit)) ?? !bit.harmless;
  }

  /** Name the bits of one cadence. */
  namesOf(points, place) {
    const isSet = (bit, at) => (points.words[Math.floor(at / WORD)][place] >>> at % WORD) & 1;
    return points.bits.filter(isSet).map(({ name }) => words(name));
  }
}
