import { compareKeys } from '../placement/key-order.ts';

/** Past every key. Not a string: any string may be a key. */
export const END = Symbol('end');

/** How far somebody has come. */
export type Reached = string | typeof END;

/** The order of the keys on a page: that of their bytes, or the reverse. */
export class PageOrder {
  readonly reverse: boolean;

  constructor(reverse: boolean) {
    this.reverse = reverse;
  }

  compare(a: string, b: string): number {
    return this.reverse ? compareKeys(b, a) : compareKeys(a, b);
  }

  compareReached(a: Reached, b: Reached): number {
    if (a === END || b === END) return a === b ? 0 : a === END ? 1 : -1;
    return this.compare(a, b);
  }

  /** Whether a key comes after what is undefined before the first one. */
  isBeyond(key: string, mark: string | undefined): boolean {
    return mark === undefined || this.compare(key, mark) > 0;
  }
}
