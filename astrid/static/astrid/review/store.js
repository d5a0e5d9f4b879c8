// What must outlive the page: verdicts until the server has them, and what was judged last.

const NAME = "astrid-review";
const VERSION = 1;
export const VERDICTS = "verdicts";
export const JUDGED = "judged";

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}

/** Open the store of this browser. */
async function openStore() {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    for (const name of [VERDICTS, JUDGED]) {
      request.result.createObjectStore(name, { keyPath: "uuid" }).createIndex("order", "order");
    }
  };
  return new Store(await settled(request));
}

/** Open it, or say what its want means, and go on without. */
export async function storeOrNone(noticed) {
  try {
    return await openStore();
  } catch (error) {
    noticed(
      `This browser keeps nothing on disk (${error.message}): leave the page open until all verdicts are saved.`,
    );
    return null;
  }
}

class Store {
  constructor(database) {
    this.database = database;
  }

  /** Keep rows, over those of the same `uuid`; done when the disk has them. */
  async put(name, ...rows) {
    const transaction = this.database.transaction(name, "readwrite");
    rows.forEach((row) => transaction.objectStore(name).put(row));
    await finished(transaction);
  }

  async remove(name, ...uuids) {
    const transaction = this.database.transaction(name, "readwrite");
    uuids.forEach((uuid) => transaction.objectStore(name).delete(uuid));
    await finished(transaction);
  }

  /** Give a person's rows, the oldest first. */
  async of(name, person) {
    const index = this.database.transaction(name).objectStore(name).index("order");
    const rows = await settled(index.getAll());
    return rows.filter((row) => row.person === person);
  }
}
