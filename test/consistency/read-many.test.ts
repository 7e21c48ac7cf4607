import { expect, test } from '@jest/globals';
import { StoreError } from '../../src/errors.ts';
import { Bench, me, refusal } from '../coordinator/bench.ts';

const names = Array.from({ length: 200 }, (_, nth) => `k${nth}`);

/** Weighs what a request is answered with, and refuses what is more than that. */
function scales(most: number) {
  const answer = {
    bytes: 0,
    add(bytes: number) {
      answer.bytes += bytes;
      if (answer.bytes > most) throw new StoreError('LIMIT_EXCEEDED', 'too much');
    },
  };
  return answer;
}

async function seeded(): Promise<Bench> {
  const bench = new Bench(3, { enabled: false }, 1_000);
  await bench.keyspace('carts', { maxValueBytes: 1_000 });
  const value = JSON.stringify('x'.repeat(98));
  await bench.run(
    bench.store.putMany(
      me,
      { keyspace: 'carts', items: names.map((key) => ({ key, value })) },
      { level: 'ALL' },
    ),
  );
  for (const { seen } of bench.replicas) seen.length = 0;
  return bench;
}

test('many keys are weighed in groups, and once they are too much nothing more is read', async () => {
  // Guard: `Reader.readMany` reads group by group. All at once, each replica is asked for 200 keys.
  const bench = await seeded();
  const answer = scales(2_000);
  const what = { keyspace: 'carts', keys: names };
  const refused = await refusal(bench.run(bench.store.getMany(me, what, { level: 'ALL', answer })));
  expect(refused.code).toBe('LIMIT_EXCEEDED');
  for (const replica of bench.replicas) expect(replica.calls('read')).toHaveLength(64);
});

test('many keys that are not too much are all read, in the order asked, and each of them once', async () => {
  const bench = await seeded();
  const answer = scales(Infinity);
  const keys = [...names, 'k0', 'k150'];
  const { entries } = await bench.run(
    bench.store.getMany(me, { keyspace: 'carts', keys }, { level: 'ALL', answer }),
  );
  expect(entries.map(({ key }) => key)).toEqual(keys);
  expect(answer.bytes).toBe(200 * 100);
  for (const replica of bench.replicas) expect(replica.calls('read')).toHaveLength(200);
});

test('one key and a page of a range are weighed, too', async () => {
  const bench = await seeded();
  const answer = scales(Infinity);
  await bench.run(bench.store.get(me, { keyspace: 'carts', key: 'k7' }, { answer }));
  await bench.run(bench.store.range(me, { keyspace: 'carts', first: 5 }, { answer }));
  expect(answer.bytes).toBe(6 * 100);
});
