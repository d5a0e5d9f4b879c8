// Parts of the page that the server draws when they come near the window.

import { part } from "../review/transport.js";

const SETTLE_MS = 250; // whoever runs through the epochs wants the last one only

/** Fetch each part once it is near; give what renews those that belong to one epoch. */
export function watchParts() {
  const places = [...document.querySelectorAll("[data-part]")].map((place) => new Part(place));
  const eye = new IntersectionObserver(
    (entries) => entries.forEach(({ target, isIntersecting }) => isIntersecting && near(target)),
    { rootMargin: "300px" },
  );
  const near = (target) => {
    eye.unobserve(target);
    places.find(({ place }) => place === target).fetch();
  };
  places.forEach(({ place }) => eye.observe(place));
  return { renew: (key) => places.forEach((each) => each.renew(key)) };
}

class Part {
  constructor(place) {
    this.place = place;
    this.isFetched = false;
  }

  /** Name another detection in the address; what is on the screen already comes anew. */
  renew(key) {
    if (!("eachEpoch" in this.place.dataset)) {
      return;
    }
    const address = this.place.dataset.part.replace(/[0-9a-f-]{36}/, key);
    this.place.dataset.part = address;
    clearTimeout(this.timer);
    if (this.isFetched) {
      this.timer = setTimeout(() => this.fetch(), SETTLE_MS);
    }
  }

  async fetch() {
    this.isFetched = true;
    const address = this.place.dataset.part;
    this.place.setAttribute("aria-busy", "true");
    try {
      const drawn = await part(address);
      if (address === this.place.dataset.part) {
        this.place.innerHTML = drawn; // written by the server, which escapes; scripts are barred
      }
    } catch (error) {
      this.place.textContent = `This part did not come: ${error.message}. Reload the page for it.`;
    }
    this.place.removeAttribute("aria-busy");
  }
}
