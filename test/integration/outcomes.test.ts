import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { AssembledStore } from '../../src/assemble-store.ts';
import type { LevelName } from '../../src/consistency/levels.ts';
import type { StoreError } from '../../src/errors.ts';
import { refusal } from '../coordinator/bench.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { allWell, eventually, openStore } from '../support/store.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const me = { tenant: 'acme' };
let cluster: TestCluster;
/** Goes through the proxies; the other one does not. */
let gateway: AssembledStore;
let direct: AssembledStore;
const proxies = new Map<string, TcpProxy>();

beforeAll(async () => {
  cluster = await startTestCluster();
  for (const { id, url } of cluster.replicas) proxies.set(id, await startTcpProxy(url));
  gateway = openStore(
    cluster.replicas.map((one) => ({ ...one, url: proxyOf(one.id).url(one.url) })),
  );
  await allWell(gateway);
  direct = openStore(cluster.replicas);
  await allUp();
  for (const keyspace of ['carts', 'other']) await gateway.store.createKeyspace(me, keyspace, {});
  await gateway.store.createKeyspace(me, 'profiles', { conflicts: 'LAST_WRITE_WINS' });
});
afterEach(async () => {
  for (const proxy of proxies.values()) proxy.heal();
});
afterAll(async () => {
  await Promise.all([gateway.close(), direct.close()]);
  await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
  await cluster.stop();
});

const proxyOf = (id: string): TcpProxy => proxies.get(id)!;
const put = (key: string, value: string, level: LevelName, keyspace = 'carts') =>
  gateway.store.put(me, { keyspace, key, value }, { level, timeoutMs: 1_500 });
const values = async (key: string, level: LevelName, keyspace = 'carts') =>
  (await direct.store.get(me, { keyspace, key }, { level })).entry.live.map(({ value }) => value);
const resolve = (key: string, writeId: string, at = direct, keyspace = 'carts') =>
  at.store.resolveWrite(me, { keyspace, key, writeId }, { timeoutMs: 10_000 });
const nameIn = (error: StoreError): string => String(error.details['writeId']);

/** The primaries of a key, the one that mints its dots first. */
async function holders(key: string, keyspace = 'carts'): Promise<[string, string, string]> {
  const found = await direct.store.keyspace(me, keyspace);
  const { targets } = direct.cluster.placeKey(found!, key);
  return targets.map(({ replica }) => replica.id) as [string, string, string];
}

const isSwap = (request: string): boolean => request.includes('quorate_swap');

/** A write that one primary has committed, with nobody left who could say so. */
async function committedAndCut(
  key: string,
  value: string,
): Promise<{ name: string; holder: string }> {
  await allUp();
  const ids = await holders(key);
  const isMeant = (request: string): boolean => isSwap(request) && request.includes(value);
  // A swap that did not take place answers with the cell that is there.
  const isDone = (reply: string): boolean => !reply.includes('"header"');
  // Whoever mints is the first that is sent the value, and nobody is sent it after that.
  const minting = Promise.race(
    ids.map(async (id) => {
      await proxyOf(id).cutAfterReply(isMeant, isDone);
      proxyOf(id).refuse();
      return id;
    }),
  );
  const error = await refusal(put(key, `"${value}"`, 'QUORUM'));
  const holder = await minting;
  for (const id of ids) if (id !== holder) proxyOf(id).heal();
  expect(error).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
  return { name: nameIn(error), holder };
}

const allUp = (): Promise<void> => allWell(gateway, direct);

async function logRows(id: string, text: string): Promise<number> {
  const sql = `select count(*)::int as rows from changes where position($1 in siblings) > 0`;
  const [row] = await cluster.query<{ rows: number }>(id, sql, [text]);
  return row!.rows;
}

describe('a connection that breaks after COMMIT was sent, and before the reply', () => {
  test('at the replica that minted: UNKNOWN, and then APPLIED', async () => {
    await put('cut', '"before"', 'ALL');
    const { name } = await committedAndCut('cut', 'cut after commit');
    expect(await resolve('cut', name)).toBe('APPLIED');
    expect((await values('cut', 'QUORUM')).sort()).toEqual(['"before"', '"cut after commit"']);
  });

  test('at one that was to confirm ALL: UNKNOWN, and then APPLIED', async () => {
    await allUp();
    await put('all', '"before"', 'ALL');
    const [, , third] = await holders('all');
    const cut = proxyOf(third).cutAfterReply(isSwap);
    const error = await refusal(put('all', '"to all"', 'ALL'));
    await cut;
    expect(error).toMatchObject({ code: 'WRITE_UNCERTAIN', details: { required: 3 } });
    expect(await resolve('all', nameIn(error), gateway)).toBe('APPLIED');
    const what = { keyspace: 'carts', key: 'all', writeId: nameIn(error), level: 'ALL' } as const;
    expect(await direct.store.awaitReplication(me, what, {})).toMatchObject({ answered: 3 });
  });
});

