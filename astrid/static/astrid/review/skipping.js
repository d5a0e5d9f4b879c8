// The question why an item is passed over.

import { at } from "./elements.js";

export class Skipping {
  /** `skipped` gets the reason. */
  constructor(skipped) {
    this.skipped = skipped;
    at("skip-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.take(at("skip-reason").value.trim());
    });
    at("skip-close").addEventListener("click", () => at("skip").close());
    at("skip-reasons").addEventListener("click", (event) => this.take(event.target.value));
  }

  ask() {
    at("skip-reason").value = "";
    at("skip").showModal();
  }

  take(reason) {
    if (reason) {
      at("skip").close();
      this.skipped(reason);
    } else {
      at("skip-reason").focus();
    }
  }
}
