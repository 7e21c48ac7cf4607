import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AssembledStore } from '../../src/assemble-store.ts';
import type { KeyspaceSettings } from '../../src/consistency/keyspace.ts';
import type { Asked, EntryAnswer, PutArguments } from '../../src/consistency/store.ts';
import { revisionOf } from '../../src/consistency/entry.ts';
import { refusal } from '../coordinator/bench.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { allWell, eventually, openStore, pause } from '../support/store.ts';

const me = { tenant: 'acme' };
let cluster: TestCluster;
let one: AssembledStore;
let two: AssembledStore;

beforeAll(async () => {
  cluster = await startTestCluster();
  one = openStore(cluster.replicas);
  await allWell(one);
  two = openStore(cluster.replicas);
  await allWell(two);
  await one.store.createKeyspace(me, 'carts', {});
  await one.store.createKeyspace(me, 'profiles', { conflicts: 'LAST_WRITE_WINS' });
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await cluster.stop();
});

const put = (
  what: Partial<PutArguments> & { key: string; value: string },
  asked: Asked = {},
  via = one,
) => via.store.put(me, { keyspace: 'carts', ...what }, asked);
const get = (key: string, asked: Asked = {}, keyspace = 'carts') =>
  one.store.get(me, { keyspace, key }, asked);
const valuesOf = ({ entry }: EntryAnswer) => entry.live.map(({ value }) => value).sort();
const create = (name: string, settings: Partial<KeyspaceSettings> = {}, via = one) =>
  via.store.createKeyspace(me, name, settings);

/** The rows of a key in every replica, as their texts. */
async function rows(key: string, keyspace = 'carts'): Promise<string[]> {
  const sql = `select siblings, context, digest::text from cells where tenant = 'acme' and keyspace = $1 and key = $2`;
  const found = await Promise.all(
    cluster.replicas.map(({ id }) => cluster.query(id, sql, [keyspace, key])),
  );
  return found.map((row) => JSON.stringify(row));
}

describe('two writers that do not know of each other', () => {
  test('leave a conflict that a reader sees, and that a put with its context resolves', async () => {
    await put({ key: 'a', value: '{"x":1}' });
    const second = await put({ key: 'a', value: '{"x": 2}' }, {}, two);
    expect(valuesOf(second)).toEqual(['{"x": 2}', '{"x":1}']);
    const conflict = await get('a');
    expect(valuesOf(conflict)).toEqual(['{"x": 2}', '{"x":1}']);
    const context = one.store.contextOf(conflict.entry);
    const resolved = await put({ key: 'a', value: '{"x":3}', context }, { level: 'ALL' }, two);
    expect(valuesOf(resolved)).toEqual(['{"x":3}']);
    expect(valuesOf(await get('a'))).toEqual(['{"x":3}']);
    expect(revisionOf(resolved.entry.cell) > revisionOf(conflict.entry.cell)).toBe(true);
    expect(new Set(await rows('a')).size).toBe(1);
  });

  test('lose nothing to a context that was older than the other one’s write', async () => {
    const before = await put({ key: 'b', value: '1' });
    const context = one.store.contextOf(before.entry);
    await put({ key: 'b', value: '2', context });
    await put({ key: 'b', value: '3', context }, {}, two);
    expect(valuesOf(await get('b'))).toEqual(['2', '3']);
  });

  test('are told apart from a retry: a delete lets go of what it saw and of nothing else', async () => {
    const seen = await put({ key: 'c', value: '1' });
    await put({ key: 'c', value: '2' });
    const context = one.store.contextOf(seen.entry);
    await one.store.delete(me, { keyspace: 'carts', key: 'c', context }, {});
    expect(valuesOf(await get('c'))).toEqual(['2']);
    await one.store.delete(me, { keyspace: 'carts', key: 'c' }, { level: 'ALL' });
    expect(valuesOf(await get('c'))).toEqual([]);
    await put({ key: 'c', value: '4' });
    expect(valuesOf(await get('c'))).toEqual(['4']);
  });
});

