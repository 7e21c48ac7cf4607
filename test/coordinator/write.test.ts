import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Cell } from '../../src/causality/cell.ts';
import { digestOf } from '../../src/causality/cell-codec.ts';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import { Bench, me, mintMs, refusal, requestMs, statuses } from './bench.ts';
import type { FaultyReplica } from './faulty-replica.ts';

let bench: Bench;
let keyspace: Keyspace;
let holders: FaultyReplica[];
let first: FaultyReplica;
let second: FaultyReplica;
let third: FaultyReplica;

const key = 'k';

beforeEach(async () => {
  bench = new Bench();
  keyspace = await bench.keyspace('carts', { maxSiblings: 60 });
  holders = bench.holders(keyspace, key);
  [first, second, third] = holders as [FaultyReplica, FaultyReplica, FaultyReplica];
});

const put = (value: string, level: 'ONE' | 'QUORUM' | 'ALL' = 'QUORUM', context?: string) =>
  bench.store.put(me, { keyspace: 'carts', key, value, context }, { level });
const get = (level: 'ONE' | 'QUORUM' | 'ALL' = 'QUORUM') =>
  bench.run(bench.store.get(me, { keyspace: 'carts', key }, { level }));
const values = (answer: Awaited<ReturnType<typeof get>>) =>
  answer.entry.live.map(({ value }) => value).sort();
const heldEverywhere = () => holders.map((replica) => bench.values(replica, keyspace, key));

describe('a write', () => {
  test('mints its dot at the first replica, goes to all, and waits for as many as asked', async () => {
    third.all({ afterMs: 100 });
    const startMs = bench.clock.monotonicMs();
    const answer = await bench.run(put('1', 'QUORUM'));
    expect(bench.clock.monotonicMs()).toBe(startMs);
    expect(answer.entry.live[0]!.dot.actor).toBe(first.incarnation);
    expect(answer.receipt).toMatchObject({
      level: 'QUORUM',
      required: 2,
      answered: 2,
      hinted: 0,
      stale: 0,
    });
    expect(statuses(answer.receipt.replicas)).toEqual({
      [first.id]: 'OK',
      [second.id]: 'OK',
      [third.id]: 'PENDING',
    });
    await bench.quiet();
    expect(heldEverywhere()).toEqual([['1'], ['1'], ['1']]);
  });

  test('of a replica in step costs one swap at each replica', async () => {
    await bench.run(put('1', 'ALL'));
    const before = holders.map((replica) => replica.calls('swap').length);
    await bench.run(put('2', 'ALL', bench.store.contextOf((await get()).entry)));
    const after = holders.map((replica) => replica.calls('swap').length);
    expect(after.map((count, index) => count - before[index]!)).toEqual([1, 1, 1]);
  });

  test('leaves a conflict beside what it had not seen, and one value with the context', async () => {
    await bench.run(put('"a"'));
    await bench.run(put('"b"'));
    const conflict = await get();
    expect(values(conflict)).toEqual(['"a"', '"b"']);
    await bench.run(put('"merged"', 'ALL', bench.store.contextOf(conflict.entry)));
    expect(values(await get())).toEqual(['"merged"']);
    expect(heldEverywhere()).toEqual([['"merged"'], ['"merged"'], ['"merged"']]);
  });

  test('joins at a replica that is ahead, instead of overwriting it', async () => {
    first.only('swap', 'down');
    third.all('down');
    await bench.run(put('"at-second"', 'ONE'));
    first.all(undefined);
    second.all('down');
    await bench.clock.advance(2_000);
    await bench.run(put('"at-first"', 'ONE'));
    for (const replica of holders) replica.all(undefined);
    await bench.clock.advance(2_000);
    await bench.run(put('"late"', 'ALL'));
    expect(bench.values(second, keyspace, key)).toEqual(['"at-first"', '"at-second"', '"late"']);
    await get('ALL');
    for (const held of heldEverywhere())
      expect(held).toEqual(['"at-first"', '"at-second"', '"late"']);
  });
});

