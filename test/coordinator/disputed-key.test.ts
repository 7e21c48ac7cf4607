import { describe, expect, test } from '@jest/globals';
import { seenNothing, visible } from '../../src/causality/cell.ts';
import { mergeOutcomes, type OutcomeRecord } from '../../src/causality/outcomes.ts';
import type { Change } from '../../src/coordinator/minter.ts';
import { write, writeNewest } from '../../src/coordinator/write.ts';
import { type StoreError } from '../../src/errors.ts';
import type { KeyspaceSettings } from '../../src/consistency/keyspace.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Bench, me } from './bench.ts';

const change = (name: string): Change => ({
  writeId: `key-${name}`,
  value: `"${name}"`,
  seen: seenNothing,
  siblingsMax: 100,
  retryable: { id: 'key', fingerprint: name },
});

/**
 * Two gateways that both have looked for a first attempt, and found none, write at the same moment with one idempotency key and
 * different arguments, each beginning at another replica. Answers what became of each, and what is there in the end.
 */
async function bothAtOnce(seed: number, need: number, conflicts: KeyspaceSettings['conflicts']) {
  const bench = new Bench();
  const other = bench.addGateway();
  const keyspace = await bench.keyspace('keys', { conflicts });
  const random = seededRandom(seed);
  for (const replica of bench.replicas)
    replica.fate = (call) => (call === 'swap' ? { afterMs: random.next() * 40 } : undefined);
  const key = bench.place(keyspace, 'k');
  const reversed = other.cluster.placeKey(keyspace, 'k');
  const plan = bench.plan({ need });
  const put = conflicts === 'SIBLINGS' ? write : writeNewest;
  const answers = await bench.run(
    Promise.allSettled([
      put(bench.gateway.deps, key, { plan, change: change('a') }),
      put(
        other.deps,
        { ...reversed, targets: reversed.targets.toReversed() },
        { plan, change: change('b') },
      ),
    ]),
  );
  const fates = answers.map((answer) => {
    if (answer.status === 'fulfilled') return 'applied';
    const { code, outcome } = answer.reason as StoreError;
    return `${code} ${outcome}`;
  });
  await bench.quiet();
  const { entry } = await bench.run(bench.store.get(me, { keyspace: 'keys', key: 'k' }, {}));
  return { fates, shown: visible(entry.cell).map(({ value }) => value) };
}

const runs = async (need: number, conflicts: KeyspaceSettings['conflicts'] = 'SIBLINGS') =>
  Promise.all(Array.from({ length: 40 }, (_, seed) => bothAtOnce(seed + 1, need, conflicts)));

describe('one idempotency key with different arguments, at two gateways at once', () => {
  test('is never acknowledged to both, and nothing is hidden that somebody was told may be there', async () => {
    const found = await runs(2);
    for (const { fates, shown } of found) {
      expect(fates.filter((fate) => fate === 'applied').length).toBeLessThanOrEqual(1);
      const stored = ['"a"', '"b"'].filter((_, at) => fates[at] !== 'BAD_USER_INPUT NONE');
      expect(shown.toSorted()).toEqual(stored);
    }
    expect(found.map(({ fates }) => fates.toSorted().join(', '))).toContain(
      'BAD_USER_INPUT UNKNOWN, applied',
    );
  });

  test('is never acknowledged to both where the last write wins either', async () => {
    for (const { fates } of await runs(2, 'LAST_WRITE_WINS'))
      expect(fates.filter((fate) => fate === 'applied').length).toBeLessThanOrEqual(1);
  });

  test('is never acknowledged to both when one of them goes by consensus', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const bench = new Bench();
      const other = bench.addGateway();
      await bench.keyspace('keys');
      const random = seededRandom(seed);
      for (const replica of bench.replicas) replica.fate = () => ({ afterMs: random.next() * 20 });
      const at = { keyspace: 'keys', key: 'k', idempotencyKey: 'once' };
      const answers = await bench.run(
        Promise.allSettled([
          bench.store.put(me, { ...at, value: '1' }, { level: 'QUORUM' }),
          other.store.put(me, { ...at, value: '2' }, { level: 'LINEARIZABLE' }),
        ]),
      );
      expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    }
  });

  test('would be acknowledged to both if one acknowledgement were enough', async () => {
    const found = await runs(1);
    expect(found.map(({ fates }) => fates.join(', '))).toContain('applied, applied');
  });

  test('waits for a majority at ONE therefore', async () => {
    const bench = new Bench();
    await bench.keyspace('keys');
    const at = { keyspace: 'keys', key: 'k', value: '1' };
    const put = bench.store.put(me, { ...at, idempotencyKey: 'once' }, { level: 'ONE' });
    const { receipt } = await bench.run(put);
    expect(receipt.required).toBe(2);
  });

  test('refuses every later attempt, whichever arguments it has', async () => {
    const bench = new Bench();
    const keyspace = await bench.keyspace('keys');
    const { ref } = bench.place(keyspace, 'k');
    const put = (value: string) =>
      bench.store.put(me, { keyspace: 'keys', key: 'k', value, idempotencyKey: 'once' }, {});
    await bench.run(put('1'));
    for (const replica of bench.replicas) {
      const { cell, digest } = await replica.inner.read(ref);
      const outcomes = new Map(
        [...cell.outcomes!].map(([id, record]) => [id, { ...record, disputed: true as const }]),
      );
      const deadlineMs = bench.clock.monotonicMs() + 1;
      await replica.inner.swap(
        ref,
        { expected: digest, next: { ...cell, outcomes } },
        { deadlineMs },
      );
    }
    for (const value of ['1', '2'])
      await expect(bench.run(put(value))).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

test('records of one key join in any order and any groups to the same one, disputed if any two differ', () => {
  const records: OutcomeRecord[] = [
    { fingerprint: 'x', applied: true, atUs: 5 },
    { fingerprint: 'y', applied: true, atUs: 4 },
    { fingerprint: 'x', applied: true, atUs: 3, ballot: 9 },
    { fingerprint: 'y', applied: false, atUs: 6, ballot: 7 },
    { fingerprint: 'x', applied: true, atUs: 5, disputed: true },
  ];
  const of = (record: OutcomeRecord) => new Map([['key', record]]);
  const join = (a: ReadonlyMap<string, OutcomeRecord>, b: ReadonlyMap<string, OutcomeRecord>) =>
    mergeOutcomes(a, b, 10);
  for (const a of records.map(of))
    for (const b of records.map(of)) {
      expect(join(a, b)).toEqual(join(b, a));
      expect(join(join(a, b), b)).toEqual(join(a, b));
      const differ = a.get('key')!.fingerprint !== b.get('key')!.fingerprint;
      if (differ) expect(join(a, b).get('key')!.disputed).toBe(true);
      for (const c of records.map(of)) expect(join(join(a, b), c)).toEqual(join(a, join(b, c)));
    }
});
