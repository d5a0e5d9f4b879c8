// Why a case is open: who said what and when, and what each word weighs.

import { at, made } from "./elements.js";
import { SHAPES, wordsOf } from "./view.js";

const SECOND_MS = 1000;
const MARK = 0.8; // percent, the width of the mark

/** Show the verdicts on an item side by side, and what they come to together. */
export function showCase(item) {
  at("case").hidden = !item;
  if (item) {
    at("case-words").textContent = item.case.words;
    at("case-votes").replaceChildren(...item.case.votes.map(cardOf));
    drawProbability(item.case.probability);
  }
}

function cardOf(vote) {
  const shape = made("span", { "aria-hidden": "true", class: "shape", text: SHAPES[vote.verdict] });
  const said = made("p", { class: "said" }, shape, made("strong", { text: wordsOf(vote) }));
  const when = made("time", { datetime: vote.at, text: inWords(vote.at) });
  const facts = [vote.confidence && `confidence ${vote.confidence}`, spent(vote), vote.how];
  const about = made("p", { class: "quiet", text: facts.filter(Boolean).join(" · ") });
  const head = made("p", { class: "who" }, made("strong", { text: vote.by }), when);
  const card = made("li", { class: `vote ${vote.verdict}` }, head, said, about);
  if (vote.tags.length) {
    card.append(made("p", { class: "quiet", text: `Tags: ${vote.tags.join(", ")}` }));
  }
  if (vote.notes) {
    card.append(made("blockquote", { text: vote.notes }));
  }
  card.append(made("p", { class: "quiet weight", text: vote.weight }));
  return card;
}

function spent({ ms_spent: ms }) {
  return ms ? `${(ms / SECOND_MS).toFixed(1)} s` : "";
}

function inWords(moment) {
  return new Date(moment).toISOString().slice(0, 16).replace("T", " ");
}

// A mark between bogus and real; the words beside it say the number.
function drawProbability(probability) {
  const isKnown = probability !== null;
  at("case-mark").setAttribute("x", isKnown ? 100 * probability - MARK / 2 : 0);
  at("case-scale").toggleAttribute("hidden", !isKnown);
}
