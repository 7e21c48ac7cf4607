import { seenNothing, seenOf, type Seen } from '../causality/cell.ts';
import { decodeVector, encodeVector } from '../causality/version-vector.ts';
import type { Keyspace } from './keyspace.ts';
import type { Sealer } from './seal.ts';
import type { Entry } from './store.ts';

/**
 * What the reader of an entry has seen, as the string that it passes to its next write. Bound to
 * tenant, keyspace and key.
 */
export function sealContext(sealer: Sealer, { keyspace, key, cell }: Entry): string {
  const seen = seenOf(cell);
  const writeIds = seen.writeIds.length === 0 ? '' : `,${JSON.stringify(seen.writeIds)}`;
  return sealer.seal('context', place(keyspace, key), `[${encodeVector(seen.context)}${writeIds}]`);
}

/**
 * What a context says; nothing seen when there is none. BAD_USER_INPUT when it was not given out
 * for this key.
 */
export function openContext(
  sealer: Sealer,
  at: { keyspace: Keyspace; key: string; field?: string },
  token: string | undefined,
): Seen {
  if (token === undefined) return seenNothing;
  const payload = sealer.open('context', place(at.keyspace, at.key), token, at.field ?? 'context');
  const [vector, writeIds = []] = JSON.parse(payload) as [Record<string, number>, string[]?];
  return { context: decodeVector(JSON.stringify(vector)), writeIds };
}

/** A place in a range: the key itself, so that it stays right while keys come and go. */
export function sealCursor(sealer: Sealer, keyspace: Keyspace, key: string): string {
  return sealer.seal('cursor', [keyspace.tenant, keyspace.storageName], key);
}

export function openCursor(
  sealer: Sealer,
  keyspace: Keyspace,
  at: { token: string; field: string },
): string {
  return sealer.open('cursor', [keyspace.tenant, keyspace.storageName], at.token, at.field);
}

/** The id of a write, for whoever may settle it later: under this key and no other. */
export function sealWriteId(sealer: Sealer, at: KeyOf, writeId: string): string {
  return sealer.seal('writeId', place(at.keyspace, at.key), writeId);
}

export function openWriteId(sealer: Sealer, at: KeyOf, token: string): string {
  return sealer.open('writeId', place(at.keyspace, at.key), token, 'writeId');
}

interface KeyOf {
  readonly keyspace: Keyspace;
  readonly key: string;
}

function place(keyspace: Keyspace, key: string): readonly string[] {
  return [keyspace.tenant, keyspace.storageName, key];
}
