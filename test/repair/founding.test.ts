import { describe, expect, test } from '@jest/globals';
import { foundCluster } from '../../src/repair/founding.ts';
import { Incarnations } from '../../src/repair/incarnations.ts';
import { GuardedReplica } from '../../src/replica/guarded-replica.ts';
import type { MemoryRegister } from '../../src/replica/memory-register.ts';
import { MemoryReplica } from '../../src/replica/memory-replica.ts';
import { ReplicaError } from '../../src/replica/replica.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { seededRandom, type Random } from '../../src/runtime/random.ts';
import { HandClock } from '../coordinator/hand-clock.ts';

const deadlineMs = 1_000_000;
const ids = ['replica-1', 'replica-2', 'replica-3'];
/** The calls of the agreement, each of which a link may lose on its way there or back. */
const calls = ['promiseFounding', 'acceptFounding', 'become', 'look'] as const;
type Call = (typeof calls)[number];
type Lost = 'there' | 'back' | undefined;

interface World {
  readonly clock: HandClock;
  readonly registers: readonly MemoryRegister[];
  /** The replicas as one gateway reaches them; what `lost` says of a call is lost there or back. */
  readonly gateway: (lost: (replica: string, call: Call) => Lost) => GuardedReplica[];
}

/** `delayMs`: how long a call is on its way, each way. */
function newWorld(delayMs?: () => number): World {
  const clock = new HandClock();
  const all = ids.map(
    (id) => new MemoryReplica({ id, incarnation: `born as ${id}`, clock, isNew: true }),
  );
  const pause = async (): Promise<void> => {
    if (delayMs) await clock.sleep(delayMs());
  };
  const gateway: World['gateway'] = (lost) =>
    all.map((replica) => {
      const own = new Map<string | symbol, unknown>();
      const register = new Proxy(replica.register, {
        // Each gateway examines what it connects to by itself.
        set(_, name, value) {
          own.set(name, value);
          return true;
        },
        get(target, name) {
          if (own.has(name)) return own.get(name);
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          const act = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
          const call = calls.find((one) => one === name);
          if (!call) return act;
          return async (...args: unknown[]) => {
            const how = lost(replica.id, call);
            await pause();
            const answer = how === 'there' ? undefined : await act(...args);
            if (how !== undefined) throw new ReplicaError('TIMEOUT', 'lost', true);
            await pause();
            return answer;
          };
        },
      });
      const seen = Object.create(replica, { register: { value: register } }) as MemoryReplica;
      return new GuardedReplica(seen, { clock, metrics: createMetrics() });
    });
  return { clock, registers: all.map(({ register }) => register), gateway };
}

const clusterOf = ({ latest }: MemoryRegister): string | undefined =>
  latest.standing === 'admitted' ? latest.cluster : undefined;
const found = (clock: Clock, random: Random, replicas: readonly GuardedReplica[]) =>
  foundCluster({ clock, random, replicas }, deadlineMs);

describe('the founding of a cluster', () => {
  test('makes all replicas that are there full members of one cluster, under their names', async () => {
    const { clock, registers, gateway } = newWorld();
    const cluster = await found(
      clock,
      seededRandom(1),
      gateway(() => undefined),
    );
    expect(registers.map(clusterOf)).toEqual([cluster, cluster, cluster]);
    expect(registers.map(({ latest }) => latest.name)).toEqual(ids);
  });

  test('takes a majority: with one of three it is refused, and nothing is founded', async () => {
    const { clock, registers, gateway } = newWorld();
    const alone = gateway((replica) => (replica === 'replica-1' ? undefined : 'there'));
    await expect(found(clock, seededRandom(1), alone)).rejects.toMatchObject({ fault: 'REFUSED' });
    expect(registers.map(clusterOf)).toEqual([undefined, undefined, undefined]);
  });

  test('leaves out who is away: that one is new, and will be treated as one that was wiped', async () => {
    const { clock, registers, gateway } = newWorld();
    const two = gateway((replica) => (replica === 'replica-3' ? 'there' : undefined));
    const cluster = await found(clock, seededRandom(1), two);
    expect(registers.map(clusterOf)).toEqual([cluster, cluster, undefined]);
  });

  test('goes on with an id that a majority had accepted before its gateway died', async () => {
    // Guard: `latest(promised)`. With an id of its own the second gateway would make a second cluster.
    const { clock, registers, gateway } = newWorld();
    const dies = gateway((_, call) => (call === 'become' || call === 'look' ? 'there' : undefined));
    const begun = await found(clock, seededRandom(1), dies);
    expect(registers.map(clusterOf)).toEqual([undefined, undefined, undefined]);
    await clock.advance(1);
    expect(
      await found(
        clock,
        seededRandom(2),
        gateway(() => undefined),
      ),
    ).toBe(begun);
  });

  test('by several gateways at once over links that lose calls both ways never makes two clusters', async () => {
    // Guards: `latest(promised)`, and that a majority of all has accepted before anybody is admitted.
    const agreed: number[] = [];
    for (let seed = 1; seed <= 150; seed += 1) {
      const { clock, registers, gateway } = newWorld();
      const chance = seededRandom(seed);
      const lost = (): Lost => {
        if (chance.next() < 0.7) return undefined;
        return chance.next() < 0.5 ? 'there' : 'back';
      };
      const gateways = [1, 2, 3].map((nth) =>
        found(clock, seededRandom(seed * 10 + nth), gateway(lost)).catch(() => undefined),
      );
      const told = await clock.settled(Promise.all(gateways));
      const clusters = new Set([...told, ...registers.map(clusterOf)]);
      clusters.delete(undefined);
      expect({ seed, clusters: clusters.size }).toEqual({ seed, clusters: clusters.size && 1 });
      agreed.push(clusters.size);
    }
    expect(agreed.filter((count) => count === 1).length).toBeGreaterThan(100);
  });

  test('by several gateways at once leaves nobody out who is there: each is a member, and none is taken for a wiped one', async () => {
    // Guards: `isWhole` in `foundCluster`, and `admitFounder` in `Incarnations`.
    for (let seed = 1; seed <= 200; seed += 1) {
      const chance = seededRandom(seed);
      const { clock, registers, gateway } = newWorld(() => chance.next() * 3);
      const starts = [1, 2, 3].map(async (nth) => {
        const replicas = gateway(() => undefined);
        const deps = { clock, random: seededRandom(seed * 10 + nth), log: silentLog, replicas };
        const incarnations = new Incarnations(deps);
        await clock.sleep(chance.next() * 10);
        await Promise.all(
          replicas.map(async ({ register }) =>
            register.examine!(await register.look({ deadlineMs }), deadlineMs),
          ),
        );
        await incarnations.beat();
      });
      await clock.settled(Promise.all(starts));
      const standings = registers.map(({ latest }) => latest.standing);
      expect({ seed, standings }).toEqual({ seed, standings: ids.map(() => 'admitted') });
      expect(new Set(registers.map(clusterOf)).size).toBe(1);
    }
  });
});
