// Elements of a page: found, made, and what keys and screen readers need of them.

export const at = (id) => document.getElementById(id);

export function made(name, { text = "", ...attributes } = {}, ...children) {
  const element = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.append(...(text ? [text] : []), ...children);
  return element;
}

/** Show on a button which key does the same. */
export function showKey(button, key) {
  button.querySelector("kbd")?.remove();
  if (key) {
    const words = key.replace("shift+", "⇧").replace("space", "␣").toUpperCase();
    button.append(made("kbd", { text: words }));
  }
}

export function announce(words) {
  at("live").textContent = words;
}
