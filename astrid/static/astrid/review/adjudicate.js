// Adjudication: what curators disagree on, decided by one who sees all that was said.

import { showCase } from "./case.js";
import { at } from "./elements.js";
import { Page } from "./page.js";
import { Session } from "./session.js";
import { storeOrNone } from "./store.js";
import { notice } from "./view.js";

// Cases are leased to nobody: the last decision counts.
class Cases extends Session {
  beatBefore() {}

  keepLeases() {}

  release() {}

  tell(item, uuid, said) {
    const decides = ["real", "bogus", "unsure"].includes(said.verdict);
    // No queue asked: what it calls settled may be decided all the same.
    super.tell(item, uuid, { ...said, queue: "", ...(decides && { decides }) });
  }
}

class Adjudication extends Page {
  changed(what) {
    super.changed(what);
    if (what === "item") {
      showCase(this.session.current);
    }
  }
}

const config = JSON.parse(at("review-config").textContent);
const page = new Adjudication({ config, store: await storeOrNone(notice), Kind: Cases });
await page.start();
