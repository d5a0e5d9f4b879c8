// Parts of a page that follow what happens: <div id="..." data-live="detection job">.
// Without the stream, or without scripts, the page stays as it was loaded.

const RESTED_MS = 5000; // between two looks at the page itself
const AGAIN_MS = 60000; // after a refusal: too many listen, or the site restarts
const address = document.querySelector("meta[name=live]")?.content;
const parts = [...document.querySelectorAll("[data-live]")];
const kinds = new Set(parts.flatMap((part) => part.dataset.live.split(" ")));

let stream = null;
let again = 0;
let looked = 0;
let planned = 0;
const due = new Set();

// A part in use stays: the row that somebody ticks or reads by keyboard must not go away.
const inUse = (part) =>
  part.contains(document.activeElement) || part.querySelector("input:checked:not([type=hidden])");

// Rows keep their elements, which other scripts know, where as many come as are there.
const cellsOf = (part) => [...part.querySelectorAll("tbody > tr > *")];
const put = (fresh, part) => {
  const [now, then] = [cellsOf(fresh), cellsOf(part)];
  if (!then.length || now.length !== then.length) {
    part.replaceChildren(...fresh.childNodes);
    return;
  }
  now.forEach((cell, place) => {
    const [box, old] = [cell, then[place]].map((each) => each.querySelector("input[type=checkbox]"));
    if (box && old) {
      old.value = box.value;
    } else if (cell.innerHTML !== then[place].innerHTML) {
      then[place].innerHTML = cell.innerHTML;
    }
  });
};

const renew = (page) => {
  for (const part of parts) {
    const wanted = part.dataset.live.split(" ").some((kind) => due.has(kind));
    const fresh = wanted && page.getElementById(part.id);
    if (fresh && !inUse(part)) {
      put(fresh, part);
    }
  }
  due.clear();
};

const look = async () => {
  planned = 0;
  looked = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    // Signed out meanwhile: another page came, which is not shown in this one's place.
    if (answer.ok && !answer.redirected) {
      renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
  } catch (error) {
    if (!(error instanceof TypeError)) {
      throw error; // a TypeError says that the network is away: the next event looks again
    }
  }
};

const plan = (these) => {
  these.forEach((kind) => due.add(kind));
  if (!planned) {
    planned = setTimeout(look, Math.max(500, looked + RESTED_MS - Date.now()));
  }
};

const stop = () => {
  clearTimeout(again);
  stream?.close();
  stream = null;
};

const start = () => {
  stop();
  stream = new EventSource(`${address}?kinds=${[...kinds].join(",")}`);
  for (const kind of kinds) {
    stream.addEventListener(kind, () => plan([kind]));
  }
  stream.addEventListener("reset", () => plan(kinds));
  stream.addEventListener("error", () => {
    // The browser comes back by itself, unless it was refused.
    if (stream?.readyState === EventSource.CLOSED) {
      again = setTimeout(start, AGAIN_MS);
    }
  });
};

// Only a page that somebody sees takes a place; one that comes to the front again looks anew.
const follow = () => {
  if (document.visibilityState === "visible") {
    start();
  } else {
    stop();
  }
};

if (address && parts.length) {
  follow();
  document.addEventListener("visibilitychange", () => {
    follow();
    if (stream) {
      plan(kinds);
    }
  });
  addEventListener("pagehide", stop);
}
