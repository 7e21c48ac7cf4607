import { beforeEach, expect, test } from '@jest/globals';
import { createSealer } from '../../src/consistency/seal.ts';
import { sealWriteIds } from '../../src/consistency/sealed-write-ids.ts';
import type { Store } from '../../src/consistency/store.ts';
import { StoreError } from '../../src/errors.ts';
import { createMemoryStore, type MemoryStore } from '../support/memory-store.ts';

const caller = { tenant: 'demo' };
const at = { keyspace: 'demo', key: 'k' };
const old = 'an old signing key, long enough';
const present = 'the present signing key, long enough';
let memory: MemoryStore;
let store: Store;
beforeEach(() => {
  memory = createMemoryStore();
  store = sealWriteIds(memory.store, createSealer([present, old]));
});

const put = (through: Store = store) => through.put(caller, { ...at, value: '1' }, {});
const settled = (writeId: string, where: object = at, by = caller) =>
  store.resolveWrite(by, { ...at, ...where, writeId }, {});
async function refusal(work: Promise<unknown>): Promise<StoreError> {
  return work.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => error as StoreError,
  );
}

test('what is handed out is signed, opens at its key, and nowhere else', async () => {
  await store.createKeyspace({ tenant: 'other' }, 'demo', {});
  const { writeId } = await put();
  expect(writeId).toMatch(/^[\w-]+\.[\w-]{22}$/);
  await settled(writeId);
  const raw = Buffer.from(writeId.split('.')[0]!, 'base64url').toString();
  expect(memory.calls.at(-1)).toMatchObject({ what: { key: 'k', writeId: raw } });
  const asked = memory.calls.length;
  const flipped = writeId.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'));
  const wrong: Promise<unknown>[] = [
    settled(raw),
    settled(''),
    settled(writeId.slice(0, -1)),
    settled(flipped),
    settled(`${writeId}A`),
    settled(writeId, { key: 'l' }),
    settled(writeId, { keyspace: 'profiles' }),
    settled(writeId, at, { tenant: 'other' }),
    store.awaitReplication(caller, { ...at, writeId: raw, level: 'ALL' }, {}),
  ];
  for (const work of wrong)
    expect((await refusal(work)).code).toMatch(/^(BAD_USER_INPUT|KEYSPACE_NOT_FOUND)$/);
  // The guard: `openWriteId`; without it the store below is asked to settle, and fences.
  expect(memory.calls.length).toBe(asked);
});

test('an id outlives a rotation for as long as its key is there', async () => {
  const before = await put(sealWriteIds(memory.store, createSealer([old])));
  await settled(before.writeId);
  const gone = await put(
    sealWriteIds(memory.store, createSealer(['a key that was taken out since'])),
  );
  expect((await refusal(settled(gone.writeId))).code).toBe('BAD_USER_INPUT');
});

test('a failure names its write in the same way, and keeps all else that it says', async () => {
  const details = { required: 2, acknowledged: 1, writeId: 'plain' };
  memory.failWith(new StoreError('WRITE_UNCERTAIN', 'Only 1 of 2 acknowledged', details));
  const failure = await refusal(put());
  expect([failure.code, failure.message, failure.details['acknowledged']]).toEqual([
    'WRITE_UNCERTAIN',
    'Only 1 of 2 acknowledged',
    1,
  ]);
  expect(failure.details['writeId']).not.toBe('plain');
  await settled(String(failure.details['writeId']));
  expect(memory.calls.at(-1)).toMatchObject({ what: { writeId: 'plain' } });
});

test('the session of an answer is still signed only when it is looked at, and an id too', async () => {
  let signed = 0;
  const counting = createSealer([present]);
  const seal: typeof counting.seal = (...args) => {
    signed += 1;
    return counting.seal(...args);
  };
  const answer = await put(sealWriteIds(memory.store, { ...counting, seal }));
  expect(signed).toBe(0);
  expect([answer.writeId === answer.writeId, signed]).toEqual([true, 2]);
});
