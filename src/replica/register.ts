import type { CallOptions } from './cell-ref.ts';

/**
 * Whether the word of a replica counts.
 *
 * - `new`: an empty database, part of no cluster yet; a wiped one looks like this too.
 * - `repairing`: it takes writes, and has no vote: something that it had acknowledged may be missing.
 * - `admitted`: a full member.
 */
export type ReplicaStanding = 'new' | 'repairing' | 'admitted';

/** What a database says of itself. Read at every connection. */
export interface ReplicaIdentity {
  readonly incarnation: string;
  /** How far this replica's clock is ahead of ours, in ms. */
  readonly clockOffsetMs: number;
  readonly standing: ReplicaStanding;
  /** How long it has had this standing, in ms. */
  readonly standingMs: number;
  /** Why it is being repaired: it was empty, or it may be an older copy. */
  readonly cause: RepairCause | '';
  /** The cluster and the name under which it is part of it; undefined while it is new. */
  readonly cluster: string | undefined;
  readonly name: string | undefined;
  /** Grows while the replica is written to, and with every new incarnation. */
  readonly fence: number;
  /** Transactions below this one have begun. */
  readonly nextXid: bigint;
  /** Changes with every start of the server. */
  readonly boot: string;
  /** Where it runs, and where it says that it ran when it was last looked at. */
  readonly place: Place;
  readonly recordedPlace: Place;
}

export type RepairCause = 'empty' | 'copy';

/** The Postgres behind a database. */
export interface Place {
  /** System identifier and oid of the database; '' where the role may not ask. */
  readonly server: string;
  /** Grows when a standby is promoted, and when a backup is restored to a point in time. */
  readonly timeline: number;
}

/** What gateways have last seen of one replica; kept in the other replicas. */
export interface Witness extends Place {
  readonly replica: string;
  readonly incarnation: string;
  readonly fence: number;
  /** The greatest transaction whose effect was acknowledged: a database without it is behind. */
  readonly xid: bigint;
}

/** A change of standing. Takes place only where `from` is still so. */
export interface Standing {
  readonly from: { readonly incarnation: string; readonly standing: ReplicaStanding };
  readonly to: 'repairing' | 'admitted';
  /** Where it becomes another incarnation. */
  readonly incarnation?: string;
  readonly cluster: string;
  readonly name: string;
  readonly place: Place;
  readonly cause: RepairCause | '';
  /** The fence becomes greater than this, and than it was. */
  readonly fence: number;
  /** Ballots up to this are refused. */
  readonly promiseFloor: number;
}

/** One replica's part in the agreement on the id of a new cluster. */
export interface Founding {
  /** False: a later ballot was promised; nothing counts then. */
  readonly promised: boolean;
  /** The ballot of the id that was accepted here; '' for none. */
  readonly accepted: string;
  readonly cluster: string | undefined;
}

/** A proposer number, and whose it is. */
export interface ProposerNumber {
  readonly number: number;
  readonly owner: string;
  /** When its owner was last seen, in ms since 1970. */
  readonly seenAtMs: number;
}

/**
 * THE REGISTER ROLE of a replica: who it is, and what it knows of the others.
 *
 * Apart from the data path, over a connection of its own: it must work before the data path may.
 * Every call rejects with a `ReplicaError`.
 */
export interface Register {
  /** What was last read. */
  readonly latest: ReplicaIdentity | undefined;
  /** The greatest transaction of `latest.incarnation` whose effect was acknowledged to us. */
  readonly watermark: bigint;
  /**
   * Called with what a new connection of the data path has found, before anything is sent over it:
   * resolves with who it is by then. A rejection is what callers get instead of an answer.
   */
  examine: ((found: ReplicaIdentity, deadlineMs: number) => Promise<ReplicaIdentity>) | undefined;
  look(options: CallOptions): Promise<ReplicaIdentity>;
  /** False when it was not `from` any more. */
  become(standing: Standing, options: CallOptions): Promise<boolean>;
  /** Lets the fence grow, and answers with it; undefined when it is another incarnation. */
  beat(incarnation: string, options: CallOptions): Promise<number | undefined>;
  witnesses(options: CallOptions): Promise<readonly Witness[]>;
  /** Of two witnesses of one replica the later one stays. */
  remember(witnesses: readonly Witness[], options: CallOptions): Promise<void>;
  /** Paxos on the cluster's id: promise, then accept. Only a replica that is `new` takes part. */
  promiseFounding(ballot: string, options: CallOptions): Promise<Founding>;
  acceptFounding(
    what: { readonly ballot: string; readonly cluster: string },
    options: CallOptions,
  ): Promise<boolean>;
  /** Whether `owner` may repair it for the next `forMs`; one at a time. */
  lease(
    what: { readonly owner: string; readonly forMs: number },
    options: CallOptions,
  ): Promise<boolean>;
  /** The greatest ballot that is promised or accepted for any key. Reads every row. */
  greatestBallot(options: CallOptions): Promise<number>;
  proposerNumbers(options: CallOptions): Promise<readonly ProposerNumber[]>;
  learnNumbers(numbers: readonly ProposerNumber[], options: CallOptions): Promise<void>;
}

/** The later of two sightings of one replica. */
export function laterWitness(a: Witness | undefined, b: Witness): Witness {
  if (!a || b.fence > a.fence) return b;
  if (a.fence > b.fence || a.incarnation !== b.incarnation) return a;
  return b.xid > a.xid ? b : a;
}
