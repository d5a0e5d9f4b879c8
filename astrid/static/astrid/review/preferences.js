// The list of keys, where each can be changed, and what else a person wants otherwise.

import { LAYOUTS, clashIn, keysOf, nameOf } from "./keys.js";
import { send } from "./transport.js";
import { at, made } from "./elements.js";

const SETTLE_MS = 1500;

export class Preferences {
  constructor({ url, stored, actions, used }) {
    Object.assign(this, { url, actions, used });
    this.values = { keys: {}, keysOn: true, look: {}, ...stored };
    this.draft = new Map();
    this.dialog = at("help");
    at("help-form").addEventListener("submit", (event) => this.accept(event));
    at("help-close").addEventListener("click", () => this.dialog.close());
    at("layout").addEventListener("change", () => this.lay(at("layout").value));
    at("key-list").addEventListener("keydown", (event) => this.pressed(event));
  }

  get keys() {
    return keysOf(this.actions, this.values.keys);
  }

  /** Show keys and settings. */
  open() {
    this.draft = this.keys;
    at("layout").value = "";
    at("keys-on").checked = this.values.keysOn;
    at("key-trouble").textContent = "";
    this.list();
    this.dialog.showModal();
  }

  list() {
    at("key-list").replaceChildren(
      ...this.actions.map(({ id, words }) => {
        const key = this.draft.get(id);
        const field = made("input", { id: `key-${id}`, "data-action": id, value: key });
        field.readOnly = true;
        const label = made("label", { for: `key-${id}`, text: words });
        return made("li", {}, field, label);
      }),
    );
  }

  // A field takes the next key pressed in it; Tab leaves it, Delete empties it.
  pressed(event) {
    const id = event.target.dataset.action;
    if (!id || ["Tab", "Shift", "Escape", "Enter"].includes(event.key)) {
      return;
    }
    event.preventDefault();
    const isNone = event.key === "Delete" || event.key === "Backspace";
    this.draft.set(id, isNone ? "" : nameOf(event));
    event.target.value = this.draft.get(id);
    this.check();
  }

  lay(layout) {
    if (layout) {
      this.draft = keysOf(this.actions, LAYOUTS[layout]);
      this.list();
      this.check();
    }
  }

  check() {
    const clash = clashIn(this.draft);
    const words = ([one, other, key]) =>
      `“${key}” is the key of both “${this.named(one)}” and “${this.named(other)}”: change one.`;
    at("key-trouble").textContent = clash ? words(clash) : "";
    return clash === null;
  }

  named(id) {
    return this.actions.find((action) => action.id === id).words;
  }

  accept(event) {
    event.preventDefault();
    if (this.check()) {
      const changed = this.actions.filter(({ id, key }) => this.draft.get(id) !== key);
      const keys = Object.fromEntries(changed.map(({ id }) => [id, this.draft.get(id)]));
      this.change({ keys, keysOn: at("keys-on").checked });
      this.dialog.close();
    }
  }

  /** Use other values at once, and keep them a moment later. */
  change(values) {
    Object.assign(this.values, values);
    this.used(this.values);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), SETTLE_MS);
  }

  async save() {
    try {
      await send(this.url, this.values, { method: "PUT" });
      at("preferences-trouble").textContent = "";
    } catch (error) {
      at("preferences-trouble").textContent = `Settings hold for this page only: ${error.message}`;
    }
  }
}
