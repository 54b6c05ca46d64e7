// Recordings that are kept in this browser, in IndexedDB, while they are made and until they are jobs.
import { hold as holdLock } from "../browser/locks.js";

const DATABASE = "longscribe-recordings";
const LOCK = "longscribe-recording ";
/** Written to the disk before a piece counts as kept: a crash of the machine must not take it. */
const DURABLE = { durability: "strict" };

let opened = null;

/** The database; null where this browser has none, as some have in private windows. */
async function database() {
  opened ??= new Promise((resolve) => {
    try {
      const asked = indexedDB.open(DATABASE, 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore("recordings", { keyPath: "id" });
        asked.result.createObjectStore("pieces", { keyPath: ["id", "at"] });
      };
      asked.onsuccess = () => {
        asked.result.onversionchange = () => asked.result.close();
        asked.result.onclose = () => (opened = null); // it is opened anew by the next who needs it
        resolve(asked.result);
      };
      asked.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  const found = await opened;
  if (!found) opened = null;
  return found;
}

/** Run `act` with the stores; resolves to what its request found once the transaction is done. */
async function within(mode, act) {
  const found = await database();
  if (!found) throw new Error("this browser keeps nothing");
  return new Promise((resolve, reject) => {
    const transaction = found.transaction(["recordings", "pieces"], mode, DURABLE);
    const request = act(transaction.objectStore("recordings"), transaction.objectStore("pieces"));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
  });
}

const piecesOf = (id) => IDBKeyRange.bound([id, 0], [id, Infinity]);

/** The recordings that were kept for an account of a site, the oldest first. */
export async function keptRecordings(account, endpoint) {
  const all = await within("readonly", (recordings) => recordings.getAll()).catch(() => []);
  const own = all.filter((one) => one.account === account && one.endpoint === endpoint);
  return Promise.all(own.map((about) => KeptRecording.found(about)));
}

/**
 * Hold a recording, so that no other tab makes, sends or deletes it. Resolves to a function that
 * lets it go, or to null where another tab holds it. It ends with the tab, however that ends.
 */
export const hold = (id) => holdLock(LOCK + id);

/** A recording as it grows: what could be stored is in the database, the rest in this page alone. */
export class KeptRecording {
  constructor(about) {
    this.about = about;
    this.bytes = 0;
    this.seconds = 0;
    this.loose = [];
    this.problem = null;
    this.turn = Promise.resolve();
  }

  /** Begin one. `about` has account, endpoint, name and type; it is written with the first piece. */
  static begin(about) {
    return new KeptRecording({ ...about, id: crypto.randomUUID(), begunAt: Date.now() });
  }

  static async found(about) {
    const kept = new KeptRecording(about);
    const read = (_, pieces) => pieces.openCursor(piecesOf(about.id), "prev");
    const last = await within("readonly", read).catch(() => null);
    if (last) {
      kept.bytes = last.value.at + last.value.bytes.byteLength;
      kept.seconds = last.value.seconds;
    }
    return kept;
  }

  get id() {
    return this.about.id;
  }

  /** Whether all of it is stored, so that it outlives this page. */
  get isStored() {
    return this.problem === null && !this.loose.length;
  }

  /** Change what is told about it, as `uploadUrl`. */
  async note(changes) {
    Object.assign(this.about, changes);
    await within("readwrite", (recordings) => recordings.put(this.about)).catch((error) => {
      this.problem = error;
    });
  }

  /** Add a piece, after which it lasts `seconds`; then it is stored, or `problem` says why not. */
  append(piece, seconds) {
    return this.inTurn(async () => {
      const bytes = await piece.arrayBuffer();
      this.loose.push({ id: this.id, at: this.bytes, bytes, seconds });
      this.bytes += bytes.byteLength;
      this.seconds = seconds;
      await this.store();
    });
  }

  /** Store what is in this page alone, in order: after a crash there must be no hole. */
  async store() {
    while (this.loose.length) {
      const [first] = this.loose;
      try {
        await within("readwrite", (recordings, pieces) => {
          recordings.put(this.about);
          return pieces.put(first);
        });
      } catch (error) {
        this.problem = error;
        return;
      }
      this.loose.shift();
    }
    this.problem = null;
  }

  /** The bytes from `offset` on, `most` at the most, as a Blob. */
  from(offset, most = Infinity) {
    return this.inTurn(async () => {
      const stored = await this.stored(offset, most).catch(() => []);
      const found = [...stored, ...this.loose].filter(
        ({ at, bytes }) => at < offset + most && at + bytes.byteLength > offset,
      );
      if (!found.length) return new Blob([]);
      const begin = offset - found[0].at;
      const type = this.about.type.split(";")[0];
      return new Blob(found.map(({ bytes }) => bytes)).slice(begin, begin + most, type);
    });
  }

  /** The stored pieces that may have bytes of those. */
  async stored(offset, most) {
    const before = IDBKeyRange.bound([this.id, 0], [this.id, offset]);
    const first = await within("readonly", (_, pieces) => pieces.openKeyCursor(before, "prev"));
    if (!first) return [];
    const range = IDBKeyRange.bound(first.key, [this.id, offset + most], false, true);
    return within("readonly", (_, pieces) => pieces.getAll(range));
  }

  whole() {
    return this.from(0);
  }

  inTurn(act) {
    const result = this.turn.then(act);
    this.turn = result.catch(() => {});
    return result;
  }

  /** Whether no other tab has deleted it or made a job of it. */
  async isThere() {
    if (!this.isStored) return true; // none but this page has all of it
    const found = await within("readonly", (recordings) => recordings.get(this.id)).catch(() => null);
    if (found) this.about = found;
    return Boolean(found);
  }

  remove() {
    return this.inTurn(async () => {
      this.loose = [];
      await within("readwrite", (recordings, pieces) => {
        recordings.delete(this.id);
        pieces.delete(piecesOf(this.id));
      }).catch(() => {});
    });
  }
}
