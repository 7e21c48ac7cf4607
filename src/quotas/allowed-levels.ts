import type { Keyspace } from '../consistency/keyspace.ts';
import { levels, type LevelName } from '../consistency/levels.ts';
import type { Asked } from '../consistency/store.ts';
import { StoreError } from '../errors.ts';

/** Errors: LEVEL_NOT_ALLOWED when the tenant may not ask for it. */
export function checkLevel(allowed: readonly LevelName[], name: LevelName): void {
  if (!allowed.includes(name)) throw notAllowed(allowed, name);
}

/**
 * What is asked for, or stands for it in the keyspace, against the levels that a tenant may use. A
 * number of replicas is what the level that needs as many is. Errors: LEVEL_NOT_ALLOWED.
 */
export function checkAsked(
  allowed: readonly LevelName[],
  asked: Asked,
  where: { readonly keyspace: Keyspace; readonly side: 'read' | 'write' },
): void {
  const { keyspace, side } = where;
  const byDefault = side === 'read' ? keyspace.defaultReadLevel : keyspace.defaultWriteLevel;
  const { replicas } = asked;
  if (replicas === undefined) return checkLevel(allowed, asked.level ?? byDefault);
  const n = keyspace.replicationFactor;
  const alike = (['ONE', 'QUORUM', 'ALL'] as const).filter((name) => {
    const level = levels[name];
    return (side === 'read' ? level.readNeed(n) : level.writeNeed(n)) === replicas;
  });
  if (!alike.some((name) => allowed.includes(name)))
    throw notAllowed(allowed, `replicas: ${replicas}`);
}

function notAllowed(allowed: readonly LevelName[], asked: string): StoreError {
  const message = `The tenant's quota does not allow ${asked}`;
  return new StoreError('LEVEL_NOT_ALLOWED', message, { asked, allowed: [...allowed] });
}
