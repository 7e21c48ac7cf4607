import { isTombstone, visible, type Cell } from '../causality/cell.ts';

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
  #fits = 0;
  #bytes = 0;
  #isPast = false;

  constructor(limits: PageLimits) {
    this.#limits = limits;
  }

  /** Whether something was added that is not on the page any more. */
  get isPast(): boolean {
    return this.#isPast;
  }

  /** So many of what was added are on the page: the first ones. */
  get fits(): number {
    return this.#fits;
  }

  add(cell: Cell): void {
    const { limit, bytes } = this.#limits;
    this.#bytes += valueBytes(cell);
    this.#isPast ||= this.#fits >= limit || (this.#fits > 0 && this.#bytes > bytes);
    if (!this.#isPast) this.#fits += 1;
  }

  /** As full as this one is, to see what would become of it. */
  copy(): PageFill {
    const copy = new PageFill(this.#limits);
    copy.#fits = this.#fits;
    copy.#bytes = this.#bytes;
    copy.#isPast = this.#isPast;
    return copy;
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
  for (const { cell } of rows) fill.add(cell);
  return fill.isPast ? rows.slice(0, fill.fits) : rows;
}

/** The bytes of its values, conflicting ones too. */
export function valueBytes({ siblings }: Cell): number {
  let bytes = 0;
  for (const { value } of siblings) if (value !== null) bytes += Buffer.byteLength(value);
  return bytes;
}

/** Whether a page shows it: deleted and expired keys do not fill one. */
export function isLive(cell: Cell, nowMs: number): boolean {
  return visible(cell).some((sibling) => !isTombstone(sibling, nowMs));
}