describe('where the last write wins', () => {
  test('two gateways converge on one version, on every replica alike', async () => {
    const writers = Array.from({ length: 40 }, (_, nth) =>
      [one, two][nth % 2]!.store.put(
        me,
        { keyspace: 'profiles', key: 'p', value: String(nth) },
        { level: 'ONE' },
      ),
    );
    await Promise.all(writers);
    await eventually(async () => {
      await get('p', { level: 'ALL' }, 'profiles');
      expect(new Set(await rows('p', 'profiles')).size).toBe(1);
    });
    const final = await get('p', {}, 'profiles');
    expect(final.entry.live).toHaveLength(1);
    const later = await one.store.put(me, { keyspace: 'profiles', key: 'p', value: '"later"' }, {});
    expect(valuesOf(later)).toEqual(['"later"']);
    expect(revisionOf(later.entry.cell) > revisionOf(final.entry.cell)).toBe(true);
  });

  test('a deletion wins over what came before, and loses to what comes after', async () => {
    const args = { keyspace: 'profiles', key: 'q' };
    await one.store.put(me, { ...args, value: '1' }, {});
    await two.store.delete(me, args, {});
    expect(valuesOf(await get('q', {}, 'profiles'))).toEqual([]);
    await one.store.put(me, { ...args, value: '2' }, {});
    expect(valuesOf(await get('q', {}, 'profiles'))).toEqual(['2']);
  });
});

describe('keyspaces', () => {
  test('are listed, described, changed and dropped', async () => {
    await create('crud', { maxSiblings: 5, defaultReadLevel: 'ONE' });
    expect(await two.store.keyspace(me, 'crud')).toMatchObject({
      maxSiblings: 5,
      defaultReadLevel: 'ONE',
      defaultWriteLevel: 'QUORUM',
    });
    const changed = await one.store.updateKeyspace(me, 'crud', { maxSiblings: 7 });
    expect(changed).toMatchObject({ maxSiblings: 7, defaultReadLevel: 'ONE' });
    expect((await one.store.keyspaces(me)).map(({ name }) => name)).toEqual([
      'carts',
      'crud',
      'profiles',
    ]);
    expect(await one.store.keyspaces({ tenant: 'other' })).toEqual([]);
    expect(await one.store.dropKeyspace(me, 'crud')).toBe(true);
    expect(await one.store.dropKeyspace(me, 'crud')).toBe(false);
    expect(await one.store.keyspace(me, 'crud')).toBeUndefined();
    const lost = await refusal(one.store.get(me, { keyspace: 'crud', key: 'k' }, {}));
    expect(lost).toMatchObject({ code: 'KEYSPACE_NOT_FOUND', outcome: 'NONE' });
  });

  test('come back empty when they are created again, and old contexts and cursors with them are refused', async () => {
    await create('again');
    const before = await put({ keyspace: 'again', key: 'k', value: '"old"' }, { level: 'ALL' });
    const page = await one.store.range(me, { keyspace: 'again' }, {});
    await one.store.dropKeyspace(me, 'again');
    await create('again');
    expect(valuesOf(await get('k', {}, 'again'))).toEqual([]);
    expect((await one.store.range(me, { keyspace: 'again' }, { level: 'ALL' })).edges).toEqual([]);
    const context = one.store.contextOf(before.entry);
    const stale = await refusal(put({ keyspace: 'again', key: 'k', value: '1', context }));
    expect(stale).toMatchObject({ code: 'BAD_USER_INPUT', details: { field: 'context' } });
    const after = page.edges[0]!.cursor;
    expect(
      (await refusal(one.store.range(me, { keyspace: 'again', after }, {}))).details,
    ).toMatchObject({ field: 'after' });
    await one.directory.idle();
    for (const { id } of cluster.replicas) {
      expect(await cluster.query(id, `select key from cells where keyspace = 'again'`)).toEqual([]);
    }
  });

  test('that two gateways create at once belong to exactly one of them', async () => {
    for (let round = 0; round < 10; round += 1) {
      const name = `race-${round}`;
      const tries = [one, two].map((via, nth) => create(name, { maxSiblings: nth + 1 }, via));
      const results = await Promise.allSettled(tries);
      const winners = results.flatMap((result) =>
        result.status === 'fulfilled' ? [result.value] : [],
      );
      expect(winners).toHaveLength(1);
      for (const via of [one, two]) {
        expect((await via.store.keyspace(me, name))?.maxSiblings).toBe(winners[0]!.maxSiblings);
      }
    }
  });

  test('changed through one gateway are changed for the other one within seconds', async () => {
    await create('spread');
    await put({ keyspace: 'spread', key: 'k', value: '123456' }, {}, two);
    await one.store.updateKeyspace(me, 'spread', { maxValueBytes: 5 });
    await eventually(async () => {
      const refused = await refusal(
        put({ keyspace: 'spread', key: 'k', value: '123456' }, {}, two),
      );
      expect(refused.code).toBe('BAD_USER_INPUT');
    });
  });

  test.each([
    [{ replicationFactor: 4 }, 'replicationFactor'],
    [{ replicationFactor: 0 }, 'replicationFactor'],
    [{ maxValueBytes: 2_000_000 }, 'maxValueBytes'],
    [{ defaultTtlSeconds: 0 }, 'defaultTtlSeconds'],
    [{ splitKeys: ['a'] }, 'splitKeys'],
    [{ partitioner: 'RANGE' as const, splitKeys: ['a', 'a'] }, 'splitKeys'],
    [
      { conflicts: 'LAST_WRITE_WINS' as const, minimumWriteLevel: 'LINEARIZABLE' as const },
      'minimumWriteLevel',
    ],
  ])('are refused with %j, naming %s', async (settings, field) => {
    expect(await refusal(create('bad', settings))).toMatchObject({
      code: 'BAD_USER_INPUT',
      outcome: 'NONE',
      details: { field },
    });
  });

  test.each(['', 'a/b', 'a@2', '.a', 'a b', 'é', 'x'.repeat(64), 'a\0'])(
    'are not called %j',
    async (name) => {
      expect((await refusal(create(name))).code).toBe('BAD_USER_INPUT');
    },
  );
});

