import { beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf } from '../../src/causality/cell-codec.ts';
import { join } from '../../src/causality/cell.ts';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import { revisionOf } from '../../src/consistency/entry.ts';
import { joinInto } from '../../src/repair/join-into.ts';
import { keepSiblings } from '../../src/causality/convergence.ts';
import { Bench, me, mintMs, refusal, statuses } from '../coordinator/bench.ts';
import type { FaultyReplica } from '../coordinator/faulty-replica.ts';

/** Traps that other systems fell into, each by its number in the design. What needs real processes is in faults.test.ts. */
let bench: Bench;
let keyspace: Keyspace;
let first: FaultyReplica;
let second: FaultyReplica;
let third: FaultyReplica;

const key = 'k';
type Level = 'ONE' | 'QUORUM' | 'ALL';

beforeEach(async () => {
  bench = new Bench();
  keyspace = await bench.keyspace('carts');
  [first, second, third] = bench.holders(keyspace, key) as [
    FaultyReplica,
    FaultyReplica,
    FaultyReplica,
  ];
});

const ref = { tenant: me.tenant, keyspace: 'carts', key };
const put = (value: string, level: Level = 'QUORUM', more: object = {}) =>
  bench.run(bench.store.put(me, { keyspace: 'carts', key, value, ...more }, { level }));
const remove = (level: Level = 'QUORUM') =>
  bench.run(bench.store.delete(me, { keyspace: 'carts', key }, { level }));
const get = (level: Level = 'QUORUM') =>
  bench.run(bench.store.get(me, { keyspace: 'carts', key }, { level }));
const seen = async (level: Level = 'QUORUM') =>
  (await get(level)).entry.live.map(({ value }) => value).sort();
const held = (replica: FaultyReplica) => bench.values(replica, keyspace, key);

async function heal(): Promise<void> {
  for (const replica of bench.replicas) replica.thaw();
  await bench.clock.advance(3_000);
}

describe('trap 1: a failed write that surfaces later', () => {
  test('was reported as unknown, and once it was seen it stays', async () => {
    second.all('refuse');
    third.all('refuse');
    const refused = await refusal(put('"failed"'));
    expect(refused).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    await heal();
    expect(await seen('ALL')).toEqual(['"failed"']);
    // Whichever replica is away now, nobody goes back behind it.
    for (const away of bench.replicas) {
      away.all('down');
      expect(await seen()).toEqual(['"failed"']);
      await heal();
    }
  });

  test('that was certainly refused never surfaces', async () => {
    for (const replica of bench.replicas) replica.all('refuse');
    expect((await refusal(put('"refused"'))).outcome).toBe('NONE');
    await heal();
    expect(await seen('ALL')).toEqual([]);
    await bench.quiet();
    expect(bench.replicas.map(held)).toEqual([[], [], []]);
  });
});

describe('trap 2: a zombie statement that runs when its server thaws', () => {
  test('mints nothing after its deadline, so that what replaced it is not joined by its double', async () => {
    first.only('swap', 'frozen');
    await put('"once"');
    const { entry } = await get();
    await put('"replaced"', 'QUORUM', { context: bench.store.contextOf(entry) });
    await heal();
    await bench.quiet();
    expect(await seen('ALL')).toEqual(['"replaced"']);
  });

  test('that thaws in time is the one write that was asked for', async () => {
    first.only('swap', 'frozen');
    const writing = bench.store.put(me, { keyspace: 'carts', key, value: '"slow"' }, {});
    await bench.clock.advance(mintMs / 2);
    first.thaw();
    await bench.run(writing);
    await bench.quiet();
    const { entry } = await get('ALL');
    expect(entry.live.map(({ value }) => value)).toEqual(['"slow"']);
  });
});

describe('trap 3: a wiped replica that goes on counting in its old name', () => {
  test('cannot mint a dot that somebody has seen already: it has a new name, and dots start at the clock', async () => {
    await put('"old"', 'ALL');
    const before = (await get()).entry;
    first.inner.wipe('born-again');
    await put('"new"', 'ALL', { context: bench.store.contextOf(before) });
    const after = await get('ALL');
    expect(after.entry.live.map(({ value }) => value)).toEqual(['"new"']);
    expect(after.entry.live[0]!.dot.actor).toBe('born-again');
    expect(revisionOf(after.entry.cell) > revisionOf(before.cell)).toBe(true);
  });

  test('is refused a dot that was composed in the name of the old one', async () => {
    await put('"old"', 'ALL');
    const { cell, digest } = await first.inner.read(ref);
    first.inner.wipe('born-again');
    const deadlineMs = bench.clock.monotonicMs() + 100;
    const minted = { expected: digest, next: cell, mintedBy: `incarnation-of-${first.id}` };
    await expect(first.inner.swap(ref, minted, { deadlineMs })).rejects.toMatchObject({
      fault: 'REFUSED',
      maybeApplied: false,
    });
    expect(held(first)).toEqual([]);
  });

  test('gets back what the others hold', async () => {
    await put('"kept"', 'ALL');
    first.inner.wipe('born-again');
    expect(await seen()).toEqual(['"kept"']);
    await bench.quiet();
    expect(held(first)).toEqual(['"kept"']);
  });
});

