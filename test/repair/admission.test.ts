import { expect, test } from '@jest/globals';
import { Admission } from '../../src/repair/admission.ts';
import { GuardedReplica } from '../../src/replica/guarded-replica.ts';
import { MemoryReplica } from '../../src/replica/memory-replica.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

const within = (clock: HandClock) => ({ deadlineMs: clock.monotonicMs() + 1_000 });

/** Three members; those named are REPAIRING. */
async function opened(repairing: readonly string[]) {
  const clock = new HandClock();
  const replicas = ['replica-1', 'replica-2', 'replica-3'].map((id) => {
    const inner = new MemoryReplica({ id, incarnation: `first of ${id}`, clock });
    return new GuardedReplica(inner, { clock, metrics: createMetrics() });
  });
  for (const replica of replicas.filter(({ id }) => repairing.includes(id))) {
    const { incarnation, cluster = '', place } = await replica.register.look(within(clock));
    await replica.register.become(
      {
        from: { incarnation, standing: 'admitted' },
        to: 'repairing',
        incarnation: `second of ${replica.id}`,
        ...{ cluster, name: replica.id, place, cause: 'copy', fence: 0, promiseFloor: 0 },
      },
      within(clock),
    );
    replica.stand(await replica.register.look(within(clock)));
  }
  const leases = async (owner: string) =>
    replicas[1]!.register.lease({ owner, forMs: 1 }, within(clock));
  const open = (work: () => Promise<unknown>) =>
    new Admission({
      ...{ clock, log: silentLog, replicas, owner: 'us' },
      rebuild: async () => {
        await work();
        return true;
      },
      gather: async () => {
        await work();
        return new Map();
      },
      admitted: (replica, found) => replica.stand(found),
      settings: { settleMs: 0 },
    });
  return { clock, replicas, open, leases };
}

test('the lease of a repair is renewed for as long as the repair takes, and then ends', async () => {
  // Guard: `#leased`. Without it another gateway would begin the same work after a minute.
  const { clock, replicas, open, leases } = await opened(['replica-2']);
  const taken: boolean[] = [];
  const admission = open(async () => {
    for (let minute = 0; minute < 5; minute += 1) {
      await clock.sleep(60_000);
      taken.push(await leases('another'));
    }
  });
  await clock.settled(admission.pass(), 600_000);
  expect(taken).toEqual([false, false, false, false, false]);
  expect(replicas.map(({ state }) => state)).toEqual(['UP', 'UP', 'UP']);
  expect(await leases('another')).toBe(true);
});

test('a replica that loses its past while it is compared cannot vouch any more', async () => {
  // Guard: the second look at the others. Without it, what only the two had would be lost in silence.
  const { clock, replicas, open } = await opened(['replica-2']);
  const [, , third] = replicas;
  const admission = open(async () => {
    const { incarnation, cluster = '', place } = await third!.register.look(within(clock));
    const lost = { from: { incarnation, standing: 'admitted' }, to: 'repairing' } as const;
    const member = { cluster, name: third!.id, place, cause: 'copy', fence: 0 } as const;
    await third!.register.become(
      { ...lost, ...member, incarnation: 'another', promiseFloor: 0 },
      within(clock),
    );
  });
  await clock.settled(admission.pass());
  expect(replicas[1]!.state).toBe('REPAIRING');
});

test('of two that have lost their past neither is admitted, until a loss is accepted for one', async () => {
  const { clock, replicas, open } = await opened(['replica-2', 'replica-3']);
  const admission = open(async () => undefined);
  const states = () => replicas.map(({ state }) => state);
  await clock.settled(admission.pass());
  expect(states()).toEqual(['UP', 'REPAIRING', 'REPAIRING']);
  await clock.settled(admission.acceptLoss('replica-2'));
  expect(states()).toEqual(['UP', 'UP', 'REPAIRING']);
  await clock.settled(admission.pass());
  expect(states()).toEqual(['UP', 'UP', 'UP']);
});

test('no loss is accepted where all others can vouch, nor for a replica that votes', async () => {
  const { clock, open } = await opened(['replica-2']);
  const admission = open(async () => undefined);
  const refusals = ['replica-1', 'replica-2'].map((id) =>
    clock.settled(admission.acceptLoss(id).catch((error: unknown) => String(error))),
  );
  expect(await Promise.all(refusals)).toEqual([
    expect.stringContaining('is not REPAIRING'),
    expect.stringContaining('nothing need be lost'),
  ]);
});