describe('a LINEARIZABLE write', () => {
  const isAccept = (value: string) => (request: string) =>
    isSwap(request) && request.includes(value);

  test('that was accepted, and nobody could say so: UNKNOWN, and then APPLIED, because the next round carries it on', async () => {
    await allUp();
    await put('agreed', '"before"', 'LINEARIZABLE');
    const ids = await holders('agreed');
    // The first accept is committed and its reply is cut; the others never arrive.
    const cuts = ids.map(async (id) => {
      await proxyOf(id).cutAfterReply(isAccept('half'));
      return id;
    });
    const failed = refusal(put('agreed', '"half"', 'LINEARIZABLE'));
    const holder = await Promise.race(cuts);
    for (const id of ids) proxyOf(id).refuse();
    const error = await failed;
    expect(error).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    expect(error.message).toContain('resolveWrite(keyspace, key, writeId)');
    for (const id of ids) proxyOf(id).heal();
    const told = await resolve('agreed', nameIn(error));
    expect(await logRows(holder, '"half')).toBeGreaterThan(0);
    // It was accepted by one at least, and all can be asked: so it is found, and carried on.
    expect(told).toBe('APPLIED');
    expect(await values('agreed', 'LINEARIZABLE')).toEqual(['"half"']);
    expect(await resolve('agreed', nameIn(error))).toBe('APPLIED');
  });

  test('whose only acceptor is killed is NEVER, and stays so when it is back (trap 1)', async () => {
    await allUp();
    await put('fenced off', '"before"', 'LINEARIZABLE');
    const ids = await holders('fenced off');
    const cuts = ids.map(async (id) => {
      await proxyOf(id).cutAfterReply(isAccept('alone'));
      for (const other of ids) proxyOf(other).refuse();
      return id;
    });
    const failed = refusal(put('fenced off', '"alone"', 'LINEARIZABLE'));
    await Promise.race(cuts);
    const error = await failed;
    expect(error).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    for (const id of ids) proxyOf(id).heal();
    const took = await Promise.all(ids.map((id) => logRows(id, '"alone')));
    const acceptors = ids.filter((_, nth) => took[nth]! > 0);
    for (const id of acceptors.slice(0, 1)) await cluster.kill(id);
    const told = await resolve('fenced off', nameIn(error));
    // By two of three it was chosen, whatever was heard of it.
    expect(told).toBe(acceptors.length === 1 ? 'NEVER' : 'APPLIED');
    for (const id of acceptors.slice(0, 1)) await cluster.restart(id);
    await allUp();
    const stands = acceptors.length === 1 ? '"before"' : '"alone"';
    for (const level of ['LINEARIZABLE', 'ALL'] as const)
      expect(await values('fenced off', level)).toEqual([stands]);
    expect(await resolve('fenced off', nameIn(error))).toBe(told);
  });
});

describe('awaitReplication', () => {
  const bring = (key: string, writeId: string, level: LevelName, timeoutMs = 10_000) =>
    direct.store.awaitReplication(me, { keyspace: 'carts', key, writeId, level }, { timeoutMs });

  test('raises a write at ONE to QUORUM and to ALL, and says when it cannot in time', async () => {
    await allUp();
    const ids = await holders('raised');
    const [first, second, third] = ids;
    for (const id of [second, third]) await cluster.freeze(id);
    const { writeId } = await direct.store.put(
      me,
      { keyspace: 'carts', key: 'raised', value: '"raised"' },
      { level: 'ONE' },
    );
    expect(await logRows(first, 'raised')).toBe(1);
    const early = await refusal(bring('raised', writeId, 'QUORUM', 500));
    expect(early.outcome).toBe('NONE');
    expect(['QUORUM_UNAVAILABLE', 'READ_TIMEOUT']).toContain(early.code);
    await cluster.thaw(second);
    await eventually(async () =>
      expect(await bring('raised', writeId, 'QUORUM')).toMatchObject({ required: 2 }),
    );
    expect(await logRows(second, 'raised')).toBeGreaterThan(0);
    const late = await refusal(bring('raised', writeId, 'ALL', 500));
    expect(['QUORUM_UNAVAILABLE', 'READ_TIMEOUT']).toContain(late.code);
    await cluster.thaw(third);
    await allUp();
    expect(await bring('raised', writeId, 'ALL')).toMatchObject({ required: 3, answered: 3 });
    for (const id of ids) expect(await logRows(id, 'raised')).toBeGreaterThan(0);
  });
});

