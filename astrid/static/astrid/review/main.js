// The review page: the items of one queue.

import { at } from "./elements.js";
import { Page } from "./page.js";
import { Session } from "./session.js";
import { storeOrNone } from "./store.js";
import { notice } from "./view.js";

const config = JSON.parse(at("review-config").textContent);
const page = new Page({ config, store: await storeOrNone(notice), Kind: Session });
await page.start();