describe('a write whose forwarding fails', () => {
  test('is reported as uncertain, with its write id and true counts, and is there', async () => {
    second.all('down');
    third.all('refuse');
    const refused = await refusal(bench.run(put('1', 'ALL')));
    expect(refused).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    expect(refused.details).toMatchObject({ required: 3, acknowledged: 1 });
    expect(statuses(refused.details['perReplica'])).toEqual({
      [first.id]: 'OK',
      [second.id]: 'DOWN',
      [third.id]: 'REFUSED',
    });
    const held = bench.held(first, keyspace, key)!;
    expect(held.siblings[0]!.writeId).toBe(refused.details['writeId']);
    for (const replica of holders) replica.all(undefined);
    await bench.clock.advance(2_000);
    expect(values(await get())).toEqual(['1']); // a failed write may surface; then it stays
    expect(values(await get())).toEqual(['1']);
  });

  test('ends in time when the others are silent', async () => {
    second.all('frozen');
    third.all('frozen');
    const startMs = bench.clock.monotonicMs();
    const refused = await refusal(bench.run(put('1', 'QUORUM')));
    expect(bench.clock.monotonicMs() - startMs).toBeLessThanOrEqual(requestMs);
    expect(refused.code).toBe('WRITE_UNCERTAIN');
    expect(statuses(refused.details['perReplica'])).toEqual({
      [first.id]: 'OK',
      [second.id]: 'TIMEOUT',
      [third.id]: 'TIMEOUT',
    });
  });
});

describe('a write with nobody to take it', () => {
  test('is refused at once, and nothing is written', async () => {
    for (const replica of holders) replica.all('down');
    const refused = await refusal(bench.run(put('1', 'ONE')));
    expect(refused).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'NONE' });
    expect(statuses(refused.details['perReplica'])).toEqual({
      [first.id]: 'DOWN',
      [second.id]: 'DOWN',
      [third.id]: 'DOWN',
    });
    // Now that they are known to be down, it does not even ask.
    const asked = holders.map((replica) => replica.calls('swap').length);
    expect((await refusal(bench.run(put('1', 'QUORUM')))).code).toBe('QUORUM_UNAVAILABLE');
    expect(holders.map((replica) => replica.calls('swap').length)).toEqual(asked);
    for (const replica of holders) replica.all(undefined);
    await bench.clock.advance(3_000);
    expect(values(await get())).toEqual([]);
  });

  test('at QUORUM is refused with nothing written while only one replica is known to be alive', async () => {
    second.all('down');
    third.all('down');
    await refusal(get('QUORUM'));
    const refused = await refusal(bench.run(put('1', 'QUORUM')));
    expect(refused).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'NONE' });
    expect(refused.details).toMatchObject({ required: 2, alive: 1 });
    expect(bench.held(first, keyspace, key)).toBeUndefined();
    expect((await bench.run(put('1', 'ONE'))).receipt).toMatchObject({ required: 1, answered: 1 });
  });

  test('names every replica in its refusal, the ones that it never got to as well', async () => {
    for (const replica of holders) replica.all('refuse');
    const refused = await refusal(bench.run(put('1', 'QUORUM')));
    expect(refused.outcome).toBe('NONE');
    expect(statuses(refused.details['perReplica'])).toEqual({
      [first.id]: 'REFUSED',
      [second.id]: 'REFUSED',
      [third.id]: 'REFUSED',
    });
    for (const replica of holders) replica.all('frozen');
    const short = bench.store.put(
      me,
      { keyspace: 'carts', key, value: '1' },
      { level: 'QUORUM', timeoutMs: mintMs },
    );
    const uncertain = await refusal(bench.run(short));
    expect(uncertain.code).toBe('WRITE_UNCERTAIN');
    expect(Object.keys(statuses(uncertain.details['perReplica'])).sort()).toEqual(
      holders.map(({ id }) => id).sort(),
    );
  });
});

