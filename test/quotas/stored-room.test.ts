import { expect, test } from '@jest/globals';
import type { Store, WriteAnswer } from '../../src/consistency/store.ts';
import { StoreError } from '../../src/errors.ts';
import { Admission } from '../../src/quotas/admission.ts';
import { StoredRoom } from '../../src/quotas/stored-room.ts';
import { StoredSizes } from '../../src/quotas/stored-sizes.ts';
import { ReplicaError } from '../../src/replica/replica.ts';
import type { SizePage, TenantBoard } from '../../src/replica/tenant-board.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

const me = { tenant: 'acme' };
const empty: SizePage = { sizes: [], last: undefined };

/** The room of a tenant with five keys, over one replica that counts, or does not. */
function roomOver(count: () => Promise<SizePage>) {
  const clock = new HandClock();
  let countings = 0;
  const board: TenantBoard = {
    exchange: () => Promise.resolve([]),
    sizes: () => {
      countings += 1;
      return count();
    },
    close: () => Promise.resolve(),
  };
  const none = { keyspaces: () => Promise.resolve([]) } as unknown as Store;
  const sizes = new StoredSizes({ clock, log: silentLog, store: none, boards: [board] });
  const admission = new Admission({ clock, quotaOf: () => ({ keys: 5 }) });
  const room = new StoredRoom({ store: none, admission, sizes });
  let written = 0;
  const write = (end: () => Promise<unknown> = () => Promise.resolve({} as WriteAnswer)) => {
    written += 1;
    const item = { keyspace: 'demo', key: `k${written}`, value: '1' };
    return clock.settled(room.growing(me, [item], end));
  };
  return { clock, sizes, write, countings: () => countings };
}

test('a write of unknown outcome counts until it is counted; one that is certainly not done does not', async () => {
  // Guard: `growing` takes back what is certain. If it took back every failure, writes that are never
  // acknowledged, and arrive, would go past the quota until the next counting.
  const { sizes, write } = roomOver(() => Promise.resolve(empty));
  await write();
  const failing = (error: Error) => write(() => Promise.reject(error)).catch(() => undefined);
  await failing(new StoreError('QUORUM_UNAVAILABLE', 'nobody was there'));
  expect(sizes.atMost('acme')?.keys).toBe(1);
  await failing(new StoreError('WRITE_UNCERTAIN', 'who knows'));
  expect(sizes.atMost('acme')?.keys).toBe(2);
  await failing(new Error('nor this'));
  expect(sizes.atMost('acme')?.keys).toBe(3);
});

test('replicas that cannot count are left alone for a second, also before anything was counted', async () => {
  // Guard: `restMs` of the ledger is set when a counting fails. Without it, each write asks anew.
  const down = () => Promise.reject(new ReplicaError('DOWN', 'connection refused', false));
  const { clock, write, countings } = roomOver(down);
  for (let nth = 0; nth < 20; nth += 1) await write();
  expect(countings()).toBe(1);
  await clock.advance(1_001);
  for (let nth = 0; nth < 20; nth += 1) await write();
  expect(countings()).toBe(2);
});
