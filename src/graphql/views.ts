import type { RangeAnswer } from '../consistency/store.ts';
import type { ApiKey } from '../tenancy/api-keys.ts';

/** An entry of a page with its place. */
export type RangeEdge = RangeAnswer['edges'][number];

/** An API key that was just made, with its secret. */
export interface CreatedKey {
  readonly apiKey: ApiKey;
  readonly secret: string;
}
