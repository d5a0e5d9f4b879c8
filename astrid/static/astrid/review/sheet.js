// The contact sheet: thirty differences at a time, bogus unless marked, committed by one key.

import { paint } from "./draw.js";
import { announce, at, made } from "./elements.js";
import { Keyboard, actionsFor, keysOf } from "./keys.js";
import { Outbox } from "./outbox.js";
import { PixelStore } from "./pixels.js";
import { Session } from "./session.js";
import { Stage } from "./stage.js";
import { storeOrNone } from "./store.js";
import { SHAPES, notice, showCount, showFacts, wordsOf } from "./view.js";

const config = JSON.parse(at("review-config").textContent);
const PAGE = 30;
// Each lease is a page of alike ones, asked for while the page before is judged.
const SIZES = { onHand: 2 * PAGE, refillAt: PAGE, wish: { n: PAGE, alike: true } };
const BOGUS = { verdict: "bogus" };
const REAL = { verdict: "real" };
const NOTHING = "Nothing waits for you. New items come up here as the pipeline finds them.";
const PLAIN = { scale: null, north: null, east: null }; // no room for bar and directions
const LOOKS = ["stretch", "invert", "weaker", "stronger", "zoom"];

class Sheet {
  constructor(store) {
    const { keys = {}, keysOn = true, look = {} } = config.preferences;
    this.answers = new Map(); // by task; what is not in it is bogus
    this.pages = []; // entries of the pages committed here
    this.items = [];
    this.at = 0;
    this.seen = new Set();
    this.stage = new Stage(at("stage"), look);
    this.pixels = new PixelStore((item) => this.draw(item));
    this.outbox = new Outbox({
      store,
      url: config.urls.verdicts,
      person: config.person,
      answered: (results, rows) => this.session.answered(results, rows),
      changed: () => this.count(),
    });
    this.session = new Session({
      sizes: SIZES,
      config,
      store,
      outbox: this.outbox,
      pixels: this.pixels,
      shown: (item) => (this.seen.has(item.task) ? config.shown : ["difference"]),
      changed: () => this.show(),
      noticed: notice,
    });
    this.keyboard = new Keyboard((action, isDown) => isDown && this.act(action));
    this.keyboard.use(keysOf(actionsFor(config.labels), keys), keysOn);
  }

  async start() {
    this.listen();
    await this.outbox.load();
    await this.session.start();
  }

  // --- what is shown

  count() {
    if (this.session) {
      showCount(this.session, this.outbox);
    }
  }

  // What was refused, given away or taken back changes the page; anything else leaves it.
  show() {
    this.count();
    const items = this.session.hand.slice(0, PAGE);
    at("sheet").hidden = !items.length;
    at("nothing").hidden = items.length > 0;
    at("nothing").textContent = this.session.isEmpty ? NOTHING : "Looking for items …";
    if (items.length !== this.items.length || items.some((one, n) => one !== this.items[n])) {
      this.lay(items);
    }
    this.tally();
  }

  lay(items) {
    // The first page takes the keys as soon as it is there: what is typed then must not get lost.
    const hadFocus = !this.items.length || at("cells").contains(document.activeElement);
    this.items = items;
    this.cells = items.map((item, index) => this.cellOf(item, index));
    at("cells").replaceChildren(...this.cells);
    items.forEach((item) => this.draw(item));
    this.at = Math.max(0, Math.min(this.at, items.length - 1));
    this.look(this.at);
    if (hadFocus) {
      this.choose(this.at);
    }
  }

  cellOf(item, index) {
    const canvas = made("canvas", { "aria-hidden": "true" });
    const words = made("span", { class: "said" });
    const cell = made("button", { type: "button", class: "cell", tabindex: "-1" }, canvas, words);
    cell.addEventListener("click", () => this.toggle(index));
    cell.addEventListener("focus", () => this.look(index));
    cell.addEventListener("pointerenter", () => this.look(index));
    this.label(cell, item);
    return cell;
  }

  label(cell, item) {
    const answer = this.answerOf(item);
    cell.dataset.verdict = answer.verdict;
    cell.querySelector(".said").textContent = `${SHAPES[answer.verdict]} ${wordsOf(answer)}`;
    cell.setAttribute("aria-label", `${wordsOf(answer)}. ${item.alt}`);
  }

