// Menus of the head close when another opens, on Escape, and on a click beside them.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const menus = [...document.querySelectorAll("details.menu")];
  const closeAllBut = (kept) => {
    menus.filter((menu) => menu !== kept).forEach((menu) => menu.removeAttribute("open"));
  };

  document.addEventListener("click", (event) => closeAllBut(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const open = menus.find((menu) => menu.open);
    if (event.key !== "Escape" || !open) {
      return;
    }
    event.stopPropagation();
    open.removeAttribute("open");
    open.querySelector("summary").focus();
  });
});