describe('levels', () => {
  test('that a keyspace has by default are raised to its minimum', async () => {
    const raised = await create('raised', { minimumWriteLevel: 'LINEARIZABLE' });
    expect(raised).toMatchObject({ defaultReadLevel: 'QUORUM', defaultWriteLevel: 'LINEARIZABLE' });
    const { receipt } = await put({ keyspace: 'raised', key: 'k', value: '1' });
    expect(receipt.level).toBe('LINEARIZABLE');
  });

  test('weaker than the keyspace allows are refused, not raised', async () => {
    const minimum = {
      minimumReadLevel: 'QUORUM',
      minimumWriteLevel: 'ALL',
      defaultWriteLevel: 'ALL',
    } as const;
    await create('strict', minimum);
    const weakRead = await refusal(get('k', { level: 'ONE' }, 'strict'));
    expect(weakRead).toMatchObject({
      code: 'LEVEL_NOT_ALLOWED',
      outcome: 'NONE',
      details: { asked: 'ONE' },
    });
    expect(weakRead.details['allowed']).toEqual(expect.arrayContaining(['QUORUM', 'ALL']));
    expect(weakRead.details['allowed']).not.toContain('ONE');
    expect(
      (await refusal(put({ keyspace: 'strict', key: 'k', value: '1' }, { level: 'QUORUM' }))).code,
    ).toBe('LEVEL_NOT_ALLOWED');
    expect((await refusal(get('k', { replicas: 1 }, 'strict'))).code).toBe('LEVEL_NOT_ALLOWED');
    const weakRange = await refusal(one.store.range(me, { keyspace: 'strict' }, { level: 'ONE' }));
    expect(weakRange.code).toBe('LEVEL_NOT_ALLOWED');
    const weakMany = await refusal(
      one.store.getMany(me, { keyspace: 'strict', keys: ['k'] }, { level: 'ONE' }),
    );
    expect(weakMany.code).toBe('LEVEL_NOT_ALLOWED');
    expect((await put({ keyspace: 'strict', key: 'k', value: '1' })).receipt).toMatchObject({
      level: 'ALL',
      answered: 3,
    });
    expect((await get('k', { replicas: 2 }, 'strict')).receipt.required).toBe(2);
  });

  test('given as numbers are what is waited for, and the receipt says whether reads and writes overlap', async () => {
    const written = await put({ key: 'n', value: '1' }, { replicas: 3 });
    expect(written.receipt).toMatchObject({
      level: undefined,
      required: 3,
      answered: 3,
      replicationFactor: 3,
      overlapping: true,
    });
    const weak = await get('n', { replicas: 1 });
    expect(weak.receipt).toMatchObject({ required: 1, overlapping: false });
    expect((await get('n', { replicas: 2 })).receipt).toMatchObject({
      required: 2,
      overlapping: true,
    });
    for (const asked of [
      { replicas: 0 },
      { replicas: 4 },
      { replicas: 1.5 },
      { replicas: 2, level: 'ONE' as const },
    ]) {
      expect((await refusal(get('n', asked))).details).toMatchObject({ field: 'replicas' });
    }
  });

  test('say in the receipt whom they asked and who answered', async () => {
    const { receipt } = await put({ key: 'r', value: '1' }, { level: 'ALL' });
    expect(receipt).toMatchObject({
      level: 'ALL',
      required: 3,
      answered: 3,
      stale: 0,
      repaired: 0,
      hinted: 0,
      epoch: 1,
    });
    expect(
      receipt.replicas
        .map(({ replica, role, status }) => ({ replica, role, status }))
        .sort((a, b) => (a.replica < b.replica ? -1 : 1)),
    ).toEqual(
      ['replica-1', 'replica-2', 'replica-3'].map((replica) => ({
        replica,
        role: 'PRIMARY',
        status: 'OK',
      })),
    );
    expect(receipt.elapsedMs).toBeGreaterThan(0);
    expect(receipt.elapsedMs).toBeLessThan(2_000);
  });

  test.each([{ timeoutMs: 0 }, { timeoutMs: 30_001 }, { timeoutMs: 1.5 }])(
    'with %j are refused',
    async (asked) => {
      expect((await refusal(get('k', asked))).details).toMatchObject({ field: 'timeoutMs' });
    },
  );
});

