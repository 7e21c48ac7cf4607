import { charsOf } from './traffic.ts';
import type { ScanPage, ScanRequest } from './replica.ts';

/** What a row of a keyspace is taken to weigh before any was read: small, so that nobody is kept out. */
const unknownRowChars = 256;
/** So many keyspaces are remembered; the one that was learnt first goes first. */
const keyspacesMax = 1_000;

/**
 * What a page of a range will weigh, guessed from the pages of its keyspace that came before: only its
 * bounds are known when it is asked for, and the largest that it may be would let nearly nobody in.
 *
 * Unit: UTF-16 units of values, as in `charsOf`.
 */
export class ScanWeights {
  readonly #rowChars = new Map<string, number>();

  expected(request: ScanRequest): number {
    const row = this.#rowChars.get(nameOf(request)) ?? unknownRowChars;
    return Math.min(request.bytes, Math.ceil(request.limit * row));
  }

  /** What is asked for, and what it will weigh where that is known of its keyspace, and not assumed. */
  foretold(request: ScanRequest): ScanRequest {
    const isKnown = this.#rowChars.has(nameOf(request));
    return isKnown ? { ...request, expected: this.expected(request) } : request;
  }

  /** Gives back the page. Larger rows are believed at once, smaller ones by halves. */
  learn(request: ScanRequest, page: ScanPage): ScanPage {
    if (page.cells.length === 0) return page;
    let chars = 0;
    for (const { stored } of page.cells) chars += charsOf(stored.cell);
    const row = chars / page.cells.length;
    const name = nameOf(request);
    const before = this.#rowChars.get(name) ?? row;
    this.#rowChars.set(name, row > before ? row : (row + before) / 2);
    const [oldest] = this.#rowChars.keys();
    if (this.#rowChars.size > keyspacesMax && oldest !== undefined) this.#rowChars.delete(oldest);
    return page;
  }
}

function nameOf({ tenant, keyspace }: ScanRequest): string {
  return `${tenant}\0${keyspace}`;
}
