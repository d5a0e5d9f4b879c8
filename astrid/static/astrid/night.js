// Red light, chosen once for this browser; set before the page is painted.
"use strict";

{
  const NAME = "astrid-night";
  const root = document.documentElement;

  const set = (isRed) => {
    if (isRed) {
      root.dataset.night = "red";
    } else {
      delete root.dataset.night;
    }
  };

  const toggle = () => {
    const isRed = root.dataset.night !== "red";
    set(isRed);
    localStorage.setItem(NAME, isRed ? "red" : "");
  };

  set(localStorage.getItem(NAME) === "red");
  document.addEventListener("DOMContentLoaded", () => {
    document
      .querySelectorAll(".night-toggle")
      .forEach((button) => button.addEventListener("click", toggle));
  });
}