describe('trap 1: a failed write surfaces later', () => {
  // Guard: `visible` leaves out what is fenced (causality/cell). Without it the last reads show the write.
  test('the only holder is killed: NEVER, agreed by two gateways at once; restarted, it does not bring the write back', async () => {
    await allUp();
    await put('lost', '"before"', 'ALL');
    const { name, holder } = await committedAndCut('lost', 'only at one');
    await cluster.kill(holder);
    const answers = await Promise.all([
      resolve('lost', name, direct),
      resolve('lost', name, gateway),
    ]);
    expect(answers).toEqual(['NEVER', 'NEVER']);
    proxyOf(holder).heal();
    await cluster.restart(holder);
    await allUp();
    expect(await logRows(holder, 'only at one')).toBeGreaterThan(0);
    for (const level of ['QUORUM', 'ALL', 'LINEARIZABLE', 'ONE'] as const)
      expect(await values('lost', level)).toEqual(['"before"']);
    expect(await resolve('lost', name, gateway)).toBe('NEVER');
    const page = await direct.store.range(
      me,
      { keyspace: 'carts', prefix: 'lost' },
      { level: 'ALL' },
    );
    expect(page.edges.map(({ entry }) => entry.live.length)).toEqual([1]);
  });

  test('what was answered NONE is nowhere: too few primaries, and nothing begun', async () => {
    const ids = await holders('none');
    for (const id of ids.slice(1)) proxyOf(id).refuse();
    let attempt = 0;
    await eventually(async () => {
      const error = await refusal(put('none', `"attempt ${(attempt += 1)}"`, 'QUORUM'));
      expect(error).toMatchObject({ code: 'QUORUM_UNAVAILABLE', outcome: 'NONE' });
    });
    for (const id of ids) expect(await logRows(id, `attempt ${attempt}"`)).toBe(0);
  });
});

describe('trap 2: a zombie statement', () => {
  // Guard: the deadline inside the statement (`in_time` in replica/postgres/statements).
  test('sent to a frozen server, settled as NEVER, it does nothing when the server thaws', async () => {
    await allUp();
    await put('zombie', '"before"', 'ALL');
    const ids = await holders('zombie');
    const isMeant = (request: string): boolean =>
      isSwap(request) && request.includes('from the grave');
    const held = Promise.race(
      ids.map(async (id) => ({ id, release: await proxyOf(id).holdBack(isMeant) })),
    );
    const answer = refusal(put('zombie', '"from the grave"', 'QUORUM'));
    const { id, release } = await held;
    await cluster.freeze(id);
    release();
    const error = await answer;
    expect(error).toMatchObject({ code: 'WRITE_UNCERTAIN', outcome: 'UNKNOWN' });
    expect(await resolve('zombie', nameIn(error))).toBe('NEVER');
    await cluster.thaw(id);
    await allUp();
    // Sent on a connection of its own, behind what the server has to do first.
    expect(await logRows(id, 'from the grave')).toBe(0);
    expect(await values('zombie', 'ALL')).toEqual(['"before"']);
  });
});

describe('the name of a write', () => {
  test('means nothing under another key, keyspace or tenant, and fences nothing there', async () => {
    await allUp();
    const { writeId } = await put('mine', '"mine"', 'ALL');
    expect(await resolve('another', writeId)).toBe('NEVER');
    expect(await resolve('mine', writeId, direct, 'other')).toBe('NEVER');
    const foreign = { keyspace: 'carts', key: 'mine', writeId };
    expect(await refusal(direct.store.resolveWrite({ tenant: 'else' }, foreign, {}))).toMatchObject(
      {
        code: 'KEYSPACE_NOT_FOUND',
      },
    );
    expect(await resolve('mine', writeId)).toBe('APPLIED');
  });

  test('where the last write wins carries the stamp above which it is fenced', async () => {
    await allUp();
    const [first, second, third] = await holders('stamped', 'profiles');
    await put('stamped', '"before"', 'ALL', 'profiles');
    for (const id of [second, third]) proxyOf(id).swallow('toServer');
    const cut = proxyOf(first).cutAfterReply((request) => request.includes('lost'));
    const error = await refusal(put('stamped', '"lost"', 'QUORUM', 'profiles'));
    await cut;
    expect(nameIn(error)).toMatch(/~\d+\.[0-9a-f]+$/);
    await cluster.kill(first);
    expect(await resolve('stamped', nameIn(error), direct, 'profiles')).toBe('NEVER');
    await cluster.restart(first);
    for (const proxy of proxies.values()) proxy.heal();
    await allUp();
    expect(await values('stamped', 'ALL', 'profiles')).toEqual(['"before"']);
    expect(await resolve('stamped', nameIn(error), gateway, 'profiles')).toBe('NEVER');
  });
});
