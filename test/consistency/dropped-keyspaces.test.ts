import { describe, expect, test } from '@jest/globals';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import { Bench, me } from '../coordinator/bench.ts';
import { statesOf } from '../coordinator/range-world.ts';

const dayMs = 24 * 3_600_000;
const args = { keyspace: 'carts', key: 'k', value: '1' };

/** How many replicas hold a row of the keyspace. */
function rows(bench: Bench, { storageName }: Keyspace): number {
  const isOf = (name: string): boolean => name.startsWith(`acme\0${storageName}\0`);
  return bench.replicas.filter(({ inner }) => [...inner.snapshot().keys()].some(isOf)).length;
}

/** What the directory still has to look for under this name. */
async function left(bench: Bench): Promise<string[]> {
  const [replica] = bench.replicas;
  const cell = replica?.inner.snapshot().get('$system\0keyspaces\0acme/carts')?.cell;
  return (cell?.siblings ?? []).map(({ value }) => {
    const { left } = JSON.parse(value ?? '{}') as { left: { generation: number }[] };
    return left.map(({ generation }) => generation).join();
  });
}

/** Dropped at the first gateway, with rows on all replicas until then. */
async function dropped(bench: Bench): Promise<Keyspace> {
  const keyspace = await bench.keyspace('carts');
  await bench.run(bench.store.put(me, args, { level: 'ALL' }));
  expect(rows(bench, keyspace)).toBe(3);
  await bench.run(bench.store.dropKeyspace(me, 'carts'));
  return keyspace;
}

const sweep = (bench: Bench): Promise<void> => bench.run(bench.gateway.directory.dropped.sweep());

describe('the rows of a dropped keyspace', () => {
  test('that another gateway wrote behind the drop go with the next sweep, and not without', async () => {
    const bench = new Bench();
    const late = bench.addGateway().store;
    await bench.keyspace('carts');
    await bench.run(late.put(me, args, { level: 'ALL' }));
    const keyspace = (await bench.run(late.keyspace(me, 'carts')))!;
    await bench.run(bench.store.dropKeyspace(me, 'carts'));
    await bench.run(bench.gateway.directory.idle());
    expect(rows(bench, keyspace)).toBe(0);
    await bench.run(late.put(me, args, { level: 'ALL' }));
    await bench.clock.advance(10_000);
    expect(rows(bench, keyspace)).toBe(3);
    await sweep(bench);
    expect(rows(bench, keyspace)).toBe(0);
  });

  test('go from a replica that was away when it is back, by themselves', async () => {
    const bench = new Bench();
    const keyspace = await bench.keyspace('carts');
    await bench.run(bench.store.put(me, args, { level: 'ALL' }));
    bench.replicas[2]!.all('down');
    await bench.run(bench.store.dropKeyspace(me, 'carts'));
    await bench.clock.advance(310_000);
    expect(rows(bench, keyspace)).toBe(1);
    bench.replicas[2]!.all(undefined);
    await bench.clock.advance(310_000);
    expect(rows(bench, keyspace)).toBe(0);
  });

  test('are looked for until a day has passed and every replica has removed its own since', async () => {
    const bench = new Bench();
    const keyspace = await dropped(bench);
    expect(await left(bench)).toEqual(['1']);
    bench.replicas[2]!.all('down');
    bench.clock.skewMs += dayMs;
    await sweep(bench);
    expect(await left(bench)).toEqual(['1']);
    bench.replicas[2]!.all(undefined);
    await bench.clock.advance(1_000);
    await sweep(bench);
    expect(await left(bench)).toEqual(['']);
    expect(rows(bench, keyspace)).toBe(0);
  });

  test('are not forgotten however often the name is used again', async () => {
    // Guard: `withLeft` keeps the oldest as one. When it drops them instead, a replica that was away
    // keeps their rows for ever.
    const bench = new Bench();
    const oldest: Keyspace[] = [];
    bench.replicas[2]!.all('down');
    for (let time = 1; time <= 103; time += 1) {
      oldest.push(await bench.keyspace('carts'));
      if (time <= 4) await bench.run(bench.store.put(me, args, { level: 'QUORUM' }));
      await bench.run(bench.store.dropKeyspace(me, 'carts'));
      if (time <= 4) {
        const { tenant, storageName } = oldest.at(-1)!;
        const ref = { tenant, keyspace: storageName, key: 'k' };
        const request = { expected: 0n, next: statesOf('live').last };
        await bench.replicas[2]!.inner.swap(ref, request, { deadlineMs: Infinity });
      }
    }
    expect(oldest.map((one) => rows(bench, one)).slice(0, 5)).toEqual([1, 1, 1, 1, 0]);
    expect((await left(bench))[0]?.split(',')).toHaveLength(100);
    bench.replicas[2]!.all(undefined);
    bench.clock.skewMs += dayMs;
    await bench.clock.advance(1_000);
    await sweep(bench);
    expect(oldest.map((one) => rows(bench, one)).slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(await left(bench)).toEqual(['']);
  });

  test('of a name that is used again are told from the rows of its successor', async () => {
    const bench = new Bench();
    const before = await dropped(bench);
    const after = await bench.keyspace('carts');
    await bench.run(bench.store.put(me, args, { level: 'ALL' }));
    await sweep(bench);
    expect(rows(bench, before)).toBe(0);
    expect(rows(bench, after)).toBe(3);
    expect(await left(bench)).toEqual(['1']);
  });
});
