import { merge, nothingSeen, type VersionVector } from '../causality/version-vector.ts';
import { bringTo, readCovering } from '../coordinator/read-covering.ts';
import type { Deps } from '../coordinator/deps.ts';
import type { Plan } from '../coordinator/plan.ts';
import type { Receipt } from '../coordinator/receipt.ts';
import type { Cluster } from './cluster.ts';
import type { Directory } from './directory.ts';
import type { Keyspace } from './keyspace.ts';
import { majority, type Level } from './levels.ts';
import { policies } from './policies.ts';
import type { Sealer } from './seal.ts';
import {
  afterShown,
  dotsOf,
  floorOf,
  forgetOnQuorum,
  freshSession,
  joinSessions,
  ownDependencies,
  remember,
  type Floor,
  type Session,
  type Shown,
} from './session.ts';
import { isSmall, noRoom, surplus, type Room } from './session-size.ts';
import { openSession, sealSession } from './session-token.ts';
import type { Entry } from './store.ts';

export interface KeeperDeps {
  readonly coordinator: Deps;
  readonly cluster: Cluster;
  readonly directory: Directory;
  readonly sealer: Sealer;
}

/**
 * Keeps what a session has seen, from one token to the next.
 *
 * The token never outgrows its bounds, and nothing is left out of it unseen: its oldest keys are
 * first brought to a quorum, and the token then
 * says that such keys exist, so that reads of keys it does not list ask a quorum too
 * (docs/decisions/0007).
 */
