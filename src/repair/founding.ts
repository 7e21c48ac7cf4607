import type { GuardedReplica } from '../replica/guarded-replica.ts';
import type { Founding, ReplicaIdentity } from '../replica/register.ts';
import { ReplicaError } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';

export interface FoundingDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly replicas: readonly GuardedReplica[];
}

const attemptsMax = 8;
/** So often a round is repeated for those that took part, and had promised somebody else meanwhile. */
const wholeAttempts = 4;
const pauseMaxMs = 60;

/**
 * The first start: makes new databases one cluster. Resolves with its id.
 *
 * Several gateways may start at once, each reaching other replicas than the next one: so the id is
 * agreed on, by one round of Paxos over the replicas themselves, and a majority of all must take part.
 * Those that accepted it are full members, whoever admits them: nothing can have been written before a
 * majority had accepted, and nothing was at one that is new. One that comes later looks like one that
 * was wiped, and is treated so.
 *
 * Rejects with a `ReplicaError` (REFUSED) when no majority can be reached in time.
 */
export async function foundCluster(deps: FoundingDeps, deadlineMs: number): Promise<string> {
  const { clock, random, replicas } = deps;
  const majority = Math.floor(replicas.length / 2) + 1;
  let reached = 0;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    if (clock.monotonicMs() >= deadlineMs) break;
    const ballot = `${String(Math.floor(clock.nowMs())).padStart(15, '0')} ${random.uuid()}`;
    const promises = await fromEach(replicas, async (replica) => ({
      replica,
      ...(await replica.register.promiseFounding(ballot, { deadlineMs })),
    }));
    const promised = promises.filter((promise) => promise.promised);
    reached = promises.length;
    if (promised.length >= majority) {
      const what = { ballot, cluster: latest(promised) ?? random.uuid() };
      const accepted = (
        await fromEach(promised, async ({ replica }) =>
          (await replica.register.acceptFounding(what, { deadlineMs })) ? [replica] : [],
        )
      ).flat();
      const isWhole = accepted.length === reached || attempt >= wholeAttempts;
      if (accepted.length >= majority && isWhole) {
        await fromEach(accepted, (replica) => admitFounder(replica, what.cluster, deadlineMs));
        return what.cluster;
      }
    }
    if (promises.length < majority) break;
    await clock.sleep(random.next() * pauseMaxMs);
    const done = await clusterOf(replicas, deadlineMs);
    if (done !== undefined) return done;
  }
  throw new ReplicaError(
    'REFUSED',
    `these databases are no cluster yet, and ${majority} of ${replicas.length} must be reached to make them one (${reached} were)`,
    false,
  );
}

/** What the members that can be reached say their cluster is. */
async function clusterOf(
  replicas: readonly GuardedReplica[],
  deadlineMs: number,
): Promise<string | undefined> {
  const found = await fromEach(replicas, ({ register }) => register.look({ deadlineMs }));
  return found.find(({ standing }) => standing !== 'new')?.cluster;
}

/** Of what was accepted earlier, the latest goes on. */
function latest(promises: readonly Founding[]): string | undefined {
  const [first] = promises
    .filter(({ accepted }) => accepted !== '')
    .toSorted((a, b) => (a.accepted < b.accepted ? 1 : -1));
  return first?.cluster;
}

/** Makes a full member of one that has accepted to be of this cluster. */
export async function admitFounder(
  replica: GuardedReplica,
  cluster: string,
  deadlineMs: number,
): Promise<void> {
  const { register, id: name } = replica;
  const found: ReplicaIdentity = await register.look({ deadlineMs });
  if (found.standing !== 'new') return;
  const { incarnation, place } = found;
  const from = { incarnation, standing: 'new' } as const;
  const member = { cluster, name, place, cause: '', fence: 0, promiseFloor: 0 } as const;
  await register.become({ from, to: 'admitted', ...member }, { deadlineMs });
}

/** The answers of those that answer. */
export async function fromEach<A, B>(
  all: readonly A[],
  ask: (one: A) => Promise<B>,
): Promise<readonly B[]> {
  const settled = await Promise.allSettled(all.map(ask));
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
