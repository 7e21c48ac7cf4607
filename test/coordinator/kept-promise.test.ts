import { describe, expect, test } from '@jest/globals';
import type { Cell } from '../../src/causality/cell.ts';
import { digestOf } from '../../src/causality/cell-codec.ts';
import { PI } from '../../src/causality/dot.ts';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import { accept } from '../../src/coordinator/accept.ts';
import { keptForMs } from '../../src/paxos/acceptor.ts';
import { Bench, me } from './bench.ts';

const at = { keyspace: 'locks', key: 'k' };
const agreed = { minimumWriteLevel: 'LINEARIZABLE', defaultWriteLevel: 'LINEARIZABLE' } as const;

/** A key that the first gateway has written three times, and what the third time cost. */
async function writtenThrice(settings: object = agreed) {
  const bench = new Bench();
  const keyspace = await bench.keyspace('locks', settings);
  const other = bench.addGateway();
  for (const value of ['1', '2', '3']) {
    forget(bench);
    await put(bench, value);
  }
  await bench.clock.advance(100);
  return { bench, keyspace, other };
}

function put(bench: Bench, value: string, gateway = bench.gateway) {
  return bench.run(gateway.store.put(me, { ...at, value }, { level: 'LINEARIZABLE' }));
}

function compareAndSet(bench: Bench, expected: string, value: string) {
  const what = { ...at, expect: { value: expected }, value };
  return bench.run(bench.store.compareAndSet(me, what, {}));
}

function forget({ replicas }: Bench): void {
  for (const replica of replicas) replica.seen.splice(0);
}

/** How often each replica of the key was asked, one after the other in the order of its list. */
function asked(bench: Bench, keyspace: Keyspace, call: 'prepare' | 'swap'): readonly number[] {
  return bench.holders(keyspace, 'k').map((holder) => holder.calls(call).length);
}

