// Keys and buttons of the plain pages of the console.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const start = document.querySelector("[data-start]");
  // Enter starts the review, unless something else has the focus, whose key it then is.
  document.addEventListener("keydown", (event) => {
    if (start && event.key === "Enter" && event.target === document.body) {
      start.click();
    }
  });
  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => window.print());
  }
});
