// What keys do: a map from keys to actions that everyone may change.

/** The actions in the order of the list of keys, each with the key it has at first. */
const ACTIONS = [
  ["real", "Real", "r"],
  ["bogus", "Bogus", "b"],
  ["unsure", "Unsure", "q"],
  ["undo", "Undo", "u"],
  ["redo", "Redo", "shift+u"],
  ["skip", "Skip with a reason", "k"],
  ["blink", "Blink science and reference while held", "space"],
  ["difference", "Difference large", "d"],
  ["stretch", "Next stretch", "s"],
  ["invert", "Invert", "i"],
  ["weaker", "Less contrast", "["],
  ["stronger", "More contrast", "]"],
  ["zoom", "Zoom", "z"],
  ["comment", "Comment", "m"],
  ["tag", "Tag", "t"],
  ["sure", "Confidence: low, medium, high, expert, not said", "c"],
  ["open", "Open its page", "o"],
  ["help", "This list", "h"],
];
const LEFT_HAND = {};
const RIGHT_HAND = {
  real: "l", bogus: "j", unsure: "k", skip: "n", undo: "u", redo: "shift+u", help: "h",
}; // prettier-ignore
export const LAYOUTS = { left: LEFT_HAND, right: RIGHT_HAND };
const DIGITS = 9;

/** Give every action: those of the page, and one per class; the first nine have digits. */
export function actionsFor(labels) {
  const plain = ACTIONS.map(([id, words, key]) => ({ id, words, key }));
  const classes = labels.map(({ name, words }, index) => ({
    id: `label:${name}`,
    words: `${words[0].toUpperCase()}${words.slice(1)}`,
    key: index < DIGITS ? String(index + 1) : "",
  }));
  return [...plain, ...classes];
}

/** Give the key of each action: its own, or what a person chose. */
export function keysOf(actions, chosen = {}) {
  return new Map(actions.map(({ id, key }) => [id, chosen[id] ?? key]));
}

/** Name a key as the map names it: `r`, `shift+u`, `space`, `?`. */
export function nameOf(event) {
  if (event.key === " ") {
    return "space";
  }
  const isLetter = event.key.length === 1 && event.key.toLowerCase() !== event.key.toUpperCase();
  const key = event.key.toLowerCase();
  return isLetter && event.shiftKey ? `shift+${key}` : key;
}

/** Say which two actions have one key; null where all differ. */
export function clashIn(keys) {
  const seen = new Map();
  for (const [id, key] of keys) {
    if (key && seen.has(key)) {
      return [seen.get(key), id, key];
    }
    seen.set(key, id);
  }
  return null;
}

const TYPED = "input, select, textarea, [contenteditable]";
const PRESSED = "button, a, summary"; // space and Enter are theirs

/** Listen for keys; `does` gets the action, and whether its key went down or up. */
export class Keyboard {
  constructor(does) {
    this.does = does;
    this.actions = new Map();
    this.isOn = true;
    document.addEventListener("keydown", (event) => this.down(event));
    document.addEventListener("keyup", (event) => this.up(event));
  }

  use(keys, isOn) {
    this.actions = new Map([...keys].filter(([, key]) => key).map(([id, key]) => [key, id]));
    this.isOn = isOn;
  }

  down(event) {
    const action = this.actionOf(event);
    if (action) {
      event.preventDefault();
      if (!event.repeat) {
        this.does(action, true, event);
      }
    }
  }

  up(event) {
    const action = this.actions.get(nameOf(event));
    if (action) {
      this.does(action, false, event);
    }
  }

  actionOf(event) {
    const target = event.target instanceof Element ? event.target : document.body;
    const isElsewhere = target.closest(TYPED) || document.querySelector("dialog[open]");
    if (!this.isOn || event.ctrlKey || event.metaKey || event.altKey || isElsewhere) {
      return null;
    }
    const key = nameOf(event);
    const isPress = (key === "space" || key === "enter") && target.closest(PRESSED);
    return isPress ? null : this.actions.get(key);
  }
}
