import type { GuardedReplica } from '../replica/guarded-replica.ts';
import {
  laterWitness,
  type RepairCause,
  type ReplicaIdentity,
  type Witness,
} from '../replica/register.ts';
import { ReplicaError } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { admitFounder, foundCluster, fromEach } from './founding.ts';
import { refuseWrongDatabase, whyBehind } from './judge-identity.ts';

export interface IncarnationsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly replicas: readonly GuardedReplica[];
}

/** How long the other replicas are asked what they have seen of one, before it may be used. */
const askMs = 500;
const beatMs = 1_000;
const attemptsMax = 5;

/**
 * Who the replicas are, as this gateway knows them: examines each database before it is used, gives
 * a new incarnation to one that may have lost something, and keeps, in the other replicas, how far
 * each one was last seen.
 *
 * Every change is a compare-and-swap in the database concerned, so that all gateways agree.
 */
export class Incarnations {
  readonly #deps: IncarnationsDeps;
  /** Which start of which incarnation was examined. */
  readonly #examined = new Map<string, string>();
  readonly #running = new Map<string, Promise<ReplicaIdentity>>();
  /** The latest that anybody has seen of each replica. */
  readonly #seen = new Map<string, Witness>();
  /** What each replica is still to be told of the others. */
  readonly #owed = new Map<string, Map<string, Witness>>();
  #cluster: string | undefined;
  #founding: Promise<string> | undefined;

  constructor(deps: IncarnationsDeps) {
    this.#deps = deps;
    for (const replica of deps.replicas)
      replica.register.examine = (found, deadlineMs) => this.#examine(replica, found, deadlineMs);
  }