export class SessionKeeper {
  readonly #deps: KeeperDeps;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  /**
   * Opens a token, with room for what is to be listed. Errors: BAD_USER_INPUT; SESSION_UNSATISFIED
   * when its oldest keys cannot be brought to a quorum.
   */
  open(
    tenant: string,
    token: string | undefined,
    { plan, room }: { plan: Plan; room: Room },
  ): Session | Promise<Session> {
    if (token === undefined) return freshSession;
    return this.bounded(tenant, openSession(this.#deps.sealer, tenant, token), { plan, room });
  }

  /** One token that says what these say. Errors: as `open`. */
  async join(tenant: string, tokens: readonly string[], timeoutMs: number): Promise<string> {
    const sessions = tokens.map((token) => openSession(this.#deps.sealer, tenant, token));
    const startMs = this.#deps.coordinator.clock.monotonicMs();
    const plan = { need: 1, writeBack: false, startMs, deadlineMs: startMs + timeoutMs };
    const all = sessions.reduce(joinSessions, freshSession);
    return this.seal(tenant, await this.bounded(tenant, all, { plan }));
  }

  seal(tenant: string, session: Session): string {
    return sealSession(this.#deps.sealer, tenant, session);
  }

  /** The token of an answer, signed when somebody looks at it. */
  leaving(tenant: string, session: Session): { readonly session: string } {
    return new Leaving(this, tenant, session);
  }

  /** What a read of this key must reflect, at this level. */
  floor(session: Session, level: Level, at: { keyspace: Keyspace; key: string }): VersionVector {
    const floor = floorOf(session, place(at));
    if (!floor || level.floor === 'none') return nothingSeen;
    return level.floor === 'written' ? floor.written : merge(floor.written, floor.read);
  }

  /**
   * The plan of a read, for a session that may have seen the key without listing it: then a quorum
   * has what it saw.
   */
  planFor(
    session: Session,
    level: Level,
    what: { at: { keyspace: Keyspace; key: string }; plan: Plan },
  ): Plan {
    const { at, plan } = what;
    if (level.floor === 'none' || !session.isPartial || floorOf(session, place(at))) return plan;
    return {
      ...plan,
      need: Math.max(plan.need, majority(at.keyspace.replicationFactor)),
      writeBack: true,
    };
  }

  /** Whether an entry shows what the session, and what its own versions, say must be seen of it. */
  isCovered(entry: Entry, floor: VersionVector, level: Level): boolean {
    const { reflects } = policies[entry.keyspace.conflicts];
    const own =
      level.floor === 'all' ? ownDependencies(entry.cell.siblings, place(entry)) : nothingSeen;
    return reflects(entry.cell, merge(floor, own));
  }

  /** The session after a read. */
  afterRead(
    session: Session,
    entry: Entry,
    what: { level: Level; plan: Plan; receipt: Receipt },
  ): Session {
    return this.afterReads(session, [{ entry, receipt: what.receipt }], what);
  }

  /**
   * The session after several reads. A read at ONE outside of any session level is not remembered: it
   * promises nothing to go back on.
   */
  afterReads(
    session: Session,
    reads: readonly { readonly entry: Entry; readonly receipt: Receipt }[],
    { level, plan }: { level: Level; plan: Plan },
  ): Session {
    if (level.floor === 'none' && plan.need === 1) return session;
    const shown = reads.flatMap(({ entry, receipt }): Shown[] => {
      const { siblings: versions } = entry.cell;
      if (versions.length === 0) return [];
      const { reflects } = policies[entry.keyspace.conflicts];
      const areEverywhere = (dots: VersionVector): boolean =>
        isEverywhere(level, receipt) && reflects(entry.cell, dots);
      return [{ at: place(entry), versions, areEverywhere }];
    });
    return shown.length === 0 ? session : afterShown(session, shown);
  }

  /** The session after a write of its own. */
  afterWrite(
    session: Session,
    entry: Entry,
    what: { level: Level; writeId: string; receipt: Receipt },
  ): Session {
    const { level, writeId, receipt } = what;
    if (isEverywhere(level, receipt)) return session;
    const { siblings } = entry.cell;
    const own = siblings.filter((sibling) => sibling.writeId === writeId);
    // Where another version has already won, to see that one is to see what became of one's own.
    const written = dotsOf(own.length > 0 ? own : siblings);
    return written.size === 0 ? session : remember(session, place(entry), { written });
  }

  /**
   * The session within the bounds of a token: its oldest keys are brought to a quorum, and leave
   * the list.
   */
  bounded(
    tenant: string,
    session: Session,
    { plan, room = noRoom }: { plan: Plan; room?: Room },
  ): Session | Promise<Session> {
    if (isSmall(session, room)) return session;
    const leaving = surplus(session, room);
    return leaving.length === 0 ? session : this.#without(tenant, session, { plan, leaving });
  }

  async #without(
    tenant: string,
    session: Session,
    { plan, leaving }: { plan: Plan; leaving: readonly Floor[] },
  ): Promise<Session> {
    await Promise.all(leaving.map((floor) => this.#bringToQuorum(tenant, floor, plan)));
    return forgetOnQuorum(session, leaving);
  }

  async #bringToQuorum(tenant: string, floor: Floor, plan: Plan): Promise<void> {
    const { directory, cluster, coordinator } = this.#deps;
    const keyspace = await directory.filedUnder(tenant, floor.keyspace, plan.deadlineMs);
    if (!keyspace) return; // dropped since: nobody will read it again
    const key = cluster.placeKey(keyspace, floor.key);
    const seen = merge(floor.written, floor.read);
    const covers = (cell: Entry['cell']): boolean => key.convergence.reflects(cell, seen);
    const { cell } = await readCovering(coordinator, key, { plan, covers });
    await bringTo(coordinator, key, {
      plan: { ...plan, need: majority(keyspace.replicationFactor) },
      cell,
    });
  }
}

/** Of a class: an accessor that is made for each answer by itself costs more than the rest of it. */
class Leaving {
  readonly #keeper: SessionKeeper;
  readonly #tenant: string;
  readonly #seen: Session;
  #token: string | undefined;

  constructor(keeper: SessionKeeper, tenant: string, seen: Session) {
    this.#keeper = keeper;
    this.#tenant = tenant;
    this.#seen = seen;
  }

  get session(): string {
    return (this.#token ??= this.#keeper.seal(this.#tenant, this.#seen));
  }
}

function place({ keyspace, key }: { keyspace: Keyspace; key: string }): {
  keyspace: string;
  key: string;
} {
  return { keyspace: keyspace.storageName, key };
}

/**
 * Whether all N replicas hold what this answer shows. Not told by a round of consensus: those who
 * promised may still hold less than what a quorum of them agreed on.
 */
function isEverywhere({ route }: Level, receipt: Receipt): boolean {
  const { answered, replicationFactor, stale, repaired } = receipt;
  return route === 'quorum' && answered === replicationFactor && stale === repaired;
}
