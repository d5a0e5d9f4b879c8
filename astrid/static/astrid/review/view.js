// What the page says of an item and of the last verdicts; all of it as text, never as markup.

import { at, made } from "./elements.js";
import { drawSeries } from "./spark.js";

const RIBBON = 5;
const MOST_COUNTED = 1000; // the server counts no further
export const SHAPES = { real: "●", bogus: "✕", unsure: "?", skip: "↷" };
const STATES = { waiting: "not sent yet", saved: "saved", refused: "not saved" };

/** Give the words for an answer: the class where one was said. */
export function wordsOf({ verdict, label }) {
  const words = (label || verdict).replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

export function showItem(item, isEmpty) {
  at("item").hidden = !item;
  at("nothing").hidden = Boolean(item);
  if (!item) {
    at("nothing").textContent = isEmpty
      ? at("nothing").dataset.empty
      : "Looking for items …";
    return;
  }
  showFacts(item);
  drawSeries(at("series"), item.series);
  at("series-none").hidden = item.series.length > 0;
  showVotes(item.votes);
  showDraft(item);
}

/** Show name, figures and remarks. */
export function showFacts(item) {
  at("name").textContent = item.name;
  at("name").href = item.url;
  at("alt").textContent = item.alt;
  showFigures(item.figures);
  at("badges").replaceChildren(
    ...item.badges.map((badge) => made("li", { class: `badge ${badge.kind}`, text: badge.text })),
  );
}

function showFigures(figures) {
  at("figures").replaceChildren(
    ...figures.map(({ label, text }) =>
      made("div", {}, made("dt", { text: label }), made("dd", { text })),
    ),
  );
}

function showVotes(votes) {
  at("votes").hidden = !votes.length;
  const lines = votes.map((vote) => {
    const said = `${vote.by}: ${wordsOf(vote)}`;
    return made("li", { text: vote.notes ? `${said}: ${vote.notes}` : said });
  });
  at("votes").replaceChildren(...lines);
}

/** Show what was noted on an item before its verdict. */
export function showDraft(item) {
  if (document.activeElement !== at("notes")) {
    at("notes").value = item.draft?.notes ?? "";
  }
  const confidence = item.draft?.confidence ?? "";
  at("confidence").value = confidence;
  at("sure-words").textContent = confidence && `Confidence: ${confidence}`;
  const tags = item.draft?.tags ?? [];
  at("tags").replaceChildren(
    ...tags.map((tag) => {
      const words = { type: "button", "aria-label": `Remove the tag ${tag}`, "data-tag": tag };
      return made("li", {}, made("button", { ...words, text: `${tag} ×` }));
    }),
  );
}

/** Show the last verdicts, each a button that takes it back. */
export function showRibbon(done, undo) {
  const entries = done.slice(-RIBBON).reverse();
  at("ribbon").replaceChildren(...entries.map((entry) => made("li", {}, chip(entry, undo))));
}

function chip(entry, undo) {
  const { answer, item, state, isUndone } = entry;
  const said = wordsOf(answer);
  const fate = isUndone ? "undone" : STATES[state];
  const button = made(
    "button",
    { type: "button", class: `chip ${answer.verdict} ${isUndone ? "undone" : state}` },
    made("span", { "aria-hidden": "true", class: "shape", text: SHAPES[answer.verdict] }),
    made("strong", { text: said }),
    made("span", { class: "fate", text: fate }),
  );
  button.setAttribute("aria-label", `${said}, ${item.name}: ${fate}. Undo`);
  button.title = entry.reason ?? item.name;
  button.disabled = isUndone;
  button.addEventListener("click", () => undo(entry));
  return button;
}

/** Say how many wait, and whether all that was said is saved. */
export function showCount({ left }, outbox) {
  const isMore = left > MOST_COUNTED - 200;
  at("waiting").textContent = left === null ? "" : `${left}${isMore ? " or more" : ""} waiting`;
  at("saved").textContent = outbox.size ? `${outbox.size} to be saved` : "All verdicts saved";
  at("saved").dataset.state = outbox.size ? "waiting" : "saved";
  at("trouble").textContent = outbox.trouble;
  at("trouble").hidden = !outbox.trouble;
  at("hint").textContent = outbox.hint;
}

/** Put a sentence where it is seen, until it is put away. */
export function notice(words) {
  if ([...at("notices").children].some((line) => line.dataset.words === words)) {
    return;
  }
  const close = made("button", { type: "button", text: "×", "aria-label": "Put away" });
  const line = made("p", { class: "message error", "data-words": words, text: words }, close);
  close.addEventListener("click", () => line.remove());
  at("notices").prepend(line);
  [...at("notices").children].slice(3).forEach((old) => old.remove());
}