describe('trap 5: a repair from an old read that overwrites something newer', () => {
  test('joins instead: what came in between is kept', async () => {
    await put('"old"', 'ALL');
    const old = await second.inner.read(ref);
    const context = bench.store.contextOf((await get()).entry);
    await put('"new"', 'ALL', { context });
    const options = { deadlineMs: bench.clock.monotonicMs() + 100 };
    const request = { ref, cell: old.cell, convergence: keepSiblings, guess: old };
    await bench.run(joinInto(second, request, options));
    expect(held(second)).toEqual(['"new"']);
    const digest = digestOf(bench.held(first, keyspace, key)!);
    expect(digestOf(bench.held(second, keyspace, key)!)).toBe(digest);
  });
});

describe('trap 6: "not found" counted before a quorum', () => {
  test('an answer of absence and an error are no quorum of absence', async () => {
    await put('"there"', 'ONE');
    await bench.quiet();
    second.inner.wipe('second-again');
    first.all('refuse');
    third.all('refuse');
    const refused = await refusal(get());
    expect(refused.outcome).toBe('NONE');
    expect(statuses(refused.details['perReplica'])[second.id]).toBe('OK');
    await heal();
    expect(await seen()).toEqual(['"there"']);
  });

  test('a keyspace is not called missing by less than a quorum', async () => {
    const fresh = bench.addGateway();
    const holders = bench.replicas;
    holders[0]!.inner.wipe('empty');
    for (const replica of holders.slice(1)) replica.all('down');
    const asked = fresh.store.get(me, { keyspace: 'carts', key }, { level: 'ONE' });
    expect((await refusal(bench.run(asked))).code).toBe('QUORUM_UNAVAILABLE');
  });
});

describe('trap 7: an older tombstone that destroys a newer value', () => {
  test('a delete that arrives late lets go only of what it had seen', async () => {
    await put('"first"', 'ALL');
    third.all('frozen');
    await remove();
    const tombstone = bench.held(first, keyspace, key)!;
    third.all('down');
    await put('"second"', 'QUORUM');
    await heal();
    const options = { deadlineMs: bench.clock.monotonicMs() + 100 };
    for (const replica of bench.replicas) {
      await bench.run(
        joinInto(replica, { ref, cell: tombstone, convergence: keepSiblings }, options),
      );
    }
    expect(await seen('ALL')).toEqual(['"second"']);
    expect(join(bench.held(first, keyspace, key)!, tombstone)).toEqual(
      bench.held(first, keyspace, key),
    );
  });

  test('where only the newest is kept, it loses to every later version', async () => {
    await bench.keyspace('profiles', { conflicts: 'LAST_WRITE_WINS' });
    const args = { keyspace: 'profiles', key };
    await bench.run(bench.store.put(me, { ...args, value: '1' }, { level: 'ALL' }));
    third.all('frozen');
    await bench.run(bench.store.delete(me, args, {}));
    await bench.run(bench.store.put(me, { ...args, value: '2' }, {}));
    third.thaw();
    await bench.quiet();
    const answer = await bench.run(bench.store.get(me, args, { level: 'ALL' }));
    expect(answer.entry.live.map(({ value }) => value)).toEqual(['2']);
  });
});

describe('trap 9: a version that expires on one replica only', () => {
  test('expires for every reader at one instant, and changes no digest by it', async () => {
    await put('"soon gone"', 'ALL', { ttlSeconds: 10 });
    const digests = () =>
      bench.replicas.map((replica) => digestOf(bench.held(replica, keyspace, key)!));
    const before = digests();
    await bench.clock.advance(9_990);
    expect(await seen('ONE')).toEqual(['"soon gone"']);
    await bench.clock.advance(20);
    for (const away of [undefined, ...bench.replicas]) {
      away?.all('down');
      expect(await seen()).toEqual([]);
      await heal();
    }
    const swaps = bench.replicas.map((replica) => replica.calls('swap').length);
    const { receipt } = await get('ALL');
    await bench.quiet();
    expect(receipt).toMatchObject({ stale: 0, repaired: 0 });
    expect(digests()).toEqual(before);
    expect(bench.replicas.map((replica) => replica.calls('swap').length)).toEqual(swaps);
  });
});

describe('trap 12: a page that one replica’s deleted keys made short', () => {
  const names = Array.from({ length: 40 }, (_, nth) => `k${String(nth).padStart(2, '0')}`);
  const page = async (first: number) => {
    const answer = await bench.run(bench.store.range(me, { keyspace: 'carts', first }, {}));
    return { keys: answer.edges.map(({ entry }) => entry.key), more: answer.hasNextPage };
  };

  test('is full, though a replica that missed the deletions would fill it with ghosts', async () => {
    for (const name of names)
      await bench.run(
        bench.store.put(me, { keyspace: 'carts', key: name, value: '1' }, { level: 'ALL' }),
      );
    first.all('down');
    for (const name of names.slice(0, 30))
      await bench.run(bench.store.delete(me, { keyspace: 'carts', key: name }, {}));
    await heal();
    expect(await page(5)).toEqual({ keys: names.slice(30, 35), more: true });
  });

  test('does not leave out a newer version that only a silent replica has not sent', async () => {
    for (const name of names.slice(0, 10)) {
      first.all('down');
      await bench.run(bench.store.put(me, { keyspace: 'carts', key: name, value: '1' }, {}));
    }
    await heal();
    second.all('frozen');
    expect(await page(10)).toEqual({ keys: names.slice(0, 10), more: false });
    expect(first.calls('scan').length).toBeGreaterThan(0);
  });
});