describe('a dot whose minting was not answered', () => {
  test('is minted elsewhere only after the deadline that the statement carried', async () => {
    first.only('swap', 'frozen');
    const startMs = bench.clock.monotonicMs();
    const answer = await bench.run(put('1', 'QUORUM'));
    expect(bench.clock.monotonicMs() - startMs).toBe(mintMs);
    const [retry] = second.calls('swap').filter((call) => call.key === key);
    expect(retry!.atMs - startMs).toBeGreaterThanOrEqual(mintMs);
    expect(answer.entry.live[0]!.dot.actor).toBe(second.incarnation);
    // The frozen server thaws, runs what it was sent, and is too late to mint.
    first.thaw();
    await bench.quiet();
    await get('ALL');
    expect(heldEverywhere()).toEqual([['1'], ['1'], ['1']]);
    expect(values(await get())).toEqual(['1']);
  });

  test('is not minted elsewhere earlier when its connection breaks: the statement may still be on its way', async () => {
    first.only('swap', 'cut');
    const startMs = bench.clock.monotonicMs();
    const answer = await bench.run(put('1', 'QUORUM'));
    const [retry] = second.calls('swap').filter((call) => call.key === key);
    expect(retry!.atMs - startMs).toBeGreaterThanOrEqual(mintMs);
    first.all(undefined);
    await bench.clock.advance(3_000);
    const { entry } = await get('ALL');
    expect(entry.live.map(({ writeId }) => writeId)).toEqual([answer.writeId]);
  });

  test('is minted elsewhere at once when the first certainly did nothing', async () => {
    first.only('swap', 'down');
    const startMs = bench.clock.monotonicMs();
    await bench.run(put('1', 'QUORUM'));
    expect(bench.clock.monotonicMs()).toBe(startMs);
  });

  test('that was minted after all makes no second version: one write id is one write', async () => {
    first.only('swap', 'lost-reply');
    const answer = await bench.run(put('1', 'QUORUM'));
    first.all(undefined);
    await bench.quiet();
    const seen = await get('ALL');
    expect(seen.entry.live).toHaveLength(1);
    expect(seen.entry.live[0]!.writeId).toBe(answer.writeId);
    // Whoever read it has seen both dots, so that the next write with its context leaves one value.
    await bench.run(put('2', 'ALL', bench.store.contextOf(seen.entry)));
    expect(heldEverywhere()).toEqual([['2'], ['2'], ['2']]);
  });

  test('is uncertain when the connection broke and nobody else could take it', async () => {
    const cut = { swap: 'cut', read: 'down' } as const;
    second.all('down');
    third.all('down');
    const asked = put('1', 'ONE');
    first.fate = (call) => (call === 'swap' || call === 'read' ? cut[call] : undefined);
    const refused = await refusal(bench.run(asked));
    expect(refused).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    expect(refused.details).toMatchObject({ required: 1, acknowledged: 0 });
    expect(refused.details['writeId']).toEqual(expect.any(String));
  });
});

describe('concurrent writes of one key', () => {
  test('go together in few swaps, each with a dot of its own', async () => {
    const writes = Array.from({ length: 50 }, (_, nth) => put(String(nth), 'ALL'));
    const answers = await bench.run(Promise.all(writes));
    expect(answers).toHaveLength(50);
    for (const replica of holders) expect(replica.calls('swap').length).toBeLessThan(10);
    const { entry } = await get();
    expect(entry.live).toHaveLength(50);
    const dots = entry.cell.siblings.map(({ dot }) => `${dot.actor}:${dot.counter}`);
    expect(new Set(dots).size).toBe(50);
    expect(
      new Set(holders.map((replica) => digestOf(bench.held(replica, keyspace, key)!))).size,
    ).toBe(1);
  });

  test('through two gateways are all kept', async () => {
    const other = bench.addGateway().store;
    const writes = Array.from({ length: 20 }, (_, nth) => [
      put(`"a${nth}"`),
      other.put(me, { keyspace: 'carts', key, value: `"b${nth}"` }, {}),
    ]);
    await bench.run(Promise.all(writes.flat()));
    expect((await get('ALL')).entry.live).toHaveLength(40);
  });

  test('that all fail are each told so, and later ones go on', async () => {
    first.only('swap', 'refuse');
    second.only('swap', 'refuse');
    third.only('swap', 'refuse');
    const writes = Array.from({ length: 10 }, () => refusal(put('1')));
    const refused = await bench.run(Promise.all(writes));
    expect(new Set(refused.map(({ outcome }) => outcome))).toEqual(new Set(['NONE']));
    for (const replica of holders) replica.all(undefined);
    await bench.run(put('2'));
    expect(values(await get())).toEqual(['2']);
  });
});

