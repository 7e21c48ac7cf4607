import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import { read } from '../../src/coordinator/read.ts';
import { Bench, me, refusal, requestMs, statuses } from './bench.ts';
import type { FaultyReplica } from './faulty-replica.ts';

let bench: Bench;
let keyspace: Keyspace;
let first: FaultyReplica;
let second: FaultyReplica;
let third: FaultyReplica;

const key = 'k';

beforeEach(async () => {
  bench = new Bench();
  keyspace = await bench.keyspace('carts');
  [first, second, third] = bench.holders(keyspace, key) as [
    FaultyReplica,
    FaultyReplica,
    FaultyReplica,
  ];
  // Every replica has been reached, and nothing is known against any.
  await bench.run(
    bench.store.put(me, { keyspace: 'carts', key: 'warm', value: '0' }, { level: 'ALL' }),
  );
});

const get = (level: 'ONE' | 'QUORUM' | 'ALL') =>
  bench.run(bench.store.get(me, { keyspace: 'carts', key }, { level }));
const values = (answer: Awaited<ReturnType<typeof get>>) =>
  answer.entry.live.map(({ value }) => value);

/** A version that only the first replica holds: its writer was cut off before it could forward. */
async function leaveOnFirstOnly(value: string): Promise<void> {
  second.all('down');
  third.all('down');
  await bench.run(bench.store.put(me, { keyspace: 'carts', key, value }, { level: 'ONE' }));
  second.all(undefined);
  third.all(undefined);
  await bench.quiet();
  expect(
    [first, second, third].map((replica) => bench.values(replica, keyspace, key).length),
  ).toEqual([1, 0, 0]);
}

describe('a read of a quorum that finds its replicas apart', () => {
  test('brings the newest state to a quorum before it returns it', async () => {
    await leaveOnFirstOnly('"new"');
    third.all('frozen');
    const answer = await get('QUORUM');
    expect(values(answer)).toEqual(['"new"']);
    expect(bench.values(second, keyspace, key)).toEqual(['"new"']);
    expect(statuses(answer.receipt.replicas)).toEqual({
      [first.id]: 'OK',
      [second.id]: 'REPAIRED',
      [third.id]: 'PENDING',
    });
    expect(answer.receipt).toMatchObject({
      required: 2,
      answered: 2,
      stale: 1,
      repaired: 1,
      hinted: 0,
    });
  });

  test.each([
    { writeBack: true, laterReaderSees: ['"new"'] },
    { writeBack: false, laterReaderSees: [] }, // the control: without it a later reader goes back in time
  ])(
    'lets nobody go back behind it: with write-back $writeBack a later reader sees $laterReaderSees',
    async ({ writeBack, laterReaderSees }) => {
      await leaveOnFirstOnly('"new"');
      const place = bench.place(keyspace, key);
      third.all('frozen');
      // Nothing is repaired in the background while the second reader comes: it hangs on the frozen one.
      const early = await bench.run(read(bench.gateway.deps, place, bench.plan({ writeBack })));
      expect(early.cell.siblings.map(({ value }) => value)).toEqual(['"new"']);
      third.all(undefined);
      first.all('frozen');
      const late = await bench.run(read(bench.gateway.deps, place, bench.plan({ writeBack })));
      expect(late.cell.siblings.map(({ value }) => value)).toEqual(laterReaderSees);
    },
  );

  test('is not answered when the state cannot be brought to a quorum, and says truly who is alive', async () => {
    await leaveOnFirstOnly('"new"');
    third.all('down');
    second.only('swap', 'refuse');
    const refused = await refusal(get('QUORUM'));
    expect(refused.outcome).toBe('NONE');
    expect(['QUORUM_UNAVAILABLE', 'READ_TIMEOUT']).toContain(refused.code);
    expect(statuses(refused.details['perReplica'])).toEqual({
      [first.id]: 'OK',
      [second.id]: 'REFUSED',
      [third.id]: 'DOWN',
    });
    expect(refused.message).not.toMatch(/0 of/);
  });

  test('uses the third replica when the one it found behind fails while it is repaired', async () => {
    await leaveOnFirstOnly('"new"');
    third.fate = (call) => (call === 'read' ? { afterMs: 100 } : undefined);
    second.only('swap', 'refuse');
    const answer = await get('QUORUM');
    expect(values(answer)).toEqual(['"new"']);
    expect(bench.values(third, keyspace, key)).toEqual(['"new"']);
    expect(statuses(answer.receipt.replicas)[third.id]).toBe('REPAIRED');
    expect(answer.receipt.repaired).toBe(1);
  });

  test('heals the replicas that it did not need in the background', async () => {
    await leaveOnFirstOnly('"new"');
    await get('ONE');
    await bench.quiet();
    for (const replica of bench.replicas)
      expect(bench.values(replica, keyspace, key)).toEqual(['"new"']);
  });

  test('at ALL leaves no replica behind', async () => {
    await leaveOnFirstOnly('"new"');
    const answer = await get('ALL');
    for (const replica of bench.replicas)
      expect(bench.values(replica, keyspace, key)).toEqual(['"new"']);
    expect(answer.receipt).toMatchObject({ required: 3, answered: 3, stale: 2, repaired: 2 });
  });

  test('never overwrites what it has not seen: a repair joins', async () => {
    await leaveOnFirstOnly('"old"');
    // While the repair is on its way, the second replica gets a version of its own.
    let written = false;
    second.fate = (call) => {
      if (call !== 'swap' || written) return undefined;
      written = true;
      return { afterMs: 50 };
    };
    const reading = get('QUORUM');
    first.only('swap', 'down');
    const writing = bench.run(
      bench.store.put(me, { keyspace: 'carts', key, value: '"beside"' }, { level: 'ONE' }),
    );
    await Promise.allSettled([reading, writing]);
    first.all(undefined);
    await bench.quiet();
    await get('QUORUM');
    await bench.quiet();
    for (const replica of bench.replicas) {
      expect(bench.values(replica, keyspace, key)).toEqual(['"beside"', '"old"']);
    }
  });
});

