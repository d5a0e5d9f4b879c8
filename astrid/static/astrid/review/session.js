// A person's way through a queue: what is on hand, what was said, and the way back.

import { JUDGED } from "./store.js";
import { send } from "./transport.js";

const SIZES = { onHand: 50, refillAt: 20 };
const ASK_AGAIN_MS = 15_000; // when nothing waits
const REMEMBERED = 500; // verdicts that can be undone on a page that was opened anew
const [LEAST_BEAT_MS, LONGEST_BEAT_MS] = [5000, 120_000];
// Nothing was said in these words: the item is asked about again.
const ASK_ANEW = new Set(["unknown_label", "invalid"]);

export class Session {
  constructor({ sizes = SIZES, config, outbox, pixels, store, shown, changed, noticed }) {
    Object.assign(this, { sizes, config, outbox, pixels, store, shown, changed, noticed });
    this.hand = [];
    this.done = []; // every verdict, undone ones too, in the order in which they were said
    this.undone = [];
    this.left = null; // how many wait, as far as is known here
    this.isEmpty = false; // nothing on hand, and the server had nothing either
    this.isDry = false; // the server gave all that it had
    this.refilling = false;
    this.since = performance.now();
  }

  get current() {
    return this.hand[0] ?? null;
  }

  /** Bring back what can be undone, then ask for items. */
  async start() {
    if (this.store) {
      const rows = await this.store.of(JUDGED, this.config.person);
      const mine = rows.filter((row) => row.queue === this.config.queue.slug).slice(-REMEMBERED);
      this.done = [...mine, ...this.done];
    }
    await this.refill();
  }

  // --- items

  async refill() {
    if (this.refilling || this.hand.length >= this.sizes.onHand) {
      return;
    }
    this.refilling = true;
    let gained = 0;
    try {
      const wish = this.wish();
      const answer = await send(this.config.urls.lease, wish);
      this.isDry = answer.items.length < wish.n;
      gained = this.take(answer);
    } catch (error) {
      this.noticed(`No new items: ${error.message}`);
      this.later(() => this.refill(), ASK_AGAIN_MS);
    } finally {
      this.refilling = false;
    }
    if (gained && this.isLow) {
      await this.refill();
    }
  }

  get isLow() {
    return this.hand.length <= this.sizes.refillAt && !this.isDry;
  }

  unsaid() {
    return [...new Set([...this.outbox.waiting.values()].map((row) => row.task))];
  }

  wish() {
    const have = [...new Set([...this.hand.map((item) => item.task), ...this.unsaid()])];
    const { onHand, wish } = this.sizes;
    return { n: onHand - this.hand.length, have: have.slice(-1000), ...wish };
  }

  take({ items, waiting, lease_end: end }) {
    const was = this.current;
    const known = new Set([...this.hand.map((item) => item.task), ...this.standing()]);
    const fresh = items.filter((item) => !known.has(item.task));
    this.hand.push(...fresh);
    this.left = Math.max(this.hand.length, waiting - this.unsaid().length);
    this.isEmpty = this.hand.length === 0;
    this.pixels.want(this.hand);
    this.beatBefore(end);
    if (this.isDry) {
      this.later(() => this.refill(), ASK_AGAIN_MS);
    }
    this.changed(was === this.current ? "count" : "item");
    return fresh.length;
  }

  standing() {
    return this.done.filter((entry) => !entry.isUndone).map((entry) => entry.item.task);
  }

  later(action, delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(action, delay);
  }

  // --- leases

  beatBefore(end) {
    clearTimeout(this.beat);
    const left = Date.parse(end) - Date.now();
    const pause = Math.min(LONGEST_BEAT_MS, Math.max(LEAST_BEAT_MS, left / 3));
    this.beat = setTimeout(() => this.keepLeases(), pause);
  }

  async keepLeases() {
    try {
      const tasks = this.hand.map((item) => item.task);
      const kept = await send(this.config.urls.heartbeat, { tasks });
      this.beatBefore(kept.lease_end);
      this.lose(new Set(kept.lost));
    } catch {
      // The outbox tells of a server that is away; leases are only tried again.
      clearTimeout(this.beat);
      this.beat = setTimeout(() => this.keepLeases(), LEAST_BEAT_MS);
    }
  }

  lose(lost) {
    if (!lost.size) {
      return;
    }
    const was = this.current;
    this.hand = this.hand.filter((item) => !lost.has(item.task));
    const number = lost.size === 1 ? "One item was" : `${lost.size} items were`;
    this.noticed(`${number} given to somebody else, or settled, after your lease had run out.`);
    this.moved(was);
  }

