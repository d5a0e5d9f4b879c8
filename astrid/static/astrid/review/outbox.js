// The outbox: verdicts wait here, and on disk, until the server says that it has them.
// Sending one twice is harmless, for each has a key of its own.

import { VERDICTS } from "./store.js";
import { Refusal, send } from "./transport.js";

const BATCH = 5; // so many go at once …
const DELAY_MS = 3000; // … or what there is after so long
const MOST = 200; // that one message may hold
const KEEPALIVE_BYTES = 60_000; // browsers allow 64 kB to outlive a page
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [1000, 30_000];

export class Outbox {
  constructor({ store, url, person, answered, changed }) {
    Object.assign(this, { store, url, person, answered, changed });
    this.waiting = new Map(); // by key, in the order in which they were said
    this.timer = null;
    this.sending = null;
    this.pause = 0;
    this.trouble = "";
    this.hint = ""; // a pause would be good, and why
    this.last = 0;
  }

  /** Take up what an earlier page could not send. */
  async load() {
    if (this.store) {
      const rows = await this.store.of(VERDICTS, this.person);
      this.waiting = new Map([...rows.map((row) => [row.uuid, row]), ...this.waiting]);
    }
    if (this.waiting.size) {
      this.flush();
    }
  }

  get size() {
    return this.waiting.size;
  }

  /** Keep events and send them soon; `task` comes along for the page's own use. */
  add(...rows) {
    const kept = rows.map((row) => ({ ...row, person: this.person, order: this.next() }));
    kept.forEach((row) => this.waiting.set(row.uuid, row));
    this.keep(kept);
    this.changed();
    this.schedule(this.waiting.size >= BATCH ? 0 : DELAY_MS);
  }

  next() {
    this.last = Math.max(Date.now(), this.last + 1);
    return this.last;
  }

  async keep(rows) {
    if (!this.store) {
      return;
    }
    try {
      await this.store.put(VERDICTS, ...rows);
    } catch (error) {
      this.trouble = `This browser's disk does not take verdicts (${error.message}): keep the page open until all are saved.`;
      this.changed();
    }
  }

  schedule(delay) {
    if (this.pause) {
      return; // the retry is set already
    }
    if (delay === 0) {
      this.flush();
    } else {
      this.timer ??= setTimeout(() => this.flush(), delay);
    }
  }

  /** Send what waits; gives when there is nothing left to send, or no way to. */
  flush({ keepalive = false } = {}) {
    clearTimeout(this.timer);
    this.timer = null;
    if (keepalive) {
      return this.post(this.fitting(), { keepalive });
    }
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  async sendAll() {
    let settled = 1;
    while (this.waiting.size && settled) {
      settled = await this.post([...this.waiting.values()].slice(0, MOST));
    }
  }

  fitting() {
    const rows = [];
    let size = 0;
    for (const row of this.waiting.values()) {
      size += new Blob([JSON.stringify(row)]).size;
      if (size > KEEPALIVE_BYTES || rows.length === MOST) {
        break;
      }
      rows.push(row);
    }
    return rows;
  }

  // Give how many of the rows the server settled.
  async post(rows, options = {}) {
    if (!rows.length) {
      return 0;
    }
    try {
      const { results, hint = "" } = await send(this.url, { events: rows.map(eventOf) }, options);
      this.pause = 0;
      this.trouble = "";
      this.hint = hint;
      return await this.settle(results);
    } catch (error) {
      this.failed(error);
      return 0;
    }
  }

  async settle(results) {
    const known = results.filter(({ uuid }) => this.waiting.has(uuid));
    const rows = known.map(({ uuid }) => this.waiting.get(uuid));
    known.forEach(({ uuid }) => this.waiting.delete(uuid));
    this.answered(known, rows);
    this.changed();
    if (this.store && known.length) {
      await this.store.remove(VERDICTS, ...known.map(({ uuid }) => uuid));
    }
    return known.length;
  }

  failed(error) {
    this.trouble = troubleOf(error);
    this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2 || FIRST_PAUSE_MS);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), this.pause);
    this.changed();
  }

  /** The network came back: do not wait for the end of the pause. */
  hurry() {
    this.pause = 0;
    if (this.waiting.size) {
      this.flush();
    }
  }
}

const HERE = new Set(["person", "order", "task"]); // fields that only this page needs

function eventOf(row) {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !HERE.has(name)));
}

function troubleOf(error) {
  if (!(error instanceof Refusal)) {
    return "The server cannot be reached. Judge on: verdicts are kept in this browser.";
  }
  return error.status === 401
    ? "You are signed out. Sign in again in another tab: verdicts are kept in this browser."
    : `${error.message}. Verdicts are kept in this browser.`;
}
