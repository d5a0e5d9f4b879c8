// Keys for the verdict buttons (each names its own), and the time a verdict took.
"use strict";

const form = document.querySelector(".verdict-form");
const shownAt = performance.now();

function isTyping(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) {
    return;
  }
  const button = form.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (button) {
    event.preventDefault();
    button.click();
  }
}

function noteTime() {
  form.elements.ms_spent.value = Math.round(performance.now() - shownAt);
}

if (form) {
  document.addEventListener("keydown", press);
  form.addEventListener("submit", noteTime);
}
