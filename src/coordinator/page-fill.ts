import type { Cell } from '../causality/cell.ts';

/** How long a page may be: in entries, and in the bytes of their values. */
export interface PageLimits {
  readonly limit: number;
  readonly bytes: number;
}

/**
 * How full a page is. It ends before its values are more bytes than it may have, and has one entry
 * at least: so a page of large values is short, and the next one goes on where it ends.
 */
export class PageFill {
  readonly #limits: PageLimits;
  #rows = 0;
  #bytes = 0;
  /** Whether something was added that is not on the page any more. */
  isPast = false;

  constructor(limits: PageLimits) {
    this.#limits = limits;
  }

  add(cell: Cell): void {
    const { limit, bytes } = this.#limits;
    this.#bytes += valueBytes(cell);
    this.isPast ||= this.#rows >= limit || (this.#rows > 0 && this.#bytes > bytes);
    this.#rows += 1;
  }

  /**
   * What a replica is asked for next, in bytes: what is missing, and an eighth of a page at least, so
   * that deleted keys, which do not fill it, are passed over many at a time.
   */
  get bytesLeft(): number {
    const { bytes } = this.#limits;
    return Math.max(bytes - this.#bytes, Math.ceil(bytes / 8));
  }
}

/** Those of these rows that are on the page. */
export function fitting<Row extends { readonly cell: Cell }>(
  rows: readonly Row[],
  limits: PageLimits,
): readonly Row[] {
  const fill = new PageFill(limits);
  const end = rows.findIndex(({ cell }) => {
    fill.add(cell);
    return fill.isPast;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

/** The bytes of its values, conflicting ones too. */
export function valueBytes({ siblings }: Cell): number {
  return siblings.reduce((bytes, { value }) => bytes + Buffer.byteLength(value ?? ''), 0);
}
