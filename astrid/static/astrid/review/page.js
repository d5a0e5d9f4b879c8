// A page that judges one item after another: keys, fingers and buttons on one side, the session on
// the other. The review page is one, adjudication another.

import { watchComings } from "./coming.js";
import { announce, at, showKey } from "./elements.js";
import { Keyboard, actionsFor } from "./keys.js";
import { Notes } from "./notes.js";
import { Outbox } from "./outbox.js";
import { PixelStore } from "./pixels.js";
import { Preferences } from "./preferences.js";
import { Skipping } from "./skipping.js";
import { Stage } from "./stage.js";
import { watchSwipes } from "./touch.js";
import { notice, showCount, showItem, showRibbon, wordsOf } from "./view.js";

const LOOKS = ["stretch", "invert", "weaker", "stronger", "zoom"];

export class Page {
  /** `Kind` is the class of its session, `config` what the server wrote into the page. */
  constructor({ config, store, Kind }) {
    this.config = config;
    this.actions = actionsFor(config.labels);
    this.preferences = new Preferences({
      url: config.urls.preferences,
      stored: config.preferences,
      actions: this.actions,
      used: (values) => this.use(values),
    });
    this.stage = new Stage(at("stage"), this.preferences.values.look);
    this.pixels = new PixelStore((item) => this.pixelsCame(item));
    this.outbox = new Outbox({
      store,
      url: config.urls.verdicts,
      person: config.person,
      answered: (results, rows) => this.session.answered(results, rows),
      changed: () => this.showCount(),
    });
    this.session = new Kind({
      config,
      store,
      outbox: this.outbox,
      pixels: this.pixels,
      shown: (item) => this.shownOf(item),
      changed: (what) => this.changed(what),
      noticed: notice,
    });
    this.notes = new Notes(() => this.session.current);
    this.skipping = new Skipping((reason) => this.skipFor(reason));
    this.keyboard = new Keyboard((action, isDown) => this.key(action, isDown));
    this.use(this.preferences.values);
  }

  async start() {
    this.listen();
    await this.outbox.load();
    await this.session.start();
  }

  // --- what is shown

  changed(what) {
    if (what === "item") {
      const { current, isEmpty } = this.session;
      showItem(current, isEmpty);
      this.stage.show(current, current && this.pixels.of(current));
    }
    this.showCount();
    showRibbon(this.session.done, (entry) => this.undo(entry));
  }

  showCount() {
    if (this.session) {
      showCount(this.session, this.outbox);
    }
  }

  pixelsCame(item) {
    if (item === this.session.current) {
      this.stage.show(item, this.pixels.of(item));
    }
  }

  // What the verdict rests on: fields of the page, and the pixels if there were any.
  shownOf(item) {
    const { shown, shown_without_pixels: words } = this.config;
    return this.pixels.of(item)?.cutouts ? shown : words;
  }

  use(values) {
    const keys = this.preferences.keys;
    this.keyboard.use(keys, values.keysOn);
    for (const button of document.querySelectorAll("[data-action]:not(input)")) {
      showKey(button, values.keysOn ? keys.get(button.dataset.action) : "");
    }
    at("look").textContent = this.stage.words;
  }

  // --- what is done

  key(action, isDown) {
    if (action === "blink") {
      this.blink(isDown);
    } else if (isDown) {
      this.act(action);
    }
  }

  act(action) {
    const [kind, label] = action.split(":");
    if (kind === "label") {
      const word = this.config.labels.find((each) => each.name === label);
      this.judge({ verdict: word.real ? "real" : "bogus", label });
    } else if (["real", "bogus", "unsure"].includes(kind)) {
      this.judge({ verdict: kind });
    } else if (LOOKS.includes(kind)) {
      this.stage.act(kind);
      this.looked();
    } else {
      this[kind]();
    }
  }

  judge(answer) {
    if (this.session.judge({ ...answer, ...this.notes.of(this.session.current) })) {
      this.say(wordsOf(answer));
    }
  }

  say(words) {
    const { current } = this.session;
    announce(`${words}. ${current ? `Next: ${current.alt}` : "No more items on hand."}`);
  }

  undo(entry) {
    const undone = this.session.undo(entry);
    announce(undone ? `Undone: ${wordsOf(undone.answer)}. ${undone.item.alt}` : "Nothing to undo.");
  }

  redo() {
    const again = this.session.redo();
    if (again) {
      this.say(`Again: ${wordsOf(again.answer)}`);
    } else {
      announce("Nothing to redo.");
    }
  }

  skip() {
    if (this.session.current) {
      this.skipping.ask();
    }
  }

  blink(isOn) {
    if (isOn) {
      this.stage.startBlinking();
    } else {
      this.stage.stopBlinking();
    }
  }

  difference() {
    const isLarge = at("stage").classList.toggle("difference-large");
    announce(isLarge ? "Difference large" : "All pictures");
  }

  looked() {
    announce(this.stage.words);
    const { stretch, invert } = this.stage.look;
    this.preferences.change({ look: { stretch, invert } });
  }

  comment() {
    this.notes.comment();
  }

  tag() {
    this.notes.tag();
  }

  sure() {
    announce(this.notes.nextLevel());
  }

  open() {
    if (this.session.current) {
      window.open(this.session.current.url, "_blank", "noopener");
    }
  }

  help() {
    this.preferences.open();
  }

  // --- what is listened to

  listen() {
    document.addEventListener("click", (event) => this.clicked(event));
    at("queue")?.addEventListener("change", () => location.assign(at("queue").value));
    watchSwipes(at("stage"), {
      does: (action) => this.act(action),
      blinks: (isOn) => this.blink(isOn),
    });
    watchComings({
      outbox: this.outbox,
      session: this.session,
      blink: (isOn) => this.blink(isOn),
      back: () => this.back(),
    });
  }

  // The time away was not spent on the item, and what did not come may come now.
  back() {
    this.session.since = performance.now();
    const { current } = this.session;
    const found = current && this.pixels.of(current);
    if (found?.reason && !found.gone && current.pixels) {
      this.pixels.retry(current);
    }
  }

  clicked(event) {
    const button = event.target.closest("button[data-action]");
    if (button) {
      this.act(button.dataset.action);
      if (event.detail > 0) {
        button.blur(); // a mouse leaves no focus behind, so that Space blinks again
      }
    }
  }

  skipFor(reason) {
    if (this.session.judge({ verdict: "skip", reason })) {
      this.say("Skipped");
    }
  }
}