describe('keys', () => {
  test.each([
    ['empty', ''],
    ['too long', 'x'.repeat(1_025)],
    ['too long in bytes', 'é'.repeat(513)],
    ['with NUL', 'a\0b'],
    ['half a pair', '\ud800'],
    ['the other half', 'a\udfffb'],
  ])('that are no keys (%s) are refused for every operation', async (_, key) => {
    const operations = [
      put({ key, value: '1' }),
      get(key),
      one.store.delete(me, { keyspace: 'carts', key }, {}),
      one.store.getMany(me, { keyspace: 'carts', keys: ['ok', key] }, {}),
    ];
    for (const operation of operations) {
      expect(await refusal(operation)).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NONE' });
    }
  });

  test.each([
    'x'.repeat(1_024),
    'é'.repeat(512),
    '%',
    '_',
    '__proto__',
    'constructor',
    ' ',
    '\n',
    '\u{10ffff}',
  ])('like %j are kept as they are', async (key) => {
    await put({ key, value: '"here"' });
    expect((await get(key)).entry).toMatchObject({ key });
    expect(valuesOf(await get(key))).toEqual(['"here"']);
  });

  test('that look alike and are written differently are different', async () => {
    await put({ key: '\u00e9', value: '"one code point"' });
    await put({ key: 'e\u0301', value: '"two"' });
    expect(valuesOf(await get('\u00e9'))).toEqual(['"one code point"']);
    expect(valuesOf(await get('e\u0301'))).toEqual(['"two"']);
  });
});

