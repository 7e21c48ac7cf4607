import type { Cell, Sibling } from '../causality/cell.ts';
import type { Receipt } from '../coordinator/receipt.ts';
import type { Resolution } from '../coordinator/resolve.ts';
import type { Outcome } from '../errors.ts';
import type { Keyspace, KeyspaceChanges, KeyspaceSettings } from './keyspace.ts';
import type { LevelName } from './levels.ts';

/** Who asks. The tenant comes from the credential and from nothing else. */
export interface Caller {
  readonly tenant: string;
}

/** What a request says about consistency; what it leaves out is the keyspace's default. */
export interface Asked {
  readonly level?: LevelName | undefined;
  /** R or W as a number, instead of a level. */
  readonly replicas?: number | undefined;
  readonly session?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Where what is read for the operation is weighed. */
  readonly answer?: AnswerWeight | undefined;
}

/** What one operation is answered with, all of its fields together. */
export interface AnswerWeight {
  /** So many bytes of values more. Throws when they are too many; nothing more is then read. */
  add(bytes: number): void;
}

/** A receipt as the client sees it. */
export interface LevelledReceipt extends Receipt {
  /** Undefined when the request gave `replicas` as a number. */
  readonly level: LevelName | undefined;
  /** R + W > N, with this keyspace's default of the other side. */
  readonly overlapping: boolean;
}

/**
 * One key as a reader sees it at one moment. Tombstones and expired versions are still in `cell`.
 */
export interface Entry {
  readonly keyspace: Keyspace;
  readonly key: string;
  readonly cell: Cell;
  /** Live versions, newest first. */
  readonly live: readonly Sibling[];
}

export interface Answer {
  readonly receipt: LevelledReceipt;
  readonly session: string;
}
export interface EntryAnswer extends Answer {
  readonly entry: Entry;
}
export interface ManyAnswer extends Answer {
  readonly entries: readonly Entry[];
}
export interface RangeAnswer extends Answer {
  readonly edges: readonly { readonly entry: Entry; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}
export interface WriteAnswer extends EntryAnswer {
  readonly writeId: string;
}
export interface CompareAndSetAnswer extends EntryAnswer {
  readonly applied: boolean;
  readonly writeId: string | undefined;
}
export type ItemAnswer =
  | { readonly key: string; readonly answer: WriteAnswer }
  | {
      readonly key: string;
      readonly error: { code: string; message: string; outcome: Outcome };
      /** Where the outcome is UNKNOWN: what `resolveWrite` asks for. */
      readonly writeId?: string;
    };

export interface KeyRef {
  readonly keyspace: string;
  readonly key: string;
}
/** A past write: its id, as an answer or a failure named it, and the key that it wrote to. */
export interface WriteRef extends KeyRef {
  readonly writeId: string;
}
export interface RangeArguments {
  readonly keyspace: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly prefix?: string | undefined;
  readonly first?: number | undefined;
  readonly after?: string | undefined;
  readonly last?: number | undefined;
  readonly before?: string | undefined;
}
export interface WriteOptions {
  /** Sealed: what the caller has seen of this key. */
  readonly context?: string | undefined;
  readonly ttlSeconds?: number | undefined;
  readonly sloppy?: boolean | undefined;
  readonly idempotencyKey?: string | undefined;
}
/** `value` is the exact JSON text. */
export interface PutArguments extends KeyRef, WriteOptions {
  readonly value: string;
}
export interface DeleteArguments extends KeyRef, WriteOptions {}
export interface PutManyArguments {
  readonly keyspace: string;
  readonly items: readonly {
    key: string;
    value: string;
    context?: string | undefined;
    ttlSeconds?: number | undefined;
  }[];
}
export type Expectation =
  { readonly absent: boolean } | { readonly value: string } | { readonly context: string };
export interface CompareAndSetArguments extends KeyRef {
  readonly expect: Expectation;
  /** Undefined deletes. */
  readonly value: string | undefined;
  readonly ttlSeconds?: number | undefined;
  readonly idempotencyKey?: string | undefined;
}

/**
 * The store as one tenant sees it: names and levels in, entries and receipts out. Every method
 * rejects with a `StoreError` only.
 * The GraphQL floor calls nothing else for data.
 */
export interface Store {
  get(caller: Caller, what: KeyRef, asked: Asked): Promise<EntryAnswer>;
  getMany(
    caller: Caller,
    what: { keyspace: string; keys: readonly string[] },
    asked: Asked,
  ): Promise<ManyAnswer>;
  range(caller: Caller, what: RangeArguments, asked: Asked): Promise<RangeAnswer>;
  put(caller: Caller, what: PutArguments, asked: Asked): Promise<WriteAnswer>;
  delete(caller: Caller, what: DeleteArguments, asked: Asked): Promise<WriteAnswer>;
  putMany(
    caller: Caller,
    what: PutManyArguments,
    asked: Asked,
  ): Promise<{ results: readonly ItemAnswer[]; session: string }>;
  compareAndSet(
    caller: Caller,
    what: CompareAndSetArguments,
    asked: Asked,
  ): Promise<CompareAndSetAnswer>;

  /**
   * Settles a write whose outcome was unknown; NEVER means that it is fenced for good. While that
   * fails, the outcome stays unknown, and says so.
   */
  resolveWrite(
    caller: Caller,
    what: WriteRef,
    asked: Pick<Asked, 'timeoutMs'>,
  ): Promise<Resolution>;
  /** Brings a past write, or what has replaced it, to as many replicas as the level needs. */
  awaitReplication(
    caller: Caller,
    what: WriteRef & { level: LevelName },
    asked: Pick<Asked, 'timeoutMs'>,
  ): Promise<LevelledReceipt>;

  keyspace(caller: Caller, name: string): Promise<Keyspace | undefined>;
  keyspaces(caller: Caller): Promise<readonly Keyspace[]>;
  createKeyspace(
    caller: Caller,
    name: string,
    settings: Partial<KeyspaceSettings>,
  ): Promise<Keyspace>;
  updateKeyspace(caller: Caller, name: string, changes: KeyspaceChanges): Promise<Keyspace>;
  /** False when there was none. */
  dropKeyspace(caller: Caller, name: string): Promise<boolean>;

  /**
   * One session token that says what several say. Errors: BAD_USER_INPUT; SESSION_UNSATISFIED when
   * it would not fit into one.
   */
  joinSessions(caller: Caller, tokens: readonly string[]): Promise<string>;

  /**
   * The signed causal context of an entry: what its reader passes to the next put or delete of the
   * key.
   */
  contextOf(entry: Entry): string;
  cluster(): ClusterView;
}

export interface ClusterView {
  readonly epoch: number;
  readonly partitions: number;
  readonly replicas: readonly ReplicaView[];
}
export interface ReplicaView {
  readonly id: string;
  readonly zone: string | undefined;
  readonly state: 'UP' | 'SUSPECT' | 'DOWN' | 'REPAIRING' | 'JOINING' | 'LEAVING';
  /** Empty until the replica was reached once. */
  readonly incarnation: string;
  readonly ownedPartitions: number;
  readonly openHints: number;
  /** The age of the oldest write that is kept for it elsewhere; 0 when there is none. */
  readonly lagMs: number;
  /** Why it is not UP. */
  readonly reason: string | undefined;
  /** Whether it is asked after the others, because it answers later than they do. */
  readonly slow: boolean;
  readonly readLatencyMs: number | undefined;
  readonly readLatencyP50Ms: number | undefined;
  readonly readLatencyP99Ms: number | undefined;
}
