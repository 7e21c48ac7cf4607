import { expect } from '@jest/globals';
import type { AssembledStore } from '../../src/assemble-store.ts';
import { StoreError } from '../../src/errors.ts';
import { pause } from './store.ts';

/** What a key must hold: its last acknowledged value, or null once its deletion was acknowledged. */
export type Acknowledged = ReadonlyMap<string, string | null>;

/** Writers that go on until they are told to stop. */
export interface Load {
  /** Acknowledged writes and deletions so far. */
  readonly done: () => number;
  /** What was acknowledged last, by key; without keys of which nobody can tell. */
  stop(): Promise<Acknowledged>;
}

const tenant = 'acme';
const pauseMs = 5;

/**
 * Each writer has keys of its own, and one write of a key at a time: it makes them, replaces what it
 * was shown, and deletes a third of them again. A key whose write had an unknown outcome is not
 * touched again, and not checked.
 */
export function startLoad(
  gateway: AssembledStore,
  { keyspace, writers = 4, keys = 40 }: { keyspace: string; writers?: number; keys?: number },
): Load {
  const acknowledged = new Map<string, string | null>();
  const unknown = new Set<string>();
  const contexts = new Map<string, string>();
  let done = 0;
  let isOver: boolean = false;
  const isStopped = (): boolean => isOver;
  const one = async (writer: number, nth: number): Promise<void> => {
    const key = `w${writer}-${nth % keys}`;
    if (unknown.has(key)) return;
    const context = contexts.get(key);
    const value = nth % 3 === 2 && context !== undefined ? null : `"${nth}"`;
    const what = { keyspace, key, context };
    try {
      const { entry } = await (value === null
        ? gateway.store.delete({ tenant }, what, {})
        : gateway.store.put({ tenant }, { ...what, value }, {}));
      contexts.set(key, gateway.store.contextOf(entry));
      acknowledged.set(key, value);
      done += 1;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.outcome === 'UNKNOWN') unknown.add(key);
    }
  };
  const running = Array.from({ length: writers }, async (_, writer) => {
    for (let nth = 0; !isStopped(); nth += 1) {
      await one(writer, nth);
      await pause(pauseMs);
    }
  });
  return {
    done: () => done,
    async stop() {
      isOver = true;
      await Promise.all(running);
      for (const key of unknown) acknowledged.delete(key);
      expect(acknowledged.size).toBeGreaterThan(0);
      return acknowledged;
    },
  };
}
