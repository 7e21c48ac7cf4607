import { describe, expect, test } from '@jest/globals';
import { emptyCell, seenNothing, write } from '../../src/causality/cell.ts';
import type { Keyspace } from '../../src/consistency/keyspace.ts';
import type { Asked } from '../../src/consistency/store.ts';
import type { HintSettings } from '../../src/repair/hint-settings.ts';
import { Bench, me, refusal, statuses } from './bench.ts';
import type { FaultyReplica } from './faulty-replica.ts';

const key = 'key';

/** A keyspace with N = 3 over so many replicas, with hints. */
async function withHints(
  replicas: number,
  more: { hints?: Partial<HintSettings>; lww?: boolean } = {},
): Promise<{
  bench: Bench;
  keyspace: Keyspace;
  holders: FaultyReplica[];
  others: FaultyReplica[];
}> {
  const bench = new Bench(replicas, more.hints ?? {});
  const conflicts = more.lww ? 'LAST_WRITE_WINS' : 'SIBLINGS';
  const keyspace = await bench.keyspace('carts', { conflicts, replicationFactor: 3 });
  const holders = bench.holders(keyspace, key);
  const others = bench.replicas.filter((replica) => !holders.includes(replica));
  return { bench, keyspace, holders, others };
}

const put = (bench: Bench, value: string, asked: Asked = {}, sloppy = false) =>
  bench.run(bench.store.put(me, { keyspace: 'carts', key, value, sloppy }, asked));

/** `holder → target` of every hint of the keyspace that is kept, sorted. */
async function kept(bench: Bench): Promise<string[]> {
  const lines = await Promise.all(
    bench.replicas.map(async ({ id, inner }) =>
      (await inner.countHints()).map(({ target, hints }) => `${id} → ${target}: ${hints}`),
    ),
  );
  return lines.flat().sort();
}

/** Nobody asks for it any more: whatever is healed now, hints have healed. */
const quietMs = 20_000;

describe('a write that a primary did not take', () => {
  test.each(['put', 'delete', 'putMany', 'LINEARIZABLE', 'LAST_WRITE_WINS'] as const)(
    'by %s, leaves a hint, and it is delivered without a read once the primary is back',
    async (how) => {
      const { bench, keyspace, holders } = await withHints(3, { lww: how === 'LAST_WRITE_WINS' });
      const away = holders[1]!;
      away.all('down');
      const what = { keyspace: 'carts', key };
      const asked: Asked = { level: how === 'LINEARIZABLE' ? how : 'QUORUM' };
      if (how === 'delete') await bench.run(bench.store.delete(me, what, asked));
      else if (how === 'putMany')
        await bench.run(
          bench.store.putMany(me, { keyspace: 'carts', items: [{ key, value: '1' }] }, asked),
        );
      else await put(bench, '1', asked);
      await bench.quiet();
      expect(bench.values(away, keyspace, key)).toEqual([]);
      const lines = await kept(bench);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(`→ ${away.id}: 1`);
      expect(bench.store.cluster().replicas.find(({ id }) => id === away.id)!.openHints).toBe(1);

      away.all(undefined);
      await bench.clock.advance(quietMs);
      expect(bench.held(away, keyspace, key)).toEqual(bench.held(holders[0]!, keyspace, key));
      expect(await kept(bench)).toEqual([]);
    },
  );

  test('is HINTED in the receipt when the hint is kept before the answer', async () => {
    const { bench, holders } = await withHints(5);
    holders[2]!.all('down');
    await put(bench, '0');
    // The other forward is slow, so the hint comes first.
    holders[1]!.only('swap', { afterMs: 50 });
    const { receipt } = await put(bench, '1');
    expect(receipt).toMatchObject({ required: 2, answered: 2, hinted: 1, overlapping: true });
    expect(statuses(receipt.replicas)[holders[2]!.id]).toBe('HINTED');
  });

  test('is hinted outside the N where there is somebody, for another copy of it', async () => {
    const { bench, holders, others } = await withHints(5);
    holders[0]!.all('down');
    await put(bench, '1');
    await bench.quiet();
    const lines = await kept(bench);
    expect(lines).toHaveLength(1);
    expect(others.some(({ id }) => lines[0]!.startsWith(`${id} → `))).toBe(true);
  });

  test('gets a hint too when it failed late, or refused for the sake of a promise (rule A)', async () => {
    const { bench, keyspace, holders } = await withHints(3);
    await put(bench, '0', { level: 'LINEARIZABLE' });
    const ref = bench.place(keyspace, key).ref;
    const options = { deadlineMs: Infinity };
    // It has missed a round, and promised a later one that nobody finishes.
    holders[2]!.all('down');
    await put(bench, '1', { level: 'LINEARIZABLE' });
    holders[2]!.all(undefined);
    const far = 2 ** 50;
    await holders[2]!.inner.prepare(ref, far, options);
    await bench.clock.advance(quietMs);
    expect(bench.values(holders[2]!, keyspace, key)).toEqual(['0']);
    expect(await kept(bench)).toHaveLength(1);
  });

  test('that was answered "certainly nothing written" is not written by a hint later (trap 1)', async () => {
    // Guard: `Hinting` keeps nothing before some replica may have taken the write.
    const { bench, keyspace, holders } = await withHints(5, { lww: true });
    for (const holder of holders) holder.only('keepNewest', 'refuse');
    const refused = await refusal(put(bench, '1', { level: 'ONE' }));
    expect(refused).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'NONE' });
    for (const holder of holders) holder.all(undefined);
    await bench.clock.advance(quietMs);
    expect(holders.map((holder) => bench.values(holder, keyspace, key))).toEqual([[], [], []]);
  });

  test('beyond the bounds is dropped, and counted', async () => {
    const { bench, holders } = await withHints(3, { hints: { hintsMax: 1 } });
    holders[1]!.all('down');
    for (const value of ['1', '2', '3', '4']) await put(bench, value);
    await bench.quiet();
    // Two others keep one each.
    expect(await kept(bench)).toHaveLength(2);
    const { metrics } = bench.gateway.deps;
    const results = (await metrics.hints.get()).values.map(
      ({ labels, value }) => `${String(labels.result)} ${value}`,
    );
    expect(results).toContain('kept 2');
    expect(results).toContain('dropped 2');
  });

  test('is not brought by a hint that has expired', async () => {
    const { bench, keyspace, holders } = await withHints(3, { hints: { expireMs: 10_000 } });
    holders[1]!.all('down');
    await put(bench, '1');
    await bench.clock.advance(50_000);
    holders[1]!.all(undefined);
    await bench.clock.advance(quietMs);
    expect(bench.values(holders[1]!, keyspace, key)).toEqual([]);
    expect(await kept(bench)).toEqual([]);
  });
});

