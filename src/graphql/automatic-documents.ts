/** How much is kept of what clients have sent. */
export interface AutomaticLimits {
  readonly documentsPerTenant: number;
  readonly bytesPerTenant: number;
  /** Of all tenants together. */
  readonly bytes: number;
}

/** Of one tenant, the one used longest ago first. */
interface Shelf {
  readonly documents: Map<string, string>;
  bytes: number;
}

/** What an entry takes besides its text: its hash, and its place in the map. */
const entryBytes = 256;

/**
 * Documents that clients have sent once, to be named by their hash from then on (automatic persisted
 * queries). Each tenant has a shelf of its own: what one sends, no other can ask for, and no other
 * loses a document by it.
 *
 * Invariant: when all shelves together hold too much, the fullest gives way: who uses less than
 * his part keeps what he has.
 */
export class AutomaticDocuments {
  readonly #limits: AutomaticLimits;
  readonly #shelves = new Map<string, Shelf>();
  #bytes = 0;

  constructor(limits: AutomaticLimits) {
    this.#limits = limits;
  }

  find(tenant: string, hash: string): string | undefined {
    const shelf = this.#shelves.get(tenant);
    const text = shelf?.documents.get(hash);
    if (!shelf || text === undefined) return undefined;
    shelf.documents.delete(hash);
    shelf.documents.set(hash, text);
    return text;
  }

  /** `hash` must have been checked: whoever asks for it later is given this text. */
  keep(tenant: string, hash: string, text: string): void {
    const bytes = sizeOf(text);
    const { documentsPerTenant, bytesPerTenant } = this.#limits;
    if (bytes > bytesPerTenant || this.find(tenant, hash) !== undefined) return;
    const shelf = this.#shelves.get(tenant) ?? { documents: new Map<string, string>(), bytes: 0 };
    this.#shelves.set(tenant, shelf);
    shelf.documents.set(hash, text);
    shelf.bytes += bytes;
    this.#bytes += bytes;
    while (shelf.bytes > bytesPerTenant || shelf.documents.size > documentsPerTenant)
      this.#letGo(tenant, shelf);
    while (this.#bytes > this.#limits.bytes) this.#letGo(...this.#fullest());
  }

  #letGo(tenant: string, shelf: Shelf): void {
    const [oldest] = shelf.documents;
    if (oldest === undefined) throw new Error('a shelf that holds nothing takes no room');
    const [hash, text] = oldest;
    shelf.documents.delete(hash);
    shelf.bytes -= sizeOf(text);
    this.#bytes -= sizeOf(text);
    if (shelf.documents.size === 0) this.#shelves.delete(tenant);
  }

  #fullest(): readonly [string, Shelf] {
    let found: readonly [string, Shelf] | undefined;
    for (const entry of this.#shelves) if (!found || entry[1].bytes > found[1].bytes) found = entry;
    if (!found) throw new Error('there is no shelf, and too much on it');
    return found;
  }
}

function sizeOf(text: string): number {
  return text.length * 2 + entryBytes;
}