describe('values', () => {
  test.each([
    '9007199254740993',
    '1e400',
    '-0',
    '{"a":1,"a":2}',
    '{"b":1,"a":2}',
    ' [ 1,\n2 ] ',
    'null',
    '""',
    '"\\u0000"',
    '"\\ud83d"',
    '"😀"',
  ])('%s comes back verbatim', async (value) => {
    const key = `value ${value}`;
    await put({ key, value });
    expect(valuesOf(await get(key))).toEqual([value]);
    const [page] = (await one.store.range(me, { keyspace: 'carts', prefix: key }, {})).edges;
    expect(page!.entry.live[0]!.value).toBe(value);
  });

  test('are taken up to the limit, counted in bytes, and refused one byte above', async () => {
    await create('small', { maxValueBytes: 100 });
    const fits = `"${'é'.repeat(49)}"`;
    await put({ keyspace: 'small', key: 'k', value: fits });
    const refused = await refusal(put({ keyspace: 'small', key: 'k', value: `${fits} ` }));
    expect(refused).toMatchObject({
      code: 'BAD_USER_INPUT',
      outcome: 'NONE',
      details: { field: 'value', limit: 100, value: 101 },
    });
    const byDefault = `"${'x'.repeat(262_142)}"`;
    await put({ key: 'large', value: byDefault });
    expect(valuesOf(await get('large'))).toEqual([byDefault]);
    expect((await refusal(put({ key: 'large', value: `${byDefault} ` }))).details).toMatchObject({
      limit: 262_144,
    });
  });

  test('whose time has come read as absent, everywhere, and leave no row different', async () => {
    await put({ key: 'ttl', value: '"soon gone"', ttlSeconds: 4 }, { level: 'ALL' });
    await put({ key: 'ttl-stays', value: '1', ttlSeconds: 1_000 });
    expect(valuesOf(await get('ttl'))).toEqual(['"soon gone"']);
    const before = await rows('ttl');
    await eventually(async () => expect(valuesOf(await get('ttl', { level: 'ALL' }))).toEqual([]));
    expect(
      (await one.store.range(me, { keyspace: 'carts', prefix: 'ttl' }, {})).edges.map(
        ({ entry }) => entry.key,
      ),
    ).toEqual(['ttl-stays']);
    expect(await rows('ttl')).toEqual(before);
    for (const ttlSeconds of [0, -1, 1.5, 315_360_001]) {
      expect((await refusal(put({ key: 'ttl', value: '1', ttlSeconds }))).details).toMatchObject({
        field: 'ttlSeconds',
      });
    }
    await create('short', { defaultTtlSeconds: 1 });
    await put({ keyspace: 'short', key: 'k', value: '1' });
    await pause(1_100);
    expect(valuesOf(await get('k', {}, 'short'))).toEqual([]);
  });
});

describe('many keys in one request', () => {
  test('are answered in the order asked, absent ones and repeated ones too', async () => {
    const items = Array.from({ length: 100 }, (_, nth) => ({
      key: `many-${nth}`,
      value: String(nth),
    }));
    const { results } = await one.store.putMany(me, { keyspace: 'carts', items }, {});
    expect(results.every((result) => 'answer' in result)).toBe(true);
    const keys = ['many-7', 'absent', 'many-3', 'many-7'];
    const { entries, receipt } = await one.store.getMany(me, { keyspace: 'carts', keys }, {});
    expect(entries.map(({ key, live }) => [key, live[0]?.value])).toEqual([
      ['many-7', '7'],
      ['absent', undefined],
      ['many-3', '3'],
      ['many-7', '7'],
    ]);
    expect(receipt).toMatchObject({ level: 'QUORUM', required: 2 });
  });

  test('fail one by one: a bad item does not take the others along', async () => {
    const items = [
      { key: 'good', value: '1' },
      { key: '', value: '1' },
    ];
    const { results } = await one.store.putMany(me, { keyspace: 'carts', items }, {});
    expect(results[0]).toMatchObject({ key: 'good', answer: {} });
    expect(results[1]).toMatchObject({
      key: '',
      error: { code: 'BAD_USER_INPUT', outcome: 'NONE' },
    });
    for (const count of [0, 501]) {
      const many = Array.from({ length: count }, (_, nth) => `k${nth}`);
      expect(
        (await refusal(one.store.getMany(me, { keyspace: 'carts', keys: many }, {}))).code,
      ).toBe('BAD_USER_INPUT');
    }
  });
});