  /**
   * Tells the other replicas how far each one has come, where it has come further; and finds out
   * whether those that were being repaired have been admitted, by whichever gateway.
   */
  async beat(): Promise<void> {
    const { clock, replicas } = this.#deps;
    const deadlineMs = clock.monotonicMs() + beatMs;
    const known = replicas.filter(({ id }) => this.#examined.has(id));
    const live = known.filter(({ healthState }) => healthState !== 'DOWN');
    await fromEach(live, (replica) => this.#lookAgain(replica, deadlineMs));
    const news = (await fromEach(known, (replica) => this.#sighting(replica, deadlineMs))).flat();
    this.#learn(news);
    for (const witness of news)
      for (const { id } of replicas) if (id !== witness.replica) this.#owe(id, witness);
    await fromEach(live, async ({ id, register }) => {
      const owed = this.#owed.get(id);
      if (!owed) return;
      this.#owed.delete(id);
      await register.remember([...owed.values()], { deadlineMs }).catch((error: unknown) => {
        for (const witness of owed.values()) this.#owe(id, witness);
        throw error;
      });
    });
  }

  /** The standing that a replica was found to have, after it was changed by this gateway. */
  admit(replica: GuardedReplica, found: ReplicaIdentity): void {
    this.#accept(replica, found);
  }

  #examine(
    replica: GuardedReplica,
    found: ReplicaIdentity,
    deadlineMs: number,
  ): Promise<ReplicaIdentity> {
    const at = nameOf(found);
    if (this.#examined.get(replica.id) === at) return Promise.resolve(found);
    const running = this.#running.get(`${replica.id} ${at}`);
    if (running) return running;
    const examination = this.#settle(replica, found, deadlineMs).finally(() =>
      this.#running.delete(`${replica.id} ${at}`),
    );
    this.#running.set(`${replica.id} ${at}`, examination);
    return examination;
  }

  async #settle(
    replica: GuardedReplica,
    first: ReplicaIdentity,
    deadlineMs: number,
  ): Promise<ReplicaIdentity> {
    const others = this.#deps.replicas.filter((other) => other !== replica);
    const mine = ownSighting(replica, first);
    await this.#askOthers(others, deadlineMs);
    if (mine) this.#learn([mine]);
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      // What was seen of it comes first: it may come further while it is looked at.
      const seen = this.#seen.get(replica.id);
      const found = await replica.register.look({ deadlineMs });
      const known = others.map(({ id, register }) => ({ id, found: register.latest }));
      refuseWrongDatabase({ id: replica.id, found }, known, this.#cluster);
      this.#cluster ??= known.find(
        (one) => one.found?.standing !== 'new' && one.found?.name === one.id,
      )?.found?.cluster;
      const isNew = found.standing === 'new';
      if (isNew && this.#cluster === undefined) {
        await this.#found(deadlineMs);
      } else if (isNew && found.cluster !== undefined && found.cluster === this.#cluster && !seen) {
        // It took part in the founding, and who leads that has admitted others a moment before.
        await admitFounder(replica, found.cluster, deadlineMs);
      } else {
        const why = isNew ? 'it is empty, and its cluster is not' : whyBehind(found, seen);
        if (why === undefined) return this.#accept(replica, found);
        await this.#renew(replica, { found, why, deadlineMs });
      }
    }
    throw new ReplicaError('REFUSED', 'other gateways are changing what this replica is', false);
  }

  /** Whatever the others know. One that is silent is asked when it is examined itself. */
  async #askOthers(others: readonly GuardedReplica[], deadlineMs: number): Promise<void> {
    const untilMs = Math.min(deadlineMs, this.#deps.clock.monotonicMs() + askMs);
    const live = others.filter(({ healthState }) => healthState !== 'DOWN');
    await fromEach(live, async ({ register }) => {
      const options = { deadlineMs: untilMs };
      const [, witnesses] = await Promise.all([
        register.look(options),
        register.witnesses(options),
      ]);
      this.#learn(witnesses);
    });
  }

  /** One founding at a time: all replicas that are met for the first time take part in it. */
  async #found(deadlineMs: number): Promise<void> {
    this.#founding ??= foundCluster(this.#deps, deadlineMs).finally(() => {
      this.#founding = undefined;
    });
    const cluster = await this.#founding;
    this.#cluster ??= cluster;
  }

  /** A new incarnation; a replica that was `new` has one already. */
  async #renew(
    { id, register }: GuardedReplica,
    what: { found: ReplicaIdentity; why: string; deadlineMs: number },
  ): Promise<void> {
    const { found, why, deadlineMs } = what;
    const isNew = found.standing === 'new';
    const cause: RepairCause = isNew ? 'empty' : 'copy';
    const { incarnation: before, standing, place } = found;
    const cluster = this.#cluster ?? found.cluster ?? '';
    const fence = this.#seen.get(id)?.fence ?? 0;
    const wasRenewed = await register.become(
      {
        from: { incarnation: before, standing },
        to: 'repairing',
        ...(isNew ? {} : { incarnation: this.#deps.random.uuid() }),
        ...{ cluster, name: id, place, cause, fence, promiseFloor: 0 },
      },
      { deadlineMs },
    );
    if (wasRenewed)
      this.#deps.log.warn(
        { replica: id, before, why },
        'the replica may lack what it had acknowledged: it has no vote until it has been brought up to date',
      );
  }

  #accept(replica: GuardedReplica, found: ReplicaIdentity): ReplicaIdentity {
    this.#cluster ??= found.cluster;
    this.#examined.set(replica.id, nameOf(found));
    replica.stand(found);
    return found;
  }

  /** Whether it has been admitted, or another gateway has seen it further than it seems to be now. */
  async #lookAgain(replica: GuardedReplica, deadlineMs: number): Promise<void> {
    const { id, register } = replica;
    const { latest } = register;
    const seen = this.#seen.get(id);
    if (!latest) return;
    const isAhead = seen && (seen.fence > latest.fence || seen.incarnation !== latest.incarnation);
    // Not by `latest` alone: whoever else looks at the register refreshes that, and accepts nothing.
    const isAccepted = replica.state !== 'REPAIRING' && latest.standing === 'admitted';
    if (isAccepted && !isAhead) return;
    const found = await register.look({ deadlineMs });
    if (this.#examined.get(id) !== nameOf(found)) return; // its next connection is examined
    if (whyBehind(found, seen) === undefined) this.#accept(replica, found);
    else await this.#settle(replica, found, deadlineMs);
  }

  /**
   * How far a replica has come, if that is further than is known. One that has gone down has its last
   * acknowledgements witnessed all the same.
   */
  async #sighting(replica: GuardedReplica, deadlineMs: number): Promise<Witness[]> {
    const { id, register, healthState } = replica;
    const { latest, watermark } = register;
    const seen = this.#seen.get(id);
    if (!latest) return [];
    const { incarnation, place } = latest;
    const isSame = seen?.incarnation === incarnation;
    const xid = isSame && seen.xid > watermark ? seen.xid : watermark;
    if (isSame && xid === seen.xid) return [];
    const before = isSame ? seen.fence : latest.fence;
    const beat = healthState === 'DOWN' ? undefined : register.beat(incarnation, { deadlineMs });
    const fence = await Promise.resolve(beat).catch(() => undefined);
    return [{ replica: id, incarnation, fence: fence ?? before, xid, ...place }];
  }

  #owe(to: string, witness: Witness): void {
    const owed = this.#owed.get(to) ?? new Map<string, Witness>();
    this.#owed.set(to, owed);
    owed.set(witness.replica, laterWitness(owed.get(witness.replica), witness));
  }

  #learn(witnesses: readonly Witness[]): void {
    for (const witness of witnesses)
      this.#seen.set(witness.replica, laterWitness(this.#seen.get(witness.replica), witness));
  }
}

/** What this gateway itself was acknowledged by the incarnation that is there. */
function ownSighting(
  { id, register }: GuardedReplica,
  { incarnation, place }: ReplicaIdentity,
): Witness | undefined {
  const xid = register.watermark;
  return xid === 0n ? undefined : { replica: id, incarnation, fence: 0, xid, ...place };
}

function nameOf({ incarnation, boot }: ReplicaIdentity): string {
  return `${incarnation} ${boot}`;
}
