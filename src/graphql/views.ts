import type { RangeAnswer } from '../consistency/store.ts';

/** An entry of a page with its place. */
export type RangeEdge = RangeAnswer['edges'][number];

/** A tenant as far as a gateway without a directory knows it: by its name. */
export interface TenantView {
  readonly tenant: string;
}