describe('trap 10: hints counted as acknowledgements', () => {
  test('QUORUM is refused with two of three primaries away, whoever could keep hints for them', async () => {
    // Guard: `missed` of an ordinary write stands in for nobody (coordinator/hinting).
    const { bench, holders } = await withHints(5);
    await put(bench, '0');
    for (const holder of holders.slice(1)) holder.all('down');
    const refused = await refusal(put(bench, '1'));
    expect(refused).toMatchObject({ code: 'WRITE_UNCERTAIN', details: { acknowledged: 1 } });
    const again = await refusal(put(bench, '2'));
    expect(again).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'NONE' });
    // The same request with its leave to count them is answered.
    const { receipt } = await put(bench, '3', {}, true);
    expect(receipt).toMatchObject({ answered: 1, overlapping: false });
  });
});

describe('trap 11: a hint for an owner that has moved', () => {
  const missed = (value: string) =>
    write(emptyCell, seenNothing, {
      dot: { actor: 'a', counter: 1 },
      writeId: 'w',
      writtenAtUs: 1,
      value,
    });
  const hint = { cell: missed('"late"'), stamp: '', epoch: 0, lifeMs: 3_600_000 };
  const inTime = { deadlineMs: Infinity };

  test.each(['a replica that is no more', 'one that is no primary of the key any more'])(
    'for %s goes to those that hold the key now',
    async (who) => {
      // Guard: `deliverKey` asks where the key lies now, and not whom the hint names.
      const { bench, keyspace, holders, others } = await withHints(5);
      const target = who.startsWith('a replica') ? 'replica-gone' : others[1]!.id;
      const { ref } = bench.place(keyspace, key);
      await others[0]!.inner.putHint({ ...hint, target, ref }, inTime);
      await bench.clock.advance(quietMs);
      expect(holders.map((holder) => bench.values(holder, keyspace, key))).toEqual([
        ['"late"'],
        ['"late"'],
        ['"late"'],
      ]);
      expect(others.map((other) => bench.values(other, keyspace, key))).toEqual([[], []]);
      expect(await kept(bench)).toEqual([]);
    },
  );

  test('waits while one of them is away', async () => {
    const { bench, keyspace, holders, others } = await withHints(5);
    const { ref } = bench.place(keyspace, key);
    holders[0]!.all('down');
    await others[0]!.inner.putHint({ ...hint, target: 'replica-gone', ref }, inTime);
    await bench.clock.advance(quietMs);
    expect(await kept(bench)).toHaveLength(1);
    holders[0]!.all(undefined);
    await bench.clock.advance(quietMs);
    expect(bench.values(holders[0]!, keyspace, key)).toEqual(['"late"']);
    expect(await kept(bench)).toEqual([]);
  });

  test('of a keyspace that was dropped, and made again under its name, comes to nothing', async () => {
    const { bench, keyspace, holders, others } = await withHints(5);
    const { ref } = bench.place(keyspace, key);
    await bench.run(bench.store.dropKeyspace(me, 'carts'));
    await bench.keyspace('carts', { replicationFactor: 3 });
    await others[0]!.inner.putHint({ ...hint, target: holders[0]!.id, ref }, inTime);
    await bench.clock.advance(quietMs);
    expect(bench.values(holders[0]!, keyspace, key)).toEqual([]);
    expect(await kept(bench)).toEqual([]);
  });
});

