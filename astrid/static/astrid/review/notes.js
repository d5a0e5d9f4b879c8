// Comment, tags and how sure one is: noted on an item before its verdict, sent along with it.

import { at } from "./elements.js";
import { showDraft } from "./view.js";

export const LEVELS = ["", "low", "medium", "high", "expert"]; // "": nothing is said

export class Notes {
  /** `current` gives the item on the screen. */
  constructor(current) {
    this.current = current;
    at("notes").addEventListener("input", () => this.note({ notes: at("notes").value.trim() }));
    at("notes").addEventListener("keydown", leave);
    at("tag").addEventListener("keydown", leave);
    at("tag-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.addTag(at("tag").value.trim());
    });
    at("tags").addEventListener("click", (event) => this.removeTag(event.target.dataset.tag));
    at("confidence").addEventListener("change", () => this.beSure(at("confidence").value));
  }

  /** Give what goes along with the verdict on an item. */
  of(item) {
    const { notes, tags, confidence } = item?.draft ?? {};
    return {
      ...(notes && { notes }),
      ...(tags?.length && { tags }),
      ...(confidence && { confidence }),
    };
  }

  comment() {
    at("more").open = true;
    at("notes").focus();
  }

  tag() {
    at("more").open = true;
    at("tag").focus();
  }

  /** Say the next level of how sure one is; give it in words. */
  nextLevel() {
    const item = this.current();
    const now = LEVELS.indexOf(item?.draft?.confidence ?? "");
    return this.beSure(LEVELS[(now + 1) % LEVELS.length]);
  }

  beSure(confidence) {
    this.note({ confidence });
    return confidence ? `Confidence ${confidence}` : "Confidence not said";
  }

  note(change) {
    const item = this.current();
    if (item) {
      item.draft = { ...item.draft, ...change };
      showDraft(item);
    }
  }

  addTag(tag) {
    const item = this.current();
    if (item && tag) {
      this.note({ tags: [...new Set([...(item.draft?.tags ?? []), tag])] });
      at("tag").value = "";
    }
  }

  removeTag(tag) {
    const item = this.current();
    if (item && tag) {
      this.note({ tags: item.draft.tags.filter((each) => each !== tag) });
    }
  }
}

// Back to the verdict keys from a field.
function leave(event) {
  if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
    event.preventDefault();
    event.target.blur();
  }
}
