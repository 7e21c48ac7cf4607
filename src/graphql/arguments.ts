import type { RangeArguments, WriteOptions } from '../consistency/store.ts';
import { badInput } from '../errors.ts';

/** GraphQL's null is our "not given". */
export function given<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined;
}

/** A whole number in bounds, or a refusal that names them. */
export function within(
  field: string,
  value: number | null | undefined,
  { min, max }: { min: number; max: number },
): number | undefined {
  if (value === null || value === undefined) return undefined;
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const message = `Argument "${field}" must be ${min} to ${max}, and it is ${value}`;
  throw badInput(message, field, { limit: value < min ? min : max, value });
}

const listMax = 500;

/** A list that one request may carry: 1 to 500 items. */
export function boundedList<T>(field: string, list: readonly T[]): readonly T[] {
  if (list.length <= listMax) return list;
  const message = `Argument "${field}" must hold at most ${listMax} items, and it holds ${list.length}`;
  throw badInput(message, field, { limit: listMax, value: list.length });
}

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

/** The arguments of a range, as far as they can be judged without looking at a key. */
export function rangeArguments(
  args: Nullable<RangeArguments> & { readonly keyspace: string },
): RangeArguments {
  const pageMax = 1_000;
  const first = within('first', args.first, { min: 1, max: pageMax });
  const last = within('last', args.last, { min: 1, max: pageMax });
  if (first !== undefined && last !== undefined)
    throw badInput('Give either "first" or "last", not both', 'last');
  const [from, to, prefix] = [given(args.from), given(args.to), given(args.prefix)];
  if (prefix !== undefined && (from !== undefined || to !== undefined)) {
    throw badInput('Give either "prefix" or "from" and "to", not both', 'prefix');
  }
  return {
    keyspace: args.keyspace,
    from,
    to,
    prefix,
    first,
    after: given(args.after),
    last,
    before: given(args.before),
  };
}

/** How a write goes on, as far as it can be judged without looking at the key. */
export function writeOptions(args: Nullable<WriteOptions>): WriteOptions {
  return {
    context: given(args.context),
    ttlSeconds: ttlSeconds(args.ttlSeconds),
    sloppy: given(args.sloppy),
    idempotencyKey: idempotencyKey(args.idempotencyKey),
  };
}

/** Seconds to live, at least one; at most what a 32-bit number holds, some 68 years. */
export function ttlSeconds(value: number | null | undefined): number | undefined {
  return within('ttlSeconds', value, { min: 1, max: 2_147_483_647 });
}

/** The client's own name of a write. */
export function idempotencyKey(value: string | null | undefined): string | undefined {
  const max = 128;
  if (value === null || value === undefined || (value.length >= 1 && value.length <= max))
    return given(value);
  const message = `Argument "idempotencyKey" must be 1 to ${max} characters, and it is ${value.length}`;
  throw badInput(message, 'idempotencyKey', { limit: max, value: value.length });
}