describe('a promise that comes with an accept', () => {
  test('makes the third write of a key in a row one accept at each replica', async () => {
    const { bench, keyspace } = await writtenThrice();
    expect(asked(bench, keyspace, 'prepare')).toEqual([0, 0, 0]);
    expect(asked(bench, keyspace, 'swap')).toEqual([1, 1, 1]);
    for (const holder of bench.holders(keyspace, 'k'))
      expect(bench.values(holder, keyspace, 'k')).toEqual(['3']);
  });

  test('is not asked for where ordinary writes are let through too', async () => {
    const { bench, keyspace } = await writtenThrice({});
    expect(asked(bench, keyspace, 'prepare')).toEqual([1, 1, 1]);
  });

  test('is worth nothing once another gateway has written, and holds nobody up', async () => {
    const { bench, keyspace, other } = await writtenThrice();
    forget(bench);
    await put(bench, '4', other);
    // One round: what was promised to the first gateway enjoys no courtesy.
    expect(asked(bench, keyspace, 'prepare')).toEqual([1, 1, 1]);
    const { applied, entry } = await compareAndSet(bench, '3', '5');
    expect(applied).toBe(false);
    expect(entry.live.map(({ value }) => value)).toEqual(['4']);
    expect((await compareAndSet(bench, '4', '6')).applied).toBe(true);
  });

  test('answers no refusal: what another gateway has written since is seen', async () => {
    const { bench, other } = await writtenThrice();
    await put(bench, '4', other);
    // Guard: `lookAnew`. What was promised with "3" says that this is refused.
    expect((await compareAndSet(bench, '4', '5')).applied).toBe(true);
  });

  test('is not used when it is too old', async () => {
    const { bench, keyspace } = await writtenThrice();
    await bench.clock.advance(keptForMs);
    forget(bench);
    await put(bench, '4');
    expect(asked(bench, keyspace, 'prepare')).toEqual([1, 1, 1]);
  });

  test('counts only at incarnations that gave it', async () => {
    const { bench, keyspace } = await writtenThrice();
    const [first, second] = bench.holders(keyspace, 'k');
    const copies = [first!, second!].map(({ inner }) => ({ inner, copy: inner.save() }));
    for (const { inner, copy } of copies) {
      copy.register.incarnation = `another ${inner.id}`;
      inner.restore(copy);
    }
    forget(bench);
    await put(bench, '4');
    expect(asked(bench, keyspace, 'prepare')).toEqual([1, 1, 1]);
    // Guard: `counted` in KeptPromises; the third replica alone would take what nobody has promised to.
    expect(asked(bench, keyspace, 'swap')).toEqual([1, 1, 1]);
  });

  test('gives way where a row is not what it was', async () => {
    const { bench, keyspace } = await writtenThrice();
    const { ref } = bench.place(keyspace, 'k');
    for (const { inner } of bench.holders(keyspace, 'k')) {
      const { cell, digest } = await inner.read(ref);
      const next = { ...cell, context: new Map(cell.context).set('somebody', 1) };
      await inner.swap(ref, { expected: digest, next }, { deadlineMs: Infinity });
    }
    forget(bench);
    await put(bench, '4');
    // Guard: `exact` in joinInto, for writes that were let through before this gateway knew better.
    expect(asked(bench, keyspace, 'prepare')).toEqual([1, 1, 1]);
  });

  test('is not used once the keyspace lets ordinary writes through', async () => {
    const { bench, keyspace } = await writtenThrice();
    const [first, second, third] = bench.holders(keyspace, 'k');
    third!.only('swap', 'refuse');
    await put(bench, '4');
    third!.all(undefined);
    const mixed = { minimumWriteLevel: 'ONE' } as const;
    await bench.run(bench.store.updateKeyspace(me, 'locks', mixed));
    const { entry } = await bench.run(bench.store.get(me, at, { level: 'QUORUM' }));
    second!.only('swap', 'refuse');
    const ordinary = { ...at, value: '5', context: bench.store.contextOf(entry) };
    await bench.run(bench.store.put(me, ordinary, { level: 'QUORUM' }));
    second!.all(undefined);
    first!.only('swap', 'refuse');
    // Guard: `isAgreedOnly` in `Proposal.#settleBy`. What was promised with "4" knows nothing of "5".
    expect((await compareAndSet(bench, '4', '6')).applied).toBe(false);
  });
});

describe('an accept', () => {
  test('at a replica without a vote that refuses it brings the ordinary part there, once', async () => {
    const bench = new Bench();
    const keyspace = await bench.keyspace('mixed');
    const key = bench.place(keyspace, 'k');
    const [, , third] = bench.holders(keyspace, 'k');
    const version = { writeId: 'w', writtenAtUs: 1, value: '1' };
    const ordinary = { ...version, dot: { actor: 'a', counter: 1 } };
    const held: Cell = { siblings: [ordinary], context: new Map([['a', 1]]) };
    const forEver = { deadlineMs: Infinity };
    for (const { inner } of bench.holders(keyspace, 'k'))
      await inner.swap(key.ref, { expected: 0n, next: held }, forEver);
    const [ballot, greater] = [80 * 4_096 + 1, 90 * 4_096 + 7];
    await third!.inner.prepare(key.ref, greater, forEver);
    const target = key.targets.find(({ replica }) => replica.id === third!.id);
    target!.replica.stand({ standing: 'repairing', cause: 'copy' });
    const chosen = { ...version, dot: { actor: PI, counter: ballot }, lineage: [0] };
    const cell = {
      siblings: [chosen, ordinary],
      context: new Map([
        ['a', 1],
        [PI, ballot],
      ]),
    };
    const stored = { cell: held, digest: digestOf(held) };
    const known = () => ({ stored, by: undefined });
    const plan = bench.plan({ need: 3 });
    forget(bench);
    const what = { cell, ballot, known, isKept: false, promises: undefined, plan };
    await bench.run(accept(bench.gateway.deps, key, what).catch(() => undefined));
    await bench.quiet();
    // Guard: `proposed` in `joiningOnce`. Without it the whole cell is sent again and again.
    expect(third!.calls('swap').length).toBeLessThan(4);
  });
});