describe('a sloppy write', () => {
  test('is answered by one primary and the hints for the others, and says so', async () => {
    const { bench, holders, others } = await withHints(5);
    await put(bench, '0');
    for (const holder of holders.slice(1)) holder.all('down');
    const { receipt } = await put(bench, '1', { level: 'ALL' }, true);
    expect(receipt).toMatchObject({ required: 3, answered: 1, hinted: 2, overlapping: false });
    const roles = receipt.replicas.map(({ replica, role, status }) => [replica, role, status]);
    expect(roles.filter(([, role]) => role === 'FALLBACK').sort()).toEqual(
      others.map(({ id }) => [id, 'FALLBACK', 'HINTED']).sort(),
    );
    expect(statuses(receipt.replicas)).toMatchObject({
      [holders[0]!.id]: 'OK',
      [holders[1]!.id]: 'HINTED',
      [holders[2]!.id]: 'HINTED',
    });
  });

  test('is an ordinary one while the primaries are there', async () => {
    const { bench } = await withHints(5);
    const { receipt } = await put(bench, '1', {}, true);
    expect(receipt).toMatchObject({ required: 2, hinted: 0, overlapping: true });
    expect(await kept(bench)).toEqual([]);
  });

  test('with all primaries away is minted at a fallback, whose row goes when it is delivered', async () => {
    const { bench, keyspace, holders, others } = await withHints(5);
    await put(bench, '0', { level: 'ALL' });
    for (const holder of holders) holder.all('down');
    const { receipt, entry } = await put(bench, '1', {}, true);
    expect(receipt).toMatchObject({ required: 2, answered: 0, overlapping: false });
    expect(receipt.hinted).toBeGreaterThanOrEqual(2);
    const actors = others.map(({ incarnation }) => incarnation);
    expect(actors).toContain(entry.cell.siblings[0]!.dot.actor);
    expect(others.flatMap((other) => bench.values(other, keyspace, key))).toEqual(['1']);

    for (const holder of holders) holder.all(undefined);
    await bench.clock.advance(quietMs);
    const [first, ...rest] = holders.map((holder) => bench.held(holder, keyspace, key));
    expect(first!.siblings.map(({ value }) => value).sort()).toEqual(['0', '1']);
    for (const cell of rest) expect(cell).toEqual(first);
    expect(others.flatMap((other) => bench.values(other, keyspace, key))).toEqual([]);
    expect(await kept(bench)).toEqual([]);
  });

  test('at a fallback that has handed over claims nothing of what it minted before', async () => {
    // Guard: `actorOf`. Under its old name the second version would replace the first everywhere.
    const { bench, keyspace, holders, others } = await withHints(4);
    for (const value of ['1', '2']) {
      for (const holder of holders) holder.all('down');
      await put(bench, value, { level: 'ONE' }, true);
      for (const holder of holders) holder.all(undefined);
      await bench.clock.advance(quietMs);
      expect(bench.held(others[0]!, keyspace, key)?.siblings).toEqual([]);
    }
    for (const holder of holders) expect(bench.values(holder, keyspace, key)).toEqual(['1', '2']);
    const { incarnation } = others[0]!;
    const actors = bench.held(holders[0]!, keyspace, key)!.siblings.map(({ dot }) => dot.actor);
    expect(actors.sort()).toEqual([incarnation, `${incarnation}~1`]);
  });

  test('counts every holder once: with one fallback two acknowledgements cannot be had', async () => {
    // Guard: a fallback that keeps a hint of this write is not asked for another (`#free`).
    const { bench, holders } = await withHints(4);
    await put(bench, '0');
    for (const holder of holders.slice(1)) holder.all('down');
    const uncertain = await refusal(put(bench, '1', { level: 'ALL' }, true));
    expect(uncertain).toMatchObject({ code: 'WRITE_UNCERTAIN', details: { acknowledged: 1 } });
    holders[0]!.all('down');
    const one = await put(bench, '1', { level: 'ONE' }, true);
    expect(one.receipt).toMatchObject({ required: 1, answered: 0 });
    const refused = await refusal(put(bench, '2', { level: 'QUORUM' }, true));
    expect(refused).toMatchObject({ code: 'QUORUM_UNAVAILABLE', details: { alive: 1 } });
  });

  test('of the last write wins lies in hints alone while all primaries are away', async () => {
    const { bench, keyspace, holders, others } = await withHints(5, { lww: true });
    for (const holder of holders) holder.all('down');
    const { receipt } = await put(bench, '1', {}, true);
    expect(receipt).toMatchObject({ answered: 0, hinted: 2, overlapping: false });
    expect(others.flatMap((other) => bench.values(other, keyspace, key))).toEqual([]);
    for (const holder of holders) holder.all(undefined);
    await bench.clock.advance(quietMs);
    expect(holders.map((holder) => bench.values(holder, keyspace, key))).toEqual([
      ['1'],
      ['1'],
      ['1'],
    ]);
  });

  // Guard: `handOff` starts, and `sloppily` refuses, whatever `hints.enabled` says of new ones.
  test('is refused where hints are switched off, and one that was kept before is delivered', async () => {
    const { bench, keyspace, holders } = await withHints(5);
    for (const holder of holders) holder.all('down');
    await refusal(put(bench, '0'));
    await put(bench, '1', { level: 'ONE' }, true);
    const off = bench.addGateway({ enabled: false });
    await bench.run(bench.gateway.close());
    const what = { keyspace: 'carts', key, value: '2', sloppy: true };
    const refused = await refusal(bench.run(off.store.put(me, what, { level: 'ONE' })));
    expect(refused).toMatchObject({ code: 'LEVEL_NOT_ALLOWED', outcome: 'NONE' });
    expect(refused.message).toContain('hints are switched off');
    for (const holder of holders) holder.all(undefined);
    await bench.clock.advance(quietMs);
    expect(await kept(bench)).toEqual([]);
    expect(bench.values(holders[0]!, keyspace, key)).toEqual(['1']);
  });

  test('gives nothing more where all replicas hold the key, and the refusal says so', async () => {
    const { bench, holders } = await withHints(3);
    for (const holder of holders) holder.all('down');
    await refusal(put(bench, '0'));
    const refused = await refusal(put(bench, '1', {}, true));
    expect(refused.code).toBe('QUORUM_UNAVAILABLE');
    expect(refused.message).toContain('"sloppy" gives nothing more here');
  });

  test('is refused where hints would break what was promised', async () => {
    const { bench } = await withHints(5);
    const linearizable = await refusal(put(bench, '1', { level: 'LINEARIZABLE' }, true));
    expect(linearizable).toMatchObject({ code: 'LEVEL_NOT_ALLOWED', outcome: 'NONE' });
    await bench.run(bench.store.updateKeyspace(me, 'carts', { minimumWriteLevel: 'QUORUM' }));
    const weak = await refusal(put(bench, '1', { level: 'QUORUM' }, true));
    expect(weak).toMatchObject({ code: 'LEVEL_NOT_ALLOWED', outcome: 'NONE' });
  });

  test('is listed in its session: a reader with the token never gets less', async () => {
    const { bench, holders, others } = await withHints(5);
    await put(bench, '0', { level: 'ALL' });
    for (const holder of holders) holder.all('down');
    const { session } = await put(bench, '1', {}, true);
    // The primaries are back before those that keep the hints can be reached again.
    for (const other of others) other.all('down');
    for (const holder of holders) holder.all(undefined);
    await bench.clock.advance(3_000);
    const what = { keyspace: 'carts', key };
    const early = await refusal(
      bench.run(bench.store.get(me, what, { level: 'READ_YOUR_WRITES', session })),
    );
    expect(early.code).toBe('SESSION_UNSATISFIED');
    for (const other of others) other.all(undefined);
    await bench.clock.advance(quietMs);
    const read = await bench.run(bench.store.get(me, what, { level: 'READ_YOUR_WRITES', session }));
    expect(read.entry.live.map(({ value }) => value)).toContain('1');
  });
});