describe('the limit of concurrent versions', () => {
  const fill = async (count: number) => {
    await bench.run(
      Promise.all(Array.from({ length: count }, (_, nth) => put(String(nth), 'ALL'))),
    );
  };

  test('refuses one more, with nothing written, and lets the context through', async () => {
    await fill(60);
    const refused = await refusal(bench.run(put('"more"')));
    expect(refused).toMatchObject({
      code: 'TOO_MANY_SIBLINGS',
      outcome: 'NONE',
      details: { limit: 60 },
    });
    expect((await get()).entry.live).toHaveLength(60);
    await bench.run(put('"one"', 'QUORUM', bench.store.contextOf((await get()).entry)));
    expect(values(await get())).toEqual(['"one"']);
  });

  test('lets in as many of a crowd as fit, and refuses the others', async () => {
    await fill(55);
    const crowd = Array.from({ length: 10 }, (_, nth) =>
      put(`"x${nth}"`).then(
        () => 'in',
        () => 'refused',
      ),
    );
    const told = await bench.run(Promise.all(crowd));
    expect(told.filter((one) => one === 'in')).toHaveLength(5);
    expect((await get()).entry.live).toHaveLength(60);
  });

  test('is not held against a key that another gateway has emptied since', async () => {
    await fill(60);
    const other = bench.addGateway().store;
    const seen = await bench.run(other.get(me, { keyspace: 'carts', key }, {}));
    const context = other.contextOf(seen.entry);
    await bench.run(
      other.put(me, { keyspace: 'carts', key, value: '"one"', context }, { level: 'ALL' }),
    );
    await bench.run(put('"two"'));
    expect(values(await get())).toEqual(['"one"', '"two"']);
  });

  test('never stands in the way of a deletion', async () => {
    await fill(60);
    await bench.run(bench.store.delete(me, { keyspace: 'carts', key }, { level: 'ALL' }));
    expect(values(await get())).toEqual([]);
  });

  test('does not turn a write that may have happened into one that certainly did not', async () => {
    await fill(59);
    await bench.quiet();
    // The first replica takes the sixtieth and does not say so; the second one has sixty by then.
    first.fate = (call) => (call === 'swap' ? 'lost-reply' : 'frozen');
    third.all('down');
    const asked = put('"a"', 'QUORUM');
    await bench.clock.advance(mintMs / 2);
    const held = bench.held(first, keyspace, key)!;
    const others = Array.from({ length: 5 }, (_, nth) => versionOf(nth));
    const kept = held.siblings.filter(({ value }) => value !== '"a"');
    const context = new Map(held.context).set('elsewhere', 5);
    const outside: Cell = { siblings: [...others, ...kept], context };
    const { digest } = await second.inner.read({ tenant: 'acme', keyspace: 'carts', key });
    const ref = { tenant: 'acme', keyspace: 'carts', key };
    const options = { deadlineMs: bench.clock.monotonicMs() + 1 };
    await second.inner.swap(ref, { expected: digest, next: outside }, options);
    const refused = await refusal(bench.run(asked));
    expect(refused).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    expect(bench.values(first, keyspace, key)).toContain('"a"');
  });
});

function versionOf(nth: number): Cell['siblings'][number] {
  const dot = { actor: 'elsewhere', counter: nth + 1 };
  return { dot, writeId: `elsewhere-${nth}`, writtenAtUs: nth, value: `"e${nth}"` };
}