  answerOf(item) {
    return this.answers.get(item.task) ?? BOGUS;
  }

  draw(item) {
    const index = this.items.indexOf(item);
    const found = this.pixels.of(item);
    if (index < 0 || !found) {
      return;
    }
    const cell = this.cells[index];
    const canvas = cell.querySelector("canvas");
    if (found.cutouts) {
      canvas.width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
      canvas.height = canvas.width;
      paint(canvas, "difference", found.cutouts, PLAIN, this.stage.colours);
    } else {
      cell.title = found.reason;
      cell.classList.add("gone");
    }
    if (index === this.at) {
      this.look(index);
    }
  }

  tally() {
    const marked = this.items.filter((item) => this.answerOf(item).verdict !== "bogus").length;
    at("commit").textContent = `Commit: ${this.items.length - marked} bogus, ${marked} marked`;
    at("undo").disabled = !this.pages.length;
  }

  // --- what is done

  look(index) {
    const item = this.items[index];
    if (item) {
      this.at = index;
      this.seen.add(item.task);
      this.cells.forEach((cell, n) => cell.setAttribute("tabindex", n === index ? "0" : "-1"));
      showFacts(item);
      this.stage.show(item, this.pixels.of(item));
    }
  }

  choose(index) {
    const last = this.items.length - 1;
    this.cells?.[Math.min(last, Math.max(0, index))]?.focus();
  }

  mark(index, answer) {
    const item = this.items[index];
    if (item) {
      this.answers.set(item.task, answer);
      this.label(this.cells[index], item);
      this.tally();
      announce(wordsOf(answer));
    }
  }

  toggle(index) {
    const is = this.items[index] && this.answerOf(this.items[index]).verdict;
    this.mark(index, is === "bogus" ? REAL : BOGUS);
  }

  commit() {
    if (this.items.length) {
      const pairs = this.items.map((item) => [item, this.answerOf(item)]);
      this.at = 0;
      const entries = this.session.judgeAll(pairs);
      this.pages.push(entries);
      this.tally();
      announce(`${entries.length} verdicts given. ${this.items.length} more.`);
      this.choose(0);
    }
  }

  undo() {
    const entries = this.pages.pop() ?? [];
    this.at = 0;
    this.session.undoAll(entries);
    announce(entries.length ? `${entries.length} verdicts taken back.` : "Nothing to undo.");
    this.choose(0);
  }

  act(action) {
    const [kind, label] = action.split(":");
    if (kind === "label") {
      const word = config.labels.find((each) => each.name === label);
      this.mark(this.at, { verdict: word.real ? "real" : "bogus", label });
    } else if (["real", "bogus", "unsure"].includes(kind)) {
      this.mark(this.at, { verdict: kind });
    } else if (kind === "undo") {
      this.undo();
    } else if (LOOKS.includes(kind)) {
      this.stage.act(kind);
      this.items.forEach((item) => this.draw(item));
    }
  }

  // --- what is listened to

  listen() {
    at("queue").addEventListener("change", () => location.assign(at("queue").value));
    at("commit").addEventListener("click", () => this.commit());
    at("undo").addEventListener("click", () => this.undo());
    at("cells").addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => this.items.forEach((item) => this.draw(item))).observe(at("cells"));
    new MutationObserver(() => this.items.forEach((item) => this.draw(item))).observe(
      document.documentElement,
      { attributeFilter: ["data-night"] },
    );
    addEventListener("online", () => this.outbox.hurry());
    addEventListener("pagehide", () => {
      this.outbox.flush({ keepalive: true });
      this.session.release();
    });
    addEventListener("pageshow", (event) => event.persisted && this.session.keepLeases());
  }

  pressed(event) {
    const columns = getComputedStyle(at("cells")).gridTemplateColumns.split(" ").length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    if (event.key in steps) {
      event.preventDefault();
      const wanted = this.at + steps[event.key];
      if (this.items[wanted]) {
        this.choose(wanted);
      }
    } else if (event.key === "Enter" && !event.repeat) {
      event.preventDefault();
      this.commit();
    }
  }
}

const sheet = new Sheet(await storeOrNone(notice));
await sheet.start();
