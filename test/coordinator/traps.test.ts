import { beforeEach, describe, expect, test } from '@jest/globals';
import { levels, type LevelName } from '../../src/consistency/levels.ts';
import type { Asked, LevelledReceipt } from '../../src/consistency/store.ts';
import { StoreError } from '../../src/errors.ts';
import { Bench, me } from './bench.ts';

/** Traps that other systems fell into, each by its number in docs/traps.md. */
let bench: Bench;
const at = { keyspace: 'carts', key: 'k' };

beforeEach(async () => {
  bench = new Bench();
  await bench.keyspace('carts');
});

describe('trap 4: pruned version vectors', () => {
  test('a context from forty incarnations ago still says what its reader had seen, and no more', async () => {
    // Guard: nothing removes an actor from a context (causality/version-vector).
    const keyspace = (await bench.store.keyspace(me, 'carts'))!;
    const [first] = bench.holders(keyspace, at.key);
    let context: string | undefined;
    let old: string | undefined;
    for (let life = 0; life < 40; life += 1) {
      const { register } = first!.inner;
      register.load({ ...register.save(), incarnation: `incarnation-${life}` }, '');
      const what = { ...at, value: String(life), context };
      const { entry } = await bench.run(bench.store.put(me, what, { level: 'ALL' }));
      expect(entry.live.map(({ value }) => value)).toEqual([String(life)]);
      context = bench.store.contextOf(entry);
      old ??= context;
    }
    // Its writer has seen version 0 alone: the last one is concurrent, the 38 between are gone for good.
    const what = { ...at, value: '"late"', context: old };
    const { entry } = await bench.run(bench.store.put(me, what, { level: 'ALL' }));
    expect(entry.live.map(({ value }) => value).sort()).toEqual(['"late"', '39']);
    expect(bench.held(first!, keyspace, at.key)!.context.size).toBeGreaterThanOrEqual(40);
  });
});

/** Every way in, and the receipt that it answers with. */
const paths: Readonly<
  Record<string, (asked: Asked) => Promise<LevelledReceipt | 'refused for this level'>>
> = {
  get: async (asked) => (await bench.store.get(me, at, asked)).receipt,
  getMany: async (asked) =>
    (await bench.store.getMany(me, { keyspace: 'carts', keys: ['k', 'l'] }, asked)).receipt,
  range: async (asked) =>
    (await bench.store.range(me, { keyspace: 'carts', first: 5 }, asked)).receipt,
  put: async (asked) => (await bench.store.put(me, { ...at, value: '1' }, asked)).receipt,
  delete: async (asked) => (await bench.store.delete(me, at, asked)).receipt,
  async putMany(asked) {
    const what = { keyspace: 'carts', items: [{ key: 'k', value: '1' }] };
    const [item] = (await bench.store.putMany(me, what, asked)).results;
    if (item && 'answer' in item) return item.answer.receipt;
    const { code, message, outcome } = item!.error;
    throw new StoreError(code as 'QUORUM_UNAVAILABLE', message, { outcome });
  },
};
const names = Object.keys(levels) as LevelName[];

/** The receipt; or that this path does not know the level, which it says. */
async function ask(path: string, level: LevelName): Promise<LevelledReceipt | StoreError> {
  try {
    return (await bench.run(paths[path]!({ level }))) as LevelledReceipt;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
}

describe('trap 18: a level that is silently ignored on some path', () => {
  // Guard: every path makes its plan from `planFor` and the level table; none has one of its own.
  test.each(Object.keys(paths))('%s is given the level it asks for, or refused', async (path) => {
    for (const level of names) {
      const answer = await ask(path, level);
      if (answer instanceof StoreError) {
        expect([level, answer.code]).toEqual(['LINEARIZABLE', 'LEVEL_NOT_ALLOWED']);
        expect(path).toBe('range');
      } else expect(answer.level).toBe(level);
    }
  });

  test.each(Object.keys(paths))('%s waits for as many replicas as its level says', async (path) => {
    await bench.run(bench.store.put(me, { ...at, value: '0' }, { level: 'ALL' }));
    const answered = async (): Promise<LevelName[]> => {
      const found: LevelName[] = [];
      for (const level of names)
        if (!((await ask(path, level)) instanceof StoreError)) found.push(level);
      return found;
    };
    const { length } = await answered();
    expect(length).toBeGreaterThanOrEqual(6);
    bench.replicas[0]!.all('down');
    const withTwo = await answered();
    expect(withTwo).not.toContain('ALL');
    expect(withTwo).toHaveLength(length - 1);
    bench.replicas[1]!.all('down');
    const alone = ['ONE'];
    // A page of a range is read from a majority at session levels: see docs/consistency.md.
    if (path !== 'range') alone.push('READ_YOUR_WRITES', 'SESSION');
    if (['put', 'delete', 'putMany'].includes(path)) alone.push('CAUSAL');
    expect((await answered()).sort()).toEqual(alone.sort());
  });

  test.each(Object.keys(paths))('%s is refused below the keyspace’s minimum', async (path) => {
    const minimum = { minimumReadLevel: 'QUORUM', minimumWriteLevel: 'QUORUM' } as const;
    await bench.run(bench.store.updateKeyspace(me, 'carts', minimum));
    expect(await ask(path, 'ONE')).toMatchObject({ code: 'LEVEL_NOT_ALLOWED', outcome: 'NONE' });
    expect(await ask(path, 'QUORUM')).toMatchObject({ level: 'QUORUM' });
  });
});