describe('what a read costs', () => {
  test('nothing but the reads, when all replicas agree', async () => {
    await bench.run(bench.store.put(me, { keyspace: 'carts', key, value: '1' }, { level: 'ALL' }));
    await bench.quiet();
    const before = bench.replicas.map((replica) => replica.calls('swap').length);
    const answer = await get('ALL');
    expect(bench.replicas.map((replica) => replica.calls('swap').length)).toEqual(before);
    expect(answer.receipt).toMatchObject({ answered: 3, stale: 0, repaired: 0 });
  });

  test('one replica is asked for one answer, and a second one when the first is slow', async () => {
    const quick = await get('ONE');
    expect(statuses(quick.receipt.replicas)).toEqual({
      [first.id]: 'OK',
      [second.id]: 'NOT_ASKED',
      [third.id]: 'NOT_ASKED',
    });
    await bench.quiet();
    first.all('frozen');
    const startMs = bench.clock.monotonicMs();
    const slow = await get('ONE');
    expect(bench.clock.monotonicMs() - startMs).toBe(50);
    expect(statuses(slow.receipt.replicas)).toEqual({
      [first.id]: 'PENDING',
      [second.id]: 'OK',
      [third.id]: 'NOT_ASKED',
    });
  });

  test('a failed replica is replaced by the next one at once', async () => {
    first.all('down');
    const startMs = bench.clock.monotonicMs();
    const answer = await get('ONE');
    expect(bench.clock.monotonicMs() - startMs).toBe(0);
    expect(statuses(answer.receipt.replicas)).toEqual({
      [first.id]: 'DOWN',
      [second.id]: 'OK',
      [third.id]: 'NOT_ASKED',
    });
  });
});

describe('a read that cannot be given', () => {
  test('is refused at once while too few replicas are alive, with the reason of each', async () => {
    first.all('down');
    second.all('down');
    const startMs = bench.clock.monotonicMs();
    const refused = await refusal(get('QUORUM'));
    expect(bench.clock.monotonicMs()).toBe(startMs);
    expect(refused).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'NONE' });
    expect(refused.details).toMatchObject({ required: 2, alive: 1 });
    expect(statuses(refused.details['perReplica'])).toMatchObject({
      [first.id]: 'DOWN',
      [second.id]: 'DOWN',
    });
    const again = await refusal(get('ALL'));
    expect(statuses(again.details['perReplica'])).toEqual({
      [first.id]: 'DOWN',
      [second.id]: 'DOWN',
      [third.id]: 'NOT_ASKED',
    });
    expect(JSON.stringify(again.details['perReplica'])).toContain('connection refused');
  });

  test('is refused in time while too many replicas are silent', async () => {
    first.all('frozen');
    second.all('frozen');
    const startMs = bench.clock.monotonicMs();
    const refused = await refusal(get('QUORUM'));
    expect(bench.clock.monotonicMs() - startMs).toBeLessThanOrEqual(requestMs);
    expect(refused).toMatchObject({ code: 'READ_TIMEOUT', outcome: 'NONE' });
    expect(refused.details).toMatchObject({ required: 2, received: 1 });
    expect(statuses(refused.details['perReplica'])).toEqual({
      [first.id]: 'TIMEOUT',
      [second.id]: 'TIMEOUT',
      [third.id]: 'OK',
    });
  });

  test('is answered at ONE for as long as anybody is left', async () => {
    await bench.run(bench.store.put(me, { keyspace: 'carts', key, value: '1' }, { level: 'ALL' }));
    first.all('down');
    second.all('down');
    expect(values(await get('ONE'))).toEqual(['1']);
    third.all('down');
    expect((await refusal(get('ONE'))).code).toBe('QUORUM_UNAVAILABLE');
  });

  test('is never "not found": an absent key is an answer, an error is not', async () => {
    expect(values(await get('QUORUM'))).toEqual([]);
    first.only('read', 'refuse');
    second.only('read', 'refuse');
    expect((await refusal(get('QUORUM'))).outcome).toBe('NONE');
  });
});