  /** Let go of what is on hand, as the page closes. */
  release() {
    const tasks = this.hand.map((item) => item.task);
    if (tasks.length) {
      send(this.config.urls.release, { tasks }, { keepalive: true }).catch(() => {
        // The page is gone; the leases run out by themselves.
      });
    }
  }

  // --- verdicts

  /** Say `answer` ({verdict, label, notes, tags, reason}) of the current item. */
  judge(answer) {
    if (!this.current) {
      return null;
    }
    this.undone = [];
    return this.say(this.current, answer, null);
  }

  say(item, answer, supersedes) {
    const entry = this.note(item, answer, supersedes, this.spent());
    this.moved(item);
    return entry;
  }

  /** Say answers of several items at once: pairs of an item and its answer. */
  judgeAll(pairs) {
    const was = this.current;
    this.undone = [];
    const each = Math.round(this.spent() / pairs.length);
    const entries = pairs.map(([item, answer]) => this.note(item, answer, null, each));
    this.moved(was);
    return entries;
  }

  note(item, answer, supersedes, spent) {
    const entry = {
      uuid: crypto.randomUUID(),
      person: this.config.person,
      order: this.outbox.next(),
      queue: this.config.queue.slug,
      item,
      answer,
      state: "waiting",
      isUndone: false,
    };
    this.hand = this.hand.filter((each) => each.task !== item.task);
    this.left -= 1;
    this.done.push(entry);
    this.tell(item, entry.uuid, { ...answer, supersedes, ms_spent: spent });
    this.remember(entry);
    return entry;
  }

  tell(item, uuid, said) {
    const { queue } = this.config;
    const how = { blind: queue.blind || item.score === null, shown: this.shown(item), queue: queue.slug };
    this.outbox.add({ uuid, task: item.task, detection: item.detection, ...how, ...said });
  }

  spent() {
    return Math.round(performance.now() - this.since);
  }

  /** Take a verdict back, the last one unless told; its item is shown again. */
  undo(entry = this.done.findLast((each) => !each.isUndone)) {
    if (!entry || entry.isUndone) {
      return null;
    }
    const was = this.current;
    this.takeBack(entry);
    this.moved(was);
    return entry;
  }

  /** Take several verdicts back; their items are shown again in the same order. */
  undoAll(entries) {
    const was = this.current;
    const standing = entries.filter((entry) => !entry.isUndone);
    standing.reverse().forEach((entry) => this.takeBack(entry));
    this.moved(was);
  }

  takeBack(entry) {
    entry.isUndone = true;
    const uuid = crypto.randomUUID();
    if (entry.state !== "refused") {
      this.tell(entry.item, uuid, { verdict: "withdraw", supersedes: entry.uuid, ms_spent: 0 });
    }
    this.undone.push({ entry, supersedes: entry.state === "refused" ? null : uuid });
    this.hand.unshift(entry.item);
    this.left += 1;
    this.isEmpty = false;
    this.remember(entry);
    this.pixels.want(this.hand);
  }

  /** Say again what was undone last. */
  redo() {
    const back = this.undone.pop();
    return back ? this.say(back.entry.item, back.entry.answer, back.supersedes) : null;
  }

  moved(was) {
    this.since = performance.now();
    this.changed(was === this.current ? "count" : "item");
    if (this.isLow || (!this.current && !this.isEmpty)) {
      this.refill();
    }
  }

  async remember(entry) {
    if (this.store) {
      const { state, ...row } = entry;
      await this.store.put(JUDGED, { ...row, state: state === "refused" ? state : "saved" });
    }
  }

  /** The server answered: note what was saved, and say what was refused. */
  answered(results, rows) {
    results.forEach((result, index) => {
      const entry = this.done.find((each) => each.uuid === result.uuid);
      if (entry) {
        entry.state = result.status === "refused" ? "refused" : "saved";
        entry.reason = result.reason;
      }
      if (result.status === "refused") {
        this.refused(result, entry, rows[index]);
      }
      if (result.feedback) {
        this.noticed(result.feedback);
      }
    });
    this.changed("ribbon");
  }

  refused(result, entry, row) {
    this.noticed(`${entry?.item.name ?? "A verdict"}: not saved. ${result.reason}`);
    if (entry) {
      this.remember(entry);
    }
    if (entry && !entry.isUndone && row && ASK_ANEW.has(result.code)) {
      entry.isUndone = true;
      this.hand.push(entry.item);
      this.changed(this.hand.length === 1 ? "item" : "count");
    }
  }
}