describe('whoever opens a replica with psql', () => {
  test('reads which tenant, keyspace and key it is, the versions, the context, the digest and when', async () => {
    await put({ key: 'for people', value: '{"milk":2}', ttlSeconds: 600 }, { level: 'ALL' });
    await put({ key: 'for people', value: '["eggs"]' }, { level: 'ALL' });
    const sql = `select tenant, keyspace, key, siblings::jsonb as siblings, context::jsonb as context, digest::text, updated_at from cells where key = 'for people'`;
    const [row] = await cluster.query<{
      siblings: { value: unknown; at: string; writeId: string }[];
      context: object;
      updated_at: Date;
      digest: string;
    }>('replica-2', sql);
    expect(row).toMatchObject({ tenant: 'acme', keyspace: 'carts', key: 'for people' });
    expect(row!.siblings.map(({ value }) => value)).toEqual([{ milk: 2 }, ['eggs']]);
    expect(Date.parse(row!.siblings[0]!.at)).toBeGreaterThan(Date.now() - 60_000);
    expect(row!.digest).toMatch(/^-?\d+$/);
    expect(Math.abs(row!.updated_at.getTime() - Date.now())).toBeLessThan(60_000);
    const [incarnation] = await cluster.query<{ incarnation: string }>(
      'replica-1',
      'select incarnation::text from replica',
    );
    const incarnations = await Promise.all(
      cluster.replicas.map(
        async ({ id }) =>
          (
            await cluster.query<{ incarnation: string }>(
              id,
              'select incarnation::text from replica',
            )
          )[0]!.incarnation,
      ),
    );
    expect(incarnations).toEqual(expect.arrayContaining(Object.keys(row!.context)));
    expect(incarnations[0]).toBe(incarnation!.incarnation);
    const logged = await cluster.query<{ key: string }>(
      'replica-3',
      `select key from changes where key = 'for people'`,
    );
    expect(logged).toHaveLength(2);
  });
});

// Control: without `oneForAll` in replica/postgres/calls.ts there are 200 rows.
test('writers who wait together for one key of a LAST_WRITE_WINS keyspace cost one row version, and all see the newest', async () => {
  const values = Array.from({ length: 200 }, (_, nth) => `${nth}`);
  const answers = await Promise.all(
    values.map((value) => put({ keyspace: 'profiles', key: 'hot', value })),
  );
  const [first] = cluster.replicas;
  const sql = `select count(*)::int as rows from changes where keyspace <> '$' and key = 'hot'`;
  const [logged] = await cluster.query<{ rows: number }>(first!.id, sql);
  expect(logged?.rows).toBeLessThan(50);
  const stands = await get('hot', { level: 'ALL' }, 'profiles');
  expect(stands.entry.live).toHaveLength(1);
  // Each answer shows what it wrote, or what has superseded it; nobody is shown what lost.
  const newest = answers
    .map(({ entry }) => revisionOf(entry.cell))
    .sort()
    .at(-1);
  expect(revisionOf(stands.entry.cell)).toBe(newest);
  const shown = new Set(answers.flatMap(({ entry }) => entry.live.map(({ value }) => value)));
  expect(shown.size).toBeLessThan(50);
  await eventually(async () => {
    expect(new Set(await rows('hot', 'profiles')).size).toBe(1);
  });
});
