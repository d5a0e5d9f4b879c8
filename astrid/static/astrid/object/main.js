// The page about an object: epochs, light curve, keys; the rest comes drawn from the server.

import { announce, at, made, showKey } from "../review/elements.js";
import { Keyboard, keysOf } from "../review/keys.js";
import { Stage } from "../review/stage.js";
import { Curve } from "./curve.js";
import { Film } from "./film.js";
import { watchParts } from "./parts.js";

const config = JSON.parse(at("object-config").textContent);
const LOOKS = ["stretch", "invert", "weaker", "stronger", "zoom"];

/** What keys do, in the order of the list of keys; the review page's own may be changed there. */
const ACTIONS = [
  ["earlier", "Earlier epoch", "arrowleft"],
  ["later", "Later epoch", "arrowright"],
  ["blink", "Blink science and reference while held", "space"],
  ["difference", "Difference large", "d"],
  ["stretch", "Next stretch", "s"],
  ["invert", "Invert", "i"],
  ["weaker", "Less contrast", "["],
  ["stronger", "More contrast", "]"],
  ["zoom", "Zoom", "z"],
  ["flux", "Magnitudes or flux", "f"],
  ["closer", "Light curve closer", "+"],
  ["wider", "Light curve wider", "-"],
  ["whole", "The whole light curve", "0"],
  ["real", "Real", "r"],
  ["bogus", "Bogus", "b"],
  ["unsure", "Unsure", "q"],
  ["comment", "Comment", "m"],
  ["help", "This list", "h"],
].map(([id, words, key]) => ({ id, words, key }));
const NAMES = { arrowleft: "←", arrowright: "→", space: "Space", "-": "−" };
const VERDICTS = ["real", "bogus", "unsure"];

class Page {
  constructor() {
    this.form = at("verdict-form");
    this.opened = performance.now();
    this.actions = ACTIONS.filter(({ id }) => this.form || ![...VERDICTS, "comment"].includes(id));
    this.keys = keysOf(this.actions, config.keys);
    this.curve = at("points") ? new Curve(config.curve, config.system, (key) => this.open(key)) : null;
    this.at = config.at;
    if (config.epochs.length) {
      this.stage = new Stage(at("stage"), config.look);
      this.film = new Film(config.epochs, this.stage, (index) => this.go(index));
      this.go(this.at);
    }
    this.parts = watchParts();
    this.listen();
  }

  // --- epochs

  /** Show the epoch with this number, and say so wherever the page names it. */
  go(index) {
    const epoch = config.epochs[index];
    if (!epoch) {
      return;
    }
    const isOther = index !== this.at;
    this.at = index;
    const words = this.film.show(index);
    this.curve?.mark(epoch.detection);
    at("look").textContent = this.stage.words;
    if (isOther) {
      announce(words);
      this.rename(epoch);
    }
  }

  // Addresses and words that name the epoch on the screen.
  rename(epoch) {
    const before = location.pathname;
    const address = config.page.replace("KEY", epoch.detection);
    history.replaceState(null, "", address);
    if (this.form) {
      this.form.action = `${address}verdict/`;
      this.form.querySelector(".epoch-name").textContent = `of ${epoch.when}, ${epoch.band}`;
    }
    if (before !== address) {
      this.parts.renew(epoch.detection);
    }
  }

  /** Go to the epoch of a detection: on this page where the strip has it. */
  open(key) {
    const index = config.epochs.findIndex(({ detection }) => detection === key);
    if (index >= 0) {
      this.go(index);
    } else if (key) {
      location.assign(config.page.replace("KEY", key));
    }
  }

  // --- what is done

  act(action) {
    if (LOOKS.includes(action)) {
      this.stage?.act(action);
      this.film?.redraw();
      at("look").textContent = this.stage?.words ?? "";
      announce(this.stage?.words ?? "");
    } else if (VERDICTS.includes(action)) {
      this.form.querySelector(`button[value="${action}"]`).click();
    } else {
      this[action]();
    }
  }

  earlier() {
    this.go(this.at - 1);
  }

  later() {
    this.go(this.at + 1);
  }

  difference() {
    at("stage").classList.toggle("difference-large");
  }

  flux() {
    const isFlux = this.curve?.toggle() ?? false;
    document.querySelector('[data-action="flux"]')?.setAttribute("aria-pressed", isFlux);
  }

  closer() {
    this.curve?.zoom(1 / 2);
  }

  wider() {
    this.curve?.zoom(2);
  }

  whole() {
    this.curve?.whole();
  }

  comment() {
    this.form.elements.notes.focus();
  }

  help() {
    at("key-list").replaceChildren(
      ...this.actions.map(({ id, words }) => {
        const key = this.keys.get(id);
        const shown = NAMES[key] ?? key.toUpperCase();
        return made("div", {}, made("dt", {}, made("kbd", { text: shown })), made("dd", { text: words }));
      }),
    );
    at("help").showModal();
  }

  // A button stays pressed, a key only while it is held.
  blink() {
    const button = document.querySelector('[data-action="blink"]');
    this.blinks(button.getAttribute("aria-pressed") !== "true");
  }

  blinks(isOn) {
    document.querySelector('[data-action="blink"]')?.setAttribute("aria-pressed", isOn);
    if (isOn) {
      this.stage?.startBlinking();
    } else {
      this.stage?.stopBlinking();
    }
  }

  // --- what is listened to

  listen() {
    new Keyboard((action, isDown) => this.key(action, isDown)).use(this.keys, config.keysOn);
    for (const button of document.querySelectorAll("[data-action]")) {
      const key = config.keysOn ? this.keys.get(button.dataset.action) : "";
      showKey(button, key && !key.startsWith("arrow") ? key : "");
    }
    document.addEventListener("click", (event) => this.clicked(event));
    addEventListener("blur", () => this.blinks(false));
    this.form?.addEventListener("submit", () => {
      this.form.elements.ms_spent.value = Math.round(performance.now() - this.opened);
    });
  }

  key(action, isDown) {
    if (action === "blink") {
      this.blinks(isDown);
    } else if (isDown) {
      this.act(action);
    }
  }

  clicked(event) {
    const button = event.target.closest("button[data-action]");
    if (button) {
      this.act(button.dataset.action);
      if (event.detail > 0) {
        button.blur(); // a mouse leaves no focus behind, so that Space blinks
      }
    }
  }
}

new Page();