describe('a write where only the newest is kept', () => {
  beforeEach(async () => {
    keyspace = await bench.keyspace('profiles', { conflicts: 'LAST_WRITE_WINS' });
    holders = bench.holders(keyspace, key);
    [first, second, third] = holders as [FaultyReplica, FaultyReplica, FaultyReplica];
  });

  const putNewest = (
    value: string,
    level: 'ONE' | 'QUORUM' | 'ALL' = 'QUORUM',
    gateway = bench.gateway,
  ) => gateway.store.put(me, { keyspace: 'profiles', key, value }, { level });
  const getNewest = () => bench.run(bench.store.get(me, { keyspace: 'profiles', key }, {}));

  test('is one call at each replica, all at once, and the later one stays', async () => {
    await bench.run(putNewest('1', 'ALL'));
    const answer = await bench.run(putNewest('2', 'ALL'));
    expect(answer.receipt).toMatchObject({ required: 3, answered: 3 });
    expect(heldEverywhere()).toEqual([['2'], ['2'], ['2']]);
    expect(holders.map((replica) => replica.calls('keepNewest').length)).toEqual([2, 2, 2]);
  });

  test('that a later version has overtaken is acknowledged, and shows what stands', async () => {
    await bench.run(putNewest('"later"', 'ALL'));
    const slow = bench.addGateway();
    bench.clock.skewMs = -3_600_000;
    const behind = new Bench(); // a clock that an hour ago was right
    expect(behind.clock.nowMs()).toBeGreaterThan(bench.clock.nowMs());
    const answer = await bench.run(putNewest('"earlier"', 'ALL', slow));
    bench.clock.skewMs = 0;
    expect(answer.entry.live.map(({ value }) => value)).toEqual(['"later"']);
    expect((await getNewest()).entry.live.map(({ value }) => value)).toEqual(['"later"']);
    expect(heldEverywhere()).toEqual([['"later"'], ['"later"'], ['"later"']]);
  });

  test('converges when two gateways write through different replicas', async () => {
    const other = bench.addGateway();
    third.all('down');
    await bench.run(putNewest('"a"', 'ONE'));
    await bench.clock.advance(2_000);
    third.all(undefined);
    await bench.clock.advance(2_000);
    first.all('down');
    second.all('down');
    await bench.run(putNewest('"b"', 'ONE', other));
    for (const replica of holders) replica.all(undefined);
    await bench.clock.advance(2_000);
    await getNewest();
    await bench.quiet();
    const { entry } = await getNewest();
    const winner = entry.live.map(({ value }) => value);
    expect(winner).toEqual(['"b"']);
    expect(heldEverywhere()).toEqual([winner, winner, winner]);
  });

  test('is uncertain when some took it and too few said so, and certain when nobody could', async () => {
    second.all('frozen');
    third.all('frozen');
    const uncertain = await refusal(bench.run(putNewest('1', 'QUORUM')));
    expect(uncertain).toMatchObject({
      code: 'WRITE_UNCERTAIN',
      details: { required: 2, acknowledged: 1 },
    });
    for (const replica of holders) replica.all('down');
    await bench.clock.advance(2_000);
    const refused = await refusal(bench.run(putNewest('1', 'ONE')));
    expect(refused).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'NONE' });
  });

  test('of someone who had read a version is later than that, however slow the gateway', async () => {
    await bench.run(putNewest('"read"', 'ALL'));
    const { entry } = await getNewest();
    bench.clock.skewMs = -3_600_000;
    const slow = bench.addGateway();
    const context = bench.store.contextOf(entry);
    await bench.run(
      slow.store.put(me, { keyspace: 'profiles', key, value: '"next"', context }, { level: 'ALL' }),
    );
    bench.clock.skewMs = 0;
    expect(heldEverywhere()).toEqual([['"next"'], ['"next"'], ['"next"']]);
  });
});
