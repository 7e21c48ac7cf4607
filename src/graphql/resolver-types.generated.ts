import type { RawJson } from './raw-json.ts';
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { Entry as StoreEntry, LevelledReceipt, EntryAnswer, ManyAnswer, RangeAnswer, WriteAnswer, CompareAndSetAnswer, ItemAnswer, ClusterView, ReplicaView } from '../consistency/store.ts';
import type { Sibling as StoreSibling } from '../causality/cell.ts';
import type { ReplicaOutcome as StoreReplicaOutcome } from '../coordinator/receipt.ts';
import type { RangeEdge, CreatedKey } from './views.ts';
import type { Keyspace as StoreKeyspace } from '../consistency/keyspace.ts';
import type { Tenant as StoreTenant } from '../tenancy/tenant-directory.ts';
import type { Usage as TenantUsage } from '../quotas/usage.ts';
import type { ApiKey as StoreApiKey } from '../tenancy/api-keys.ts';
import type { AuditRecord as StoredAuditRecord } from '../audit/audit-record.ts';
import type { AuditPage } from '../audit/audit-log.ts';
import type { RequestContext } from './request-context.ts';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type Omit<T, K extends keyof T> = Pick<T, Exclude<keyof T, K>>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** Opaque and signed: what a reader has seen of one key. Pass it back, exactly as received, to the next `put` or `delete` of that key. */
  CausalContext: { input: string; output: string; }
  /** Opaque and signed: a place in a range of one keyspace, or in one subscription's changes. It opens only in that keyspace, or for that subscription's arguments. */
  Cursor: { input: string; output: string; }
  /** A time in ISO 8601, UTC, with milliseconds: `2026-01-31T12:00:00.000Z`. */
  DateTime: { input: string; output: string; }
  /**
   * Any JSON value, kept and returned exactly as it was sent: numbers keep every digit (`9007199254740993`, `1e400`, `-0`, `1.0`),
   * objects keep the order of their members and members of the same name. A top-level `null` is not a value: delete the key instead.
   * At most 500 levels of nesting; at most the keyspace's `maxValueBytes`.
   */
  JSON: { input: RawJson; output: RawJson; }
  /**
   * Opaque and signed: what one session has seen of the tenant. Also sent in the response header `quorate-session`, or in the
   * answer's `extensions.session` where there are no headers or the request sent it there.
   *
   * Operations that run side by side leave one each. Send them all, with commas between (at most 32): the answer carries one that
   * says what they all say.
   */
  SessionToken: { input: string; output: string; }
};

/** An API key, without its secret. */
export type ApiKey = {
  readonly __typename?: 'ApiKey';
  /** When it was made. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** When it stops working, if it does. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** Patterns of keyspaces it is limited to; null: all. */
  readonly keyspaces?: Maybe<ReadonlyArray<Scalars['String']['output']>>;
  /** The visible beginning of the secret. */
  readonly prefix: Scalars['String']['output'];
  /** When it was ended, if it was. */
  readonly revokedAt?: Maybe<Scalars['DateTime']['output']>;
  /** What it may do. */
  readonly role: Role;
};

/** Something that an audit record names. */
export type AuditArgument = {
  readonly __typename?: 'AuditArgument';
  /** The argument, or what else it is. */
  readonly name: Scalars['String']['output'];
  /** At most 100 characters of it. */
  readonly value: Scalars['String']['output'];
};

/** A page of the audit log. */
export type AuditConnection = {
  readonly __typename?: 'AuditConnection';
  /** The records, newest first. */
  readonly nodes: ReadonlyArray<AuditRecord>;
  /** Whether there is more, and how to ask for it. */
  readonly pageInfo: PageInfo;
};

/** Who did what, to what, and what came of it. */
export type AuditRecord = {
  readonly __typename?: 'AuditRecord';
  /** The field, or what was attempted. */
  readonly action: Scalars['String']['output'];
  /** The credential: the prefix of an API key, `config:` and the beginning of a configured key's hash, `token:` and its subject, `anonymous`; `various` when too many came at once to be told apart. */
  readonly actor: Scalars['String']['output'];
  /** When it happened first. */
  readonly at: Scalars['DateTime']['output'];
  /** How many times. */
  readonly count: Scalars['Int']['output'];
  /** When it happened last; the same as `at` unless `count` is more than 1. */
  readonly lastAt: Scalars['DateTime']['output'];
  /** `OK`, or the code of the failure. */
  readonly outcome: Scalars['String']['output'];
  /** The credential's role. */
  readonly role?: Maybe<Role>;
  /** Names and ids of what it was about; never a value, never a secret. */
  readonly target: ReadonlyArray<AuditArgument>;
  /** The tenant whose credential it was; null when no credential was accepted. */
  readonly tenant?: Maybe<Scalars['String']['output']>;
};

/** What a change feed sends. */
export type ChangeEvent = EntryChanged | FeedBookmark | FeedGap;

/** The replicas as one gateway sees them. */
export type Cluster = {
  readonly __typename?: 'Cluster';
  /** The topology's number; it grows with every change. */
  readonly epoch: Scalars['Int']['output'];
  /** Into how many partitions each keyspace is cut. */
  readonly partitions: Scalars['Int']['output'];
  /** All replicas. */
  readonly replicas: ReadonlyArray<ReplicaInfo>;
};

/** The answer to `compareAndSet`. */
export type CompareAndSetPayload = {
  readonly __typename?: 'CompareAndSetPayload';
  /** Whether the expectation held, and the value was written. */
  readonly applied: Scalars['Boolean']['output'];
  /** The entry after the operation; when it was not applied, what stood in the way. */
  readonly entry: Entry;
  /** What this operation was really given. */
  readonly receipt: Receipt;
  /** What the session has seen, this operation included. */
  readonly session: Scalars['SessionToken']['output'];
  /** Names this write; null when it was not applied. */
  readonly writeId?: Maybe<Scalars['ID']['output']>;
};

/** What becomes of writes that had not seen each other. */
export type ConflictPolicy =
  /** The one written last is kept; the other is lost. */
  | 'LAST_WRITE_WINS'
  /** All are kept and returned, until someone who has seen them writes. */
  | 'SIBLINGS';

/** How many replicas a request waits for, and what it is promised for it. */
export type ConsistencyLevel =
  /** Every replica. Refused while one is away. */
  | 'ALL'
  /** What was visible to the writer is visible to the reader, across keys and sessions. Reads ask a majority; a write needs one acknowledgement and stores what it depends on. */
  | 'CAUSAL'
  /** As if there were one copy of the key, one LINEARIZABLE operation after another. A read is one round trip while a majority agrees; a write is two. Not for ranges, feeds and LAST_WRITE_WINS keyspaces. */
  | 'LINEARIZABLE'
  /** The first usable answer, or one acknowledgement. Eventual: may be behind, answers on both sides of a network split. */
  | 'ONE'
  /** A majority. A read sees every QUORUM write that was completed before it began, and never goes back. */
  | 'QUORUM'
  /** ONE, but never older than what this session wrote: more replicas are asked until its writes are covered. SESSION_UNSATISFIED when they cannot be. */
  | 'READ_YOUR_WRITES'
  /** ONE, but never older than what this session read or wrote, nor than what the versions that it reads depend on. */
  | 'SESSION';

/** A new keyspace. */
export type CreateKeyspaceInput = {
  /** What becomes of writes that had not seen each other; fixed for good. Default: SIBLINGS. */
  readonly conflicts?: InputMaybe<ConflictPolicy>;
  /** For reads that do not name a level. Default: QUORUM; raised to the minimum where that is stronger. */
  readonly defaultReadLevel?: InputMaybe<ConsistencyLevel>;
  /** Seconds until values expire, at least 1. Default: they do not. */
  readonly defaultTtlSeconds?: InputMaybe<Scalars['Int']['input']>;
  /** For writes that do not name a level. Default: QUORUM; raised to the minimum where that is stronger. */
  readonly defaultWriteLevel?: InputMaybe<ConsistencyLevel>;
  /** Writes that would leave more live versions are refused. Default: 100. */
  readonly maxSiblings?: InputMaybe<Scalars['Int']['input']>;
  /** The longest value, in bytes of its JSON text. Default: 262144. */
  readonly maxValueBytes?: InputMaybe<Scalars['Int']['input']>;
  /** Weaker reads are refused. Default: ONE. */
  readonly minimumReadLevel?: InputMaybe<ConsistencyLevel>;
  /** Weaker writes are refused. Default: ONE. */
  readonly minimumWriteLevel?: InputMaybe<ConsistencyLevel>;
  /** 1 to 63 letters, digits, `.`, `-` or `_`, the first a letter or digit; unique in the tenant. */
  readonly name: Scalars['String']['input'];
  /** How keys are spread over partitions; fixed for good. Default: CONSISTENT_HASH. */
  readonly partitioner?: InputMaybe<Partitioner>;
  /** N: how many replicas hold each key, 1 to the number of replicas. Default: the cluster's own, which is 3 unless configured, or as many as there are replicas. */
  readonly replicationFactor?: InputMaybe<Scalars['Int']['input']>;
  /** Where partitions are cut, in byte order; only for RANGE. Default: none. */
  readonly splitKeys?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
};

/** A new tenant. */
export type CreateTenantInput = {
  /** 1 to 63 letters, digits, `-` or `_`, the first a letter or digit. */
  readonly name: Scalars['String']['input'];
  /** Default: nothing is limited. */
  readonly quota?: InputMaybe<QuotaInput>;
};

/** A new API key. */
export type CreatedApiKey = {
  readonly __typename?: 'CreatedApiKey';
  /** The key as it will be listed. */
  readonly apiKey: ApiKey;
  /** Shown this once. */
  readonly secret: Scalars['String']['output'];
};

/** The answer to `delete`. */
export type DeletePayload = {
  readonly __typename?: 'DeletePayload';
  /** The entry after the deletion: versions that the given context had not seen are still there. */
  readonly entry: Entry;
  /** What this write was really given. */
  readonly receipt: Receipt;
  /** What the session has seen, this write included. */
  readonly session: Scalars['SessionToken']['output'];
  /** Names this deletion for good. */
  readonly writeId: Scalars['ID']['output'];
};

/**
 * One key. Normalised by clients under `id`; all that changes is under `current`, which has no id of its own, so that a client
 * cache can keep the newest by `revision` (a stale ONE read must not overwrite a newer QUORUM read).
 */
export type Entry = Node & {
  readonly __typename?: 'Entry';
  /** The entry as this request saw it. A key that nobody has written is an answer like any other: `exists` is false. */
  readonly current: Revision;
  /** Names the keyspace and the key; the same whichever field returned the entry. */
  readonly id: Scalars['ID']['output'];
  /** The key: 1 to 1024 bytes of UTF-8. */
  readonly key: Scalars['String']['output'];
  /** The keyspace's name. */
  readonly keyspace: Scalars['String']['output'];
};

/** One key changed. */
export type EntryChanged = {
  readonly __typename?: 'EntryChanged';
  /** How many replicas are known to hold the change. */
  readonly confirmedBy: Scalars['Int']['output'];
  /** Go on behind this event. */
  readonly cursor: Scalars['Cursor']['output'];
  /** The entry after the change. */
  readonly entry: Entry;
  /** What the session has seen, this change included. */
  readonly session: Scalars['SessionToken']['output'];
};

/** One page of a range. */
export type EntryConnection = {
  readonly __typename?: 'EntryConnection';
  /** The entries with their cursors, in byte order of the keys. */
  readonly edges: ReadonlyArray<EntryEdge>;
  /** The entries, in byte order of the keys. */
  readonly nodes: ReadonlyArray<Entry>;
  /** Whether there is more, and where to go on. */
  readonly pageInfo: PageInfo;
  /** What this read was really given. */
  readonly receipt: Receipt;
  /** What the session has seen, this answer included. */
  readonly session: Scalars['SessionToken']['output'];
};

/** One entry of a range, with its place. */
export type EntryEdge = {
  readonly __typename?: 'EntryEdge';
  /** Pass it as `after` or `before` to go on from here. */
  readonly cursor: Scalars['Cursor']['output'];
  /** The entry. */
  readonly node: Entry;
};

/** What must hold for `compareAndSet` to write. Exactly one of the three. */
export type Expectation =
  /** true: the key does not exist. false: it does. */
  { readonly absent: Scalars['Boolean']['input']; readonly context?: never; readonly value?: never; }
  |  /** Nothing has been written since this was read. */
  { readonly absent?: never; readonly context: Scalars['CausalContext']['input']; readonly value?: never; }
  |  /** The key has exactly one live version, with this value: white space and the order of members do not matter, numbers count as they are written. */
  { readonly absent?: never; readonly context?: never; readonly value: Scalars['JSON']['input']; };

/** Progress on a quiet feed; also the first event, sent once the feed is live. */
export type FeedBookmark = {
  readonly __typename?: 'FeedBookmark';
  /** Go on behind this place. */
  readonly cursor: Scalars['Cursor']['output'];
};

/** History was lost: read again, then go on from the cursor. */
export type FeedGap = {
  readonly __typename?: 'FeedGap';
  /** Go on behind this place. */
  readonly cursor: Scalars['Cursor']['output'];
  /** Why: the log was trimmed, or this reader was too slow. */
  readonly reason: Scalars['String']['output'];
};

/** The answer to `getMany`. */
export type GetManyPayload = {
  readonly __typename?: 'GetManyPayload';
  /** One for each key, in the order asked. */
  readonly entries: ReadonlyArray<Entry>;
  /** What this read was really given: the weakest over all keys. */
  readonly receipt: Receipt;
  /** What the session has seen, this answer included. */
  readonly session: Scalars['SessionToken']['output'];
};

/** The answer to `get`. */
export type GetPayload = {
  readonly __typename?: 'GetPayload';
  /** The entry, also when the key does not exist. */
  readonly entry: Entry;
  /** What this read was really given. */
  readonly receipt: Receipt;
  /** What the session has seen, this answer included. */
  readonly session: Scalars['SessionToken']['output'];
};

/** Why one item of `putMany` failed. */
export type ItemError = {
  readonly __typename?: 'ItemError';
  /** A code of the table of failures, such as `WRITE_UNCERTAIN`. */
  readonly code: Scalars['String']['output'];
  /** For a person. */
  readonly message: Scalars['String']['output'];
  /** Whether the failed write may have left something behind. */
  readonly outcome: Outcome;
};

/** A named set of keys with its own settings. */
export type Keyspace = Node & {
  readonly __typename?: 'Keyspace';
  /** What becomes of writes that had not seen each other. */
  readonly conflicts: ConflictPolicy;
  /** For reads that do not name a level. */
  readonly defaultReadLevel: ConsistencyLevel;
  /** For writes that do not say; null: they do not expire. */
  readonly defaultTtlSeconds?: Maybe<Scalars['Int']['output']>;
  /** For writes that do not name a level. */
  readonly defaultWriteLevel: ConsistencyLevel;
  /** Names the keyspace. */
  readonly id: Scalars['ID']['output'];
  /** Writes that would leave more live versions are refused. */
  readonly maxSiblings: Scalars['Int']['output'];
  /** The longest value, in bytes of its JSON text. */
  readonly maxValueBytes: Scalars['Int']['output'];
  /** Weaker reads are refused. */
  readonly minimumReadLevel: ConsistencyLevel;
  /** Weaker writes are refused. */
  readonly minimumWriteLevel: ConsistencyLevel;
  /** The keyspace's name, unique in the tenant. */
  readonly name: Scalars['String']['output'];
  /** How keys are spread over partitions. */
  readonly partitioner: Partitioner;
  /** N: how many replicas hold each key. */
  readonly replicationFactor: Scalars['Int']['output'];
};

/** Writes, one after another in the order of the document. */
export type Mutation = {
  readonly __typename?: 'Mutation';
  /**
   * Brings a past write to as many replicas as `consistency` would have waited for, or, where it was replaced since, what has replaced it.
   * BAD_USER_INPUT when no replica knows the write; a failure means that it was not there in time, and nothing is lost by it.
   */
  readonly awaitReplication: Receipt;
  /** Writes if the expectation holds, always LINEARIZABLE. A refused one is data: `applied` is false. */
  readonly compareAndSet: CompareAndSetPayload;
  /** Makes an API key; its secret is shown this once. Operators only. */
  readonly createApiKey: CreatedApiKey;
  /** Creates a keyspace. BAD_USER_INPUT when the name is taken. ADMIN only. */
  readonly createKeyspace: Keyspace;
  /** Creates a tenant. BAD_USER_INPUT when the name is taken. Operators only. */
  readonly createTenant: Tenant;
  /** Deletes what `context` has seen; without a context, what a read of the same strength sees now. */
  readonly delete: DeletePayload;
  /** Removes a keyspace and all that is in it. False when there was none. ADMIN only. */
  readonly dropKeyspace: Scalars['Boolean']['output'];
  /** Removes a tenant and all that is his: its credentials end at once, rows go in bounded steps. False when there was none. Operators only. */
  readonly dropTenant: Scalars['Boolean']['output'];
  /** The same read as in Query, so that one document can write and then read in order. */
  readonly get: GetPayload;
  /** Writes a value. What `context` has seen is replaced; what it has not seen stays beside it, as a conflict. */
  readonly put: PutPayload;
  /** Writes many keys of one keyspace. Not atomic: one outcome an item. */
  readonly putMany: PutManyPayload;
  /** The same read as in Query, so that one document can write and then read in order. */
  readonly range: EntryConnection;
  /**
   * Settles a write whose outcome was UNKNOWN: afterwards it is there, or it never will be. Needs a majority of the key's replicas.
   * While it cannot be settled, the failure says `outcome: UNKNOWN` again; asking again is always safe, at any gateway. Ask only of
   * writes that failed: one that was acknowledged at ONE, and whose only holder cannot be reached, would be fenced.
   */
  readonly resolveWrite: WriteResolution;
  /** Ends an API key, at every gateway within 5 s. False when there is none. Operators only. */
  readonly revokeApiKey: Scalars['Boolean']['output'];
  /** Changes the settings that are given; the others stay. ADMIN only. */
  readonly updateKeyspace: Keyspace;
  /** Changes a tenant's quota. Operators only. */
  readonly updateTenant: Tenant;
};


/** Writes, one after another in the order of the document. */
export type MutationAwaitReplicationArgs = {
  consistency: ConsistencyLevel;
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
  writeId: Scalars['ID']['input'];
};


/** Writes, one after another in the order of the document. */
export type MutationCompareAndSetArgs = {
  expect: Expectation;
  idempotencyKey?: InputMaybe<Scalars['String']['input']>;
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
  ttlSeconds?: InputMaybe<Scalars['Int']['input']>;
  value?: InputMaybe<Scalars['JSON']['input']>;
};


/** Writes, one after another in the order of the document. */
export type MutationCreateApiKeyArgs = {
  expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
  keyspaces?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  role: Role;
  tenant: Scalars['String']['input'];
};


/** Writes, one after another in the order of the document. */
export type MutationCreateKeyspaceArgs = {
  input: CreateKeyspaceInput;
};


/** Writes, one after another in the order of the document. */
export type MutationCreateTenantArgs = {
  input: CreateTenantInput;
};


/** Writes, one after another in the order of the document. */
export type MutationDeleteArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  context?: InputMaybe<Scalars['CausalContext']['input']>;
  idempotencyKey?: InputMaybe<Scalars['String']['input']>;
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  sloppy?: InputMaybe<Scalars['Boolean']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
};


/** Writes, one after another in the order of the document. */
export type MutationDropKeyspaceArgs = {
  name: Scalars['String']['input'];
};


/** Writes, one after another in the order of the document. */
export type MutationDropTenantArgs = {
  name: Scalars['String']['input'];
};


/** Writes, one after another in the order of the document. */
export type MutationGetArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
};


/** Writes, one after another in the order of the document. */
export type MutationPutArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  context?: InputMaybe<Scalars['CausalContext']['input']>;
  idempotencyKey?: InputMaybe<Scalars['String']['input']>;
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  sloppy?: InputMaybe<Scalars['Boolean']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
  ttlSeconds?: InputMaybe<Scalars['Int']['input']>;
  value: Scalars['JSON']['input'];
};


/** Writes, one after another in the order of the document. */
export type MutationPutManyArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  items: ReadonlyArray<PutItem>;
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
};


/** Writes, one after another in the order of the document. */
export type MutationRangeArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  before?: InputMaybe<Scalars['Cursor']['input']>;
  consistency?: InputMaybe<ConsistencyLevel>;
  first?: InputMaybe<Scalars['Int']['input']>;
  from?: InputMaybe<Scalars['String']['input']>;
  keyspace: Scalars['String']['input'];
  last?: InputMaybe<Scalars['Int']['input']>;
  prefix?: InputMaybe<Scalars['String']['input']>;
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
  to?: InputMaybe<Scalars['String']['input']>;
};


/** Writes, one after another in the order of the document. */
export type MutationResolveWriteArgs = {
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
  writeId: Scalars['ID']['input'];
};


/** Writes, one after another in the order of the document. */
export type MutationRevokeApiKeyArgs = {
  prefix: Scalars['String']['input'];
};


/** Writes, one after another in the order of the document. */
export type MutationUpdateKeyspaceArgs = {
  input: UpdateKeyspaceInput;
  name: Scalars['String']['input'];
};


/** Writes, one after another in the order of the document. */
export type MutationUpdateTenantArgs = {
  input: UpdateTenantInput;
  name: Scalars['String']['input'];
};

/** Something that `node` can find again. */
export type Node = {
  /** Unique among all nodes of the tenant, and stable. */
  readonly id: Scalars['ID']['output'];
};

/** Whether a failed request may have left something behind. */
export type Outcome =
  /** Certainly nothing was written. */
  | 'NONE'
  /** It may have been written, now or later. */
  | 'UNKNOWN';

/** Where a page stands in its range. */
export type PageInfo = {
  readonly __typename?: 'PageInfo';
  /** The cursor of the last entry; null on an empty page. */
  readonly endCursor?: Maybe<Scalars['Cursor']['output']>;
  /** Whether there are entries after this page. */
  readonly hasNextPage: Scalars['Boolean']['output'];
  /** Whether there are entries before this page. */
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  /** The cursor of the first entry; null on an empty page. */
  readonly startCursor?: Maybe<Scalars['Cursor']['output']>;
};

/** How keys are spread over partitions. */
export type Partitioner =
  /** Consistent hashing: adding a replica moves about its share of the keys. */
  | 'CONSISTENT_HASH'
  /** Hash modulo the number of partitions' owners: simple, and adding a replica moves nearly everything. */
  | 'MODULO_HASH'
  /** By byte order, cut at `splitKeys`: ranges stay together. */
  | 'RANGE';

/** One write of `putMany`. */
export type PutItem = {
  /** What the writer has seen of this key. Default: nothing, so the value stands beside what is there. */
  readonly context?: InputMaybe<Scalars['CausalContext']['input']>;
  /** 1 to 1024 bytes of well-formed UTF-8, no NUL. */
  readonly key: Scalars['String']['input'];
  /** Seconds until the value expires, at least 1. Default: the keyspace's `defaultTtlSeconds`. */
  readonly ttlSeconds?: InputMaybe<Scalars['Int']['input']>;
  /** At most the keyspace's `maxValueBytes`. */
  readonly value: Scalars['JSON']['input'];
};

/** The answer to `putMany`. */
export type PutManyPayload = {
  readonly __typename?: 'PutManyPayload';
  /** One outcome for each item, in the order given. Not atomic: some may be written and others not. */
  readonly results: ReadonlyArray<PutResult>;
  /** What the session has seen, these writes included. */
  readonly session: Scalars['SessionToken']['output'];
};

/** The answer to `put`. */
export type PutPayload = {
  readonly __typename?: 'PutPayload';
  /** The entry after the write, conflicts included: a conflict is data, not an error. */
  readonly entry: Entry;
  /** What this write was really given. */
  readonly receipt: Receipt;
  /** What the session has seen, this write included. */
  readonly session: Scalars['SessionToken']['output'];
  /** Names this write for good. */
  readonly writeId: Scalars['ID']['output'];
};

/** What became of one item of `putMany`: either `entry`, `writeId` and `receipt`, or `error`, with `writeId` where the outcome is UNKNOWN. */
export type PutResult = {
  readonly __typename?: 'PutResult';
  /** The entry after the write. */
  readonly entry?: Maybe<Entry>;
  /** Why it was not written, or may not have been. */
  readonly error?: Maybe<ItemError>;
  /** The item's key. */
  readonly key: Scalars['String']['output'];
  /** What this write was really given. */
  readonly receipt?: Maybe<Receipt>;
  /** Names the write: for `awaitReplication`, or, where its outcome is UNKNOWN, for `resolveWrite`. */
  readonly writeId?: Maybe<Scalars['ID']['output']>;
};

/** Reads. They change nothing that a client can see, and may be sent by GET. */
export type Query = {
  readonly __typename?: 'Query';
  /**
   * What administrators did in the caller's tenant and what its credentials were refused, newest first. ADMIN only. Records are kept
   * for `auditDays`; what happens again and again is one record with a count.
   */
  readonly auditLog: AuditConnection;
  /** The replicas as this gateway sees them. Operators only. */
  readonly cluster: Cluster;
  /** One key. */
  readonly get: GetPayload;
  /** Many keys of one keyspace at once. */
  readonly getMany: GetManyPayload;
  /** One keyspace of the tenant; null when there is none of this name. */
  readonly keyspace?: Maybe<Keyspace>;
  /** All keyspaces of the tenant, by name. */
  readonly keyspaces: ReadonlyArray<Keyspace>;
  /** The entry, keyspace or tenant of this id; null when there is none. An entry is read like `get`, at the operation's level. */
  readonly node?: Maybe<Node>;
  /** Keys in byte order. Bounds: `from` inclusive, `to` exclusive, or `prefix`. Not a snapshot across pages. */
  readonly range: EntryConnection;
  /** The caller's own tenant. */
  readonly tenant: Tenant;
  /** All tenants, by name. Operators only. */
  readonly tenants: ReadonlyArray<Tenant>;
};


/** Reads. They change nothing that a client can see, and may be sent by GET. */
export type QueryAuditLogArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  tenant?: InputMaybe<Scalars['String']['input']>;
};


/** Reads. They change nothing that a client can see, and may be sent by GET. */
export type QueryGetArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
};


/** Reads. They change nothing that a client can see, and may be sent by GET. */
export type QueryGetManyArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  keys: ReadonlyArray<Scalars['String']['input']>;
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
};


/** Reads. They change nothing that a client can see, and may be sent by GET. */
export type QueryKeyspaceArgs = {
  name: Scalars['String']['input'];
};


/** Reads. They change nothing that a client can see, and may be sent by GET. */
export type QueryNodeArgs = {
  id: Scalars['ID']['input'];
};


/** Reads. They change nothing that a client can see, and may be sent by GET. */
export type QueryRangeArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  before?: InputMaybe<Scalars['Cursor']['input']>;
  consistency?: InputMaybe<ConsistencyLevel>;
  first?: InputMaybe<Scalars['Int']['input']>;
  from?: InputMaybe<Scalars['String']['input']>;
  keyspace: Scalars['String']['input'];
  last?: InputMaybe<Scalars['Int']['input']>;
  prefix?: InputMaybe<Scalars['String']['input']>;
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
  to?: InputMaybe<Scalars['String']['input']>;
};

/** What a tenant may use; null where nothing is limited. */
export type Quota = {
  readonly __typename?: 'Quota';
  /** The levels that may be asked for. */
  readonly allowedLevels: ReadonlyArray<ConsistencyLevel>;
  /** Requests in flight at once. */
  readonly concurrentRequests?: Maybe<Scalars['Int']['output']>;
  /** Document cost a second. */
  readonly costPerSecond?: Maybe<Scalars['Int']['output']>;
  /** Cost of one document. */
  readonly documentCost?: Maybe<Scalars['Int']['output']>;
  /** Levels of one document. */
  readonly documentDepth?: Maybe<Scalars['Int']['output']>;
  /** Tokens of one document. */
  readonly documentTokens?: Maybe<Scalars['Int']['output']>;
  /** Keys. */
  readonly keys?: Maybe<Scalars['Float']['output']>;
  /** Keyspaces. */
  readonly keyspaces?: Maybe<Scalars['Int']['output']>;
  /** Requests a second. */
  readonly requestsPerSecond?: Maybe<Scalars['Int']['output']>;
  /** Open WebSocket connections. */
  readonly sockets?: Maybe<Scalars['Int']['output']>;
  /** Bytes of keys and values. */
  readonly storedBytes?: Maybe<Scalars['Float']['output']>;
  /** Open subscriptions. */
  readonly subscriptions?: Maybe<Scalars['Int']['output']>;
  /** Bytes of one value. */
  readonly valueBytes?: Maybe<Scalars['Int']['output']>;
  /** The part of a busy replica that it gets beside other tenants: 1 to 100; null is 1. */
  readonly weight?: Maybe<Scalars['Int']['output']>;
};

/** What a tenant may use; what is left out is not limited. */
export type QuotaInput = {
  /** The levels that may be asked for. Default: all. */
  readonly allowedLevels?: InputMaybe<ReadonlyArray<ConsistencyLevel>>;
  /** Requests in flight at once, at least 1. */
  readonly concurrentRequests?: InputMaybe<Scalars['Int']['input']>;
  /** Document cost a second, at least 1. */
  readonly costPerSecond?: InputMaybe<Scalars['Int']['input']>;
  /** Cost of one document, at least 1. */
  readonly documentCost?: InputMaybe<Scalars['Int']['input']>;
  /** Levels of one document, at least 1. */
  readonly documentDepth?: InputMaybe<Scalars['Int']['input']>;
  /** Tokens of one document, at least 1. */
  readonly documentTokens?: InputMaybe<Scalars['Int']['input']>;
  /** Keys. */
  readonly keys?: InputMaybe<Scalars['Float']['input']>;
  /** Keyspaces. */
  readonly keyspaces?: InputMaybe<Scalars['Int']['input']>;
  /** Requests a second, at least 1. */
  readonly requestsPerSecond?: InputMaybe<Scalars['Int']['input']>;
  /** Open WebSocket connections. */
  readonly sockets?: InputMaybe<Scalars['Int']['input']>;
  /** Bytes of keys and values. */
  readonly storedBytes?: InputMaybe<Scalars['Float']['input']>;
  /** Open subscriptions. */
  readonly subscriptions?: InputMaybe<Scalars['Int']['input']>;
  /** Bytes of one value. */
  readonly valueBytes?: InputMaybe<Scalars['Int']['input']>;
  /** The part of a busy replica that it gets beside other tenants: 1 to 100. Default: 1. */
  readonly weight?: InputMaybe<Scalars['Int']['input']>;
};

/** What this request was really given. */
export type Receipt = {
  readonly __typename?: 'Receipt';
  /** How many did before the answer. Hints never count. */
  readonly answered: Scalars['Int']['output'];
  /** From the request's arrival at the coordinator to its answer, in milliseconds. */
  readonly elapsedMs: Scalars['Float']['output'];
  /** The topology that chose the replicas. */
  readonly epoch: Scalars['Int']['output'];
  /** Writes that another replica keeps for one of the N that did not take them, at the moment of the answer. */
  readonly hinted: Scalars['Int']['output'];
  /** The level it was served at; null when the request gave `replicas` as a number. */
  readonly level?: Maybe<ConsistencyLevel>;
  /** Whether R + W > N, with this keyspace's default of the other side. False where hints had to count (`sloppy`). */
  readonly overlapping: Scalars['Boolean']['output'];
  /** Of those, how many hold it now. */
  readonly repaired: Scalars['Int']['output'];
  /** What became of each replica. */
  readonly replicas: ReadonlyArray<ReplicaOutcome>;
  /** N: how many replicas hold the key. */
  readonly replicationFactor: Scalars['Int']['output'];
  /** R or W: how many replicas had to answer, or to acknowledge. */
  readonly required: Scalars['Int']['output'];
  /** Replicas found behind the answer that was given. */
  readonly stale: Scalars['Int']['output'];
};

/** One Postgres database, seen as a replica. */
export type ReplicaInfo = {
  readonly __typename?: 'ReplicaInfo';
  /** The replica's name in the configuration. */
  readonly id: Scalars['ID']['output'];
  /** The identity of its data; a wiped replica has a new one. Empty until it was reached once. */
  readonly incarnation: Scalars['String']['output'];
  /** How far it is behind, in milliseconds: the age of the oldest write that is kept for it elsewhere. 0 when there is none. */
  readonly lagMs: Scalars['Float']['output'];
  /** Writes that are kept for it elsewhere. */
  readonly openHints: Scalars['Int']['output'];
  /** How many partitions it holds a copy of. */
  readonly ownedPartitions: Scalars['Int']['output'];
  /** How long its calls take lately, in milliseconds, as a moving average; null before the first. */
  readonly readLatencyMs?: Maybe<Scalars['Float']['output']>;
  /** Half of its reads of about the last half minute took at most this many milliseconds; null while there was none. */
  readonly readLatencyP50Ms?: Maybe<Scalars['Float']['output']>;
  /** 99 of 100 of its reads of about the last half minute took at most this many milliseconds; null while there was none. */
  readonly readLatencyP99Ms?: Maybe<Scalars['Float']['output']>;
  /** Why it is not UP, for a person; null when it is. */
  readonly reason?: Maybe<Scalars['String']['output']>;
  /** Whether it answers much later than the others do, and is asked after them. */
  readonly slow: Scalars['Boolean']['output'];
  /** Whether it is reachable, as this gateway sees it. */
  readonly state: ReplicaState;
  /** Its zone, if it has one. */
  readonly zone?: Maybe<Scalars['String']['output']>;
};

/** What became of one replica in one request, at the moment of the answer. */
export type ReplicaOutcome = {
  readonly __typename?: 'ReplicaOutcome';
  /** From sending the call to its answer, in milliseconds; null while there is none. */
  readonly elapsedMs?: Maybe<Scalars['Float']['output']>;
  /** Why the status is not OK, for a person. */
  readonly reason?: Maybe<Scalars['String']['output']>;
  /** The replica's name. */
  readonly replica: Scalars['String']['output'];
  /** Whether it holds the key, or stands in for one that does. */
  readonly role: ReplicaRole;
  /** What became of it. */
  readonly status: ReplicaStatus;
  /** Its zone, if it has one. */
  readonly zone?: Maybe<Scalars['String']['output']>;
};

/** A replica's part in a request. */
export type ReplicaRole =
  /** Stands in for a primary that is away. */
  | 'FALLBACK'
  /** One of the N that hold the key. */
  | 'PRIMARY';

/** A replica's state as one gateway sees it. */
export type ReplicaState =
  /** Not reachable. */
  | 'DOWN'
  /** Being added. */
  | 'JOINING'
  /** Being removed. */
  | 'LEAVING'
  /** Being brought up to date; takes no part in read quorums. */
  | 'REPAIRING'
  /** Did not answer lately. */
  | 'SUSPECT'
  /** Answers. */
  | 'UP';

/** What became of one replica in one request. */
export type ReplicaStatus =
  /** Not reachable. */
  | 'DOWN'
  /** A primary: did not take the write, and another replica keeps it as a hint. A fallback: keeps such a hint. */
  | 'HINTED'
  /** Not needed. */
  | 'NOT_ASKED'
  /** Answered, and was up to date; or acknowledged. */
  | 'OK'
  /** Asked, and had not answered when this answer was given. */
  | 'PENDING'
  /** Reachable, and refused. */
  | 'REFUSED'
  /** Was behind, and has been brought up to date. */
  | 'REPAIRED'
  /** Answered, and was behind. */
  | 'STALE'
  /** Asked, and gave no answer within the request's time. */
  | 'TIMEOUT';

/** The state of one key as one request saw it. */
export type Revision = {
  readonly __typename?: 'Revision';
  /** What this request saw: pass it to the next `put` or `delete` of this key, and that replaces what was seen here. */
  readonly context: Scalars['CausalContext']['output'];
  /** Whether there is at least one live version. */
  readonly exists: Scalars['Boolean']['output'];
  /** When the value expires, if it does and there is exactly one live version. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** Whether writers who had not seen each other left more than one live version. */
  readonly inConflict: Scalars['Boolean']['output'];
  /** Totally ordered, compares as a string: whatever has seen more is greater. A client cache keeps the greatest. */
  readonly revision: Scalars['String']['output'];
  /** The live versions, newest first. */
  readonly siblings: ReadonlyArray<Sibling>;
  /** When the newest version (or deletion) was written; null for a key that was never written. */
  readonly updatedAt?: Maybe<Scalars['DateTime']['output']>;
  /** The value when there is exactly one live version, else null: read `siblings` when `inConflict`. */
  readonly value?: Maybe<Scalars['JSON']['output']>;
};

/** What a credential may do; each includes those before it. */
export type Role =
  /** Create, change and drop keyspaces. */
  | 'ADMIN'
  /** See the cluster, and manage tenants. */
  | 'OPERATOR'
  /** Read. */
  | 'READER'
  /** Write. */
  | 'WRITER';

/** One of the concurrent versions of a key. */
export type Sibling = {
  readonly __typename?: 'Sibling';
  /** Whether this version is a deletion. */
  readonly deleted: Scalars['Boolean']['output'];
  /** The version's name, `actor:counter`. */
  readonly dot: Scalars['String']['output'];
  /** The value, exactly as it was sent. */
  readonly value?: Maybe<Scalars['JSON']['output']>;
  /** When it was written, by the clock of the gateway that wrote it. */
  readonly writtenAt: Scalars['DateTime']['output'];
};

/** Live, over WebSocket (graphql-transport-ws) or server-sent events. */
export type Subscription = {
  readonly __typename?: 'Subscription';
  /**
   * Changes of one key, a prefix or a range, at least once, in order per key, from `after` or from now. The first event is a
   * bookmark, sent once the feed is live: whatever is written after it arrives.
   */
  readonly changes: ChangeEvent;
};


/** Live, over WebSocket (graphql-transport-ws) or server-sent events. */
export type SubscriptionChangesArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  consistency?: InputMaybe<ConsistencyLevel>;
  from?: InputMaybe<Scalars['String']['input']>;
  key?: InputMaybe<Scalars['String']['input']>;
  keyspace: Scalars['String']['input'];
  prefix?: InputMaybe<Scalars['String']['input']>;
  snapshot?: InputMaybe<Scalars['Boolean']['input']>;
  to?: InputMaybe<Scalars['String']['input']>;
};

/** Whose data it is: every keyspace belongs to one tenant, and no request sees two. */
export type Tenant = Node & {
  readonly __typename?: 'Tenant';
  /** The tenant's API keys, without their secrets, oldest first. ADMIN only. */
  readonly apiKeys: ReadonlyArray<ApiKey>;
  /** When the tenant was created. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** Names the tenant. */
  readonly id: Scalars['ID']['output'];
  /** The tenant's name. */
  readonly name: Scalars['String']['output'];
  /** What the tenant may use. */
  readonly quota: Quota;
  /** What the tenant uses, at all gateways together. */
  readonly usage: Usage;
};

/** What to change of a keyspace; what is left out stays. */
export type UpdateKeyspaceInput = {
  /** For reads that do not name a level. */
  readonly defaultReadLevel?: InputMaybe<ConsistencyLevel>;
  /** Seconds until values expire, at least 1. */
  readonly defaultTtlSeconds?: InputMaybe<Scalars['Int']['input']>;
  /** For writes that do not name a level. */
  readonly defaultWriteLevel?: InputMaybe<ConsistencyLevel>;
  /** Writes that would leave more live versions are refused. */
  readonly maxSiblings?: InputMaybe<Scalars['Int']['input']>;
  /** The longest value, in bytes of its JSON text. */
  readonly maxValueBytes?: InputMaybe<Scalars['Int']['input']>;
  /** Weaker reads are refused. */
  readonly minimumReadLevel?: InputMaybe<ConsistencyLevel>;
  /** Weaker writes are refused. */
  readonly minimumWriteLevel?: InputMaybe<ConsistencyLevel>;
};

/** What to change of a tenant. */
export type UpdateTenantInput = {
  /** Replaces the whole quota. Default: stays. */
  readonly quota?: InputMaybe<QuotaInput>;
};

/** What a tenant uses, at all gateways together. */
export type Usage = {
  readonly __typename?: 'Usage';
  /** Requests in flight at once. */
  readonly concurrentRequests: Scalars['Int']['output'];
  /** Document cost asked for in a second, lately, refused requests included. */
  readonly costPerSecond: Scalars['Float']['output'];
  /** When `storedBytes` and `keys` were counted, which takes at most a tenth of the time; null when they could not be. */
  readonly countedAt?: Maybe<Scalars['DateTime']['output']>;
  /** Keys that hold a value. */
  readonly keys: Scalars['Float']['output'];
  /** Keyspaces. */
  readonly keyspaces: Scalars['Int']['output'];
  /** Requests refused for a limit, since the gateways that are there were started. */
  readonly refused: Scalars['Float']['output'];
  /** Requests let in since the gateways that are there were started. */
  readonly requests: Scalars['Float']['output'];
  /** Requests asked for in a second, lately, refused ones included. */
  readonly requestsPerSecond: Scalars['Float']['output'];
  /** Open WebSocket connections. */
  readonly sockets: Scalars['Int']['output'];
  /** Bytes of keys and of all that is kept of their live versions, one copy of everything. */
  readonly storedBytes: Scalars['Float']['output'];
  /** Open subscriptions. */
  readonly subscriptions: Scalars['Int']['output'];
};

/** What became of a write whose outcome was UNKNOWN. */
export type WriteResolution =
  /** It is there, and current; a majority of replicas holds it now. */
  | 'APPLIED'
  /** It did not take place, and never will: wherever it turns up, it is not shown. A retry with its idempotency key is refused. */
  | 'NEVER'
  /** It took place, and has been replaced since by a write that had seen it, or has expired. Where the last write wins: a later write stands. */
  | 'SUPERSEDED';



export type ResolverTypeWrapper<T> = Promise<T> | T;


export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;



/** Mapping of union types */
export type ResolversUnionTypes<_RefType extends Record<string, unknown>> = {
  ChangeEvent:
    | ( Omit<EntryChanged, 'entry'> & { entry: _RefType['Entry'] } )
    | ( FeedBookmark )
    | ( FeedGap )
  ;
};

/** Mapping of interface types */
export type ResolversInterfaceTypes<_RefType extends Record<string, unknown>> = {
  Node:
    | ( StoreEntry )
    | ( StoreKeyspace )
    | ( StoreTenant )
  ;
};

/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  ApiKey: ResolverTypeWrapper<StoreApiKey>;
  AuditArgument: ResolverTypeWrapper<AuditArgument>;
  AuditConnection: ResolverTypeWrapper<AuditPage>;
  AuditRecord: ResolverTypeWrapper<StoredAuditRecord>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  CausalContext: ResolverTypeWrapper<Scalars['CausalContext']['output']>;
  ChangeEvent: ResolverTypeWrapper<ResolversUnionTypes<ResolversTypes>['ChangeEvent']>;
  Cluster: ResolverTypeWrapper<ClusterView>;
  CompareAndSetPayload: ResolverTypeWrapper<CompareAndSetAnswer>;
  ConflictPolicy: ConflictPolicy;
  ConsistencyLevel: ConsistencyLevel;
  CreateKeyspaceInput: CreateKeyspaceInput;
  CreateTenantInput: CreateTenantInput;
  CreatedApiKey: ResolverTypeWrapper<CreatedKey>;
  Cursor: ResolverTypeWrapper<Scalars['Cursor']['output']>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  DeletePayload: ResolverTypeWrapper<WriteAnswer>;
  Entry: ResolverTypeWrapper<StoreEntry>;
  EntryChanged: ResolverTypeWrapper<Omit<EntryChanged, 'entry'> & { entry: ResolversTypes['Entry'] }>;
  EntryConnection: ResolverTypeWrapper<RangeAnswer>;
  EntryEdge: ResolverTypeWrapper<RangeEdge>;
  Expectation: Expectation;
  FeedBookmark: ResolverTypeWrapper<FeedBookmark>;
  FeedGap: ResolverTypeWrapper<FeedGap>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  GetManyPayload: ResolverTypeWrapper<ManyAnswer>;
  GetPayload: ResolverTypeWrapper<EntryAnswer>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  ItemError: ResolverTypeWrapper<ItemError>;
  JSON: ResolverTypeWrapper<Scalars['JSON']['output']>;
  Keyspace: ResolverTypeWrapper<StoreKeyspace>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Node: ResolverTypeWrapper<ResolversInterfaceTypes<ResolversTypes>['Node']>;
  Outcome: Outcome;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Partitioner: Partitioner;
  PutItem: PutItem;
  PutManyPayload: ResolverTypeWrapper<Omit<PutManyPayload, 'results'> & { results: ReadonlyArray<ResolversTypes['PutResult']> }>;
  PutPayload: ResolverTypeWrapper<WriteAnswer>;
  PutResult: ResolverTypeWrapper<ItemAnswer>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Quota: ResolverTypeWrapper<Quota>;
  QuotaInput: QuotaInput;
  Receipt: ResolverTypeWrapper<LevelledReceipt>;
  ReplicaInfo: ResolverTypeWrapper<ReplicaView>;
  ReplicaOutcome: ResolverTypeWrapper<StoreReplicaOutcome>;
  ReplicaRole: ReplicaRole;
  ReplicaState: ReplicaState;
  ReplicaStatus: ReplicaStatus;
  Revision: ResolverTypeWrapper<StoreEntry>;
  Role: Role;
  SessionToken: ResolverTypeWrapper<Scalars['SessionToken']['output']>;
  Sibling: ResolverTypeWrapper<StoreSibling>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Tenant: ResolverTypeWrapper<StoreTenant>;
  UpdateKeyspaceInput: UpdateKeyspaceInput;
  UpdateTenantInput: UpdateTenantInput;
  Usage: ResolverTypeWrapper<TenantUsage>;
  WriteResolution: WriteResolution;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  ApiKey: StoreApiKey;
  AuditArgument: AuditArgument;
  AuditConnection: AuditPage;
  AuditRecord: StoredAuditRecord;
  Boolean: Scalars['Boolean']['output'];
  CausalContext: Scalars['CausalContext']['output'];
  ChangeEvent: ResolversUnionTypes<ResolversParentTypes>['ChangeEvent'];
  Cluster: ClusterView;
  CompareAndSetPayload: CompareAndSetAnswer;
  CreateKeyspaceInput: CreateKeyspaceInput;
  CreateTenantInput: CreateTenantInput;
  CreatedApiKey: CreatedKey;
  Cursor: Scalars['Cursor']['output'];
  DateTime: Scalars['DateTime']['output'];
  DeletePayload: WriteAnswer;
  Entry: StoreEntry;
  EntryChanged: Omit<EntryChanged, 'entry'> & { entry: ResolversParentTypes['Entry'] };
  EntryConnection: RangeAnswer;
  EntryEdge: RangeEdge;
  Expectation: Expectation;
  FeedBookmark: FeedBookmark;
  FeedGap: FeedGap;
  Float: Scalars['Float']['output'];
  GetManyPayload: ManyAnswer;
  GetPayload: EntryAnswer;
  ID: Scalars['ID']['output'];
  Int: Scalars['Int']['output'];
  ItemError: ItemError;
  JSON: Scalars['JSON']['output'];
  Keyspace: StoreKeyspace;
  Mutation: Record<PropertyKey, never>;
  Node: ResolversInterfaceTypes<ResolversParentTypes>['Node'];
  PageInfo: PageInfo;
  PutItem: PutItem;
  PutManyPayload: Omit<PutManyPayload, 'results'> & { results: ReadonlyArray<ResolversParentTypes['PutResult']> };
  PutPayload: WriteAnswer;
  PutResult: ItemAnswer;
  Query: Record<PropertyKey, never>;
  Quota: Quota;
  QuotaInput: QuotaInput;
  Receipt: LevelledReceipt;
  ReplicaInfo: ReplicaView;
  ReplicaOutcome: StoreReplicaOutcome;
  Revision: StoreEntry;
  SessionToken: Scalars['SessionToken']['output'];
  Sibling: StoreSibling;
  String: Scalars['String']['output'];
  Subscription: Record<PropertyKey, never>;
  Tenant: StoreTenant;
  UpdateKeyspaceInput: UpdateKeyspaceInput;
  UpdateTenantInput: UpdateTenantInput;
  Usage: TenantUsage;
};

export type ConsistencyDirectiveArgs = {
  read?: Maybe<ConsistencyLevel>;
  session?: Maybe<Scalars['SessionToken']['input']>;
  timeoutMs?: Maybe<Scalars['Int']['input']>;
  write?: Maybe<ConsistencyLevel>;
};

export type ConsistencyDirectiveResolver<Result, Parent, ContextType = RequestContext, Args = ConsistencyDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type ApiKeyResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['ApiKey'] = ResolversParentTypes['ApiKey']> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  expiresAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  keyspaces?: Resolver<Maybe<ReadonlyArray<ResolversTypes['String']>>, ParentType, ContextType>;
  prefix?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  revokedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  role?: Resolver<ResolversTypes['Role'], ParentType, ContextType>;
};

export type AuditArgumentResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['AuditArgument'] = ResolversParentTypes['AuditArgument']> = {
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  value?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type AuditConnectionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['AuditConnection'] = ResolversParentTypes['AuditConnection']> = {
  nodes?: Resolver<ReadonlyArray<ResolversTypes['AuditRecord']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type AuditRecordResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['AuditRecord'] = ResolversParentTypes['AuditRecord']> = {
  action?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  actor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  count?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  lastAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  outcome?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  role?: Resolver<Maybe<ResolversTypes['Role']>, ParentType, ContextType>;
  target?: Resolver<ReadonlyArray<ResolversTypes['AuditArgument']>, ParentType, ContextType>;
  tenant?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export interface CausalContextScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['CausalContext'], any> {
  name: 'CausalContext';
}

export type ChangeEventResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['ChangeEvent'] = ResolversParentTypes['ChangeEvent']> = {
  __resolveType: TypeResolveFn<'EntryChanged' | 'FeedBookmark' | 'FeedGap', ParentType, ContextType>;
};

export type ClusterResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Cluster'] = ResolversParentTypes['Cluster']> = {
  epoch?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  partitions?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  replicas?: Resolver<ReadonlyArray<ResolversTypes['ReplicaInfo']>, ParentType, ContextType>;
};

export type CompareAndSetPayloadResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['CompareAndSetPayload'] = ResolversParentTypes['CompareAndSetPayload']> = {
  applied?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  entry?: Resolver<ResolversTypes['Entry'], ParentType, ContextType>;
  receipt?: Resolver<ResolversTypes['Receipt'], ParentType, ContextType>;
  session?: Resolver<ResolversTypes['SessionToken'], ParentType, ContextType>;
  writeId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type CreatedApiKeyResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['CreatedApiKey'] = ResolversParentTypes['CreatedApiKey']> = {
  apiKey?: Resolver<ResolversTypes['ApiKey'], ParentType, ContextType>;
  secret?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export interface CursorScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['Cursor'], any> {
  name: 'Cursor';
}

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type DeletePayloadResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['DeletePayload'] = ResolversParentTypes['DeletePayload']> = {
  entry?: Resolver<ResolversTypes['Entry'], ParentType, ContextType>;
  receipt?: Resolver<ResolversTypes['Receipt'], ParentType, ContextType>;
  session?: Resolver<ResolversTypes['SessionToken'], ParentType, ContextType>;
  writeId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type EntryResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Entry'] = ResolversParentTypes['Entry']> = {
  current?: Resolver<ResolversTypes['Revision'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  key?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  keyspace?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type EntryChangedResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['EntryChanged'] = ResolversParentTypes['EntryChanged']> = {
  confirmedBy?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  cursor?: Resolver<ResolversTypes['Cursor'], ParentType, ContextType>;
  entry?: Resolver<ResolversTypes['Entry'], ParentType, ContextType>;
  session?: Resolver<ResolversTypes['SessionToken'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type EntryConnectionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['EntryConnection'] = ResolversParentTypes['EntryConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['EntryEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['Entry']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  receipt?: Resolver<ResolversTypes['Receipt'], ParentType, ContextType>;
  session?: Resolver<ResolversTypes['SessionToken'], ParentType, ContextType>;
};

export type EntryEdgeResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['EntryEdge'] = ResolversParentTypes['EntryEdge']> = {
  cursor?: Resolver<ResolversTypes['Cursor'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Entry'], ParentType, ContextType>;
};

export type FeedBookmarkResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['FeedBookmark'] = ResolversParentTypes['FeedBookmark']> = {
  cursor?: Resolver<ResolversTypes['Cursor'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type FeedGapResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['FeedGap'] = ResolversParentTypes['FeedGap']> = {
  cursor?: Resolver<ResolversTypes['Cursor'], ParentType, ContextType>;
  reason?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type GetManyPayloadResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['GetManyPayload'] = ResolversParentTypes['GetManyPayload']> = {
  entries?: Resolver<ReadonlyArray<ResolversTypes['Entry']>, ParentType, ContextType>;
  receipt?: Resolver<ResolversTypes['Receipt'], ParentType, ContextType>;
  session?: Resolver<ResolversTypes['SessionToken'], ParentType, ContextType>;
};

export type GetPayloadResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['GetPayload'] = ResolversParentTypes['GetPayload']> = {
  entry?: Resolver<ResolversTypes['Entry'], ParentType, ContextType>;
  receipt?: Resolver<ResolversTypes['Receipt'], ParentType, ContextType>;
  session?: Resolver<ResolversTypes['SessionToken'], ParentType, ContextType>;
};

export type ItemErrorResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['ItemError'] = ResolversParentTypes['ItemError']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  outcome?: Resolver<ResolversTypes['Outcome'], ParentType, ContextType>;
};

export interface JsonScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSON'], any> {
  name: 'JSON';
}

export type KeyspaceResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Keyspace'] = ResolversParentTypes['Keyspace']> = {
  conflicts?: Resolver<ResolversTypes['ConflictPolicy'], ParentType, ContextType>;
  defaultReadLevel?: Resolver<ResolversTypes['ConsistencyLevel'], ParentType, ContextType>;
  defaultTtlSeconds?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  defaultWriteLevel?: Resolver<ResolversTypes['ConsistencyLevel'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  maxSiblings?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  maxValueBytes?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  minimumReadLevel?: Resolver<ResolversTypes['ConsistencyLevel'], ParentType, ContextType>;
  minimumWriteLevel?: Resolver<ResolversTypes['ConsistencyLevel'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  partitioner?: Resolver<ResolversTypes['Partitioner'], ParentType, ContextType>;
  replicationFactor?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type MutationResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  awaitReplication?: Resolver<ResolversTypes['Receipt'], ParentType, ContextType, RequireFields<MutationAwaitReplicationArgs, 'consistency' | 'key' | 'keyspace' | 'writeId'>>;
  compareAndSet?: Resolver<ResolversTypes['CompareAndSetPayload'], ParentType, ContextType, RequireFields<MutationCompareAndSetArgs, 'expect' | 'key' | 'keyspace'>>;
  createApiKey?: Resolver<ResolversTypes['CreatedApiKey'], ParentType, ContextType, RequireFields<MutationCreateApiKeyArgs, 'role' | 'tenant'>>;
  createKeyspace?: Resolver<ResolversTypes['Keyspace'], ParentType, ContextType, RequireFields<MutationCreateKeyspaceArgs, 'input'>>;
  createTenant?: Resolver<ResolversTypes['Tenant'], ParentType, ContextType, RequireFields<MutationCreateTenantArgs, 'input'>>;
  delete?: Resolver<ResolversTypes['DeletePayload'], ParentType, ContextType, RequireFields<MutationDeleteArgs, 'key' | 'keyspace' | 'sloppy'>>;
  dropKeyspace?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationDropKeyspaceArgs, 'name'>>;
  dropTenant?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationDropTenantArgs, 'name'>>;
  get?: Resolver<ResolversTypes['GetPayload'], ParentType, ContextType, RequireFields<MutationGetArgs, 'key' | 'keyspace'>>;
  put?: Resolver<ResolversTypes['PutPayload'], ParentType, ContextType, RequireFields<MutationPutArgs, 'key' | 'keyspace' | 'sloppy' | 'value'>>;
  putMany?: Resolver<ResolversTypes['PutManyPayload'], ParentType, ContextType, RequireFields<MutationPutManyArgs, 'items' | 'keyspace'>>;
  range?: Resolver<ResolversTypes['EntryConnection'], ParentType, ContextType, RequireFields<MutationRangeArgs, 'keyspace'>>;
  resolveWrite?: Resolver<ResolversTypes['WriteResolution'], ParentType, ContextType, RequireFields<MutationResolveWriteArgs, 'key' | 'keyspace' | 'writeId'>>;
  revokeApiKey?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationRevokeApiKeyArgs, 'prefix'>>;
  updateKeyspace?: Resolver<ResolversTypes['Keyspace'], ParentType, ContextType, RequireFields<MutationUpdateKeyspaceArgs, 'input' | 'name'>>;
  updateTenant?: Resolver<ResolversTypes['Tenant'], ParentType, ContextType, RequireFields<MutationUpdateTenantArgs, 'input' | 'name'>>;
};

export type NodeResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Node'] = ResolversParentTypes['Node']> = {
  __resolveType: TypeResolveFn<'Entry' | 'Keyspace' | 'Tenant', ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['Cursor']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['Cursor']>, ParentType, ContextType>;
};

export type PutManyPayloadResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['PutManyPayload'] = ResolversParentTypes['PutManyPayload']> = {
  results?: Resolver<ReadonlyArray<ResolversTypes['PutResult']>, ParentType, ContextType>;
  session?: Resolver<ResolversTypes['SessionToken'], ParentType, ContextType>;
};

export type PutPayloadResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['PutPayload'] = ResolversParentTypes['PutPayload']> = {
  entry?: Resolver<ResolversTypes['Entry'], ParentType, ContextType>;
  receipt?: Resolver<ResolversTypes['Receipt'], ParentType, ContextType>;
  session?: Resolver<ResolversTypes['SessionToken'], ParentType, ContextType>;
  writeId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type PutResultResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['PutResult'] = ResolversParentTypes['PutResult']> = {
  entry?: Resolver<Maybe<ResolversTypes['Entry']>, ParentType, ContextType>;
  error?: Resolver<Maybe<ResolversTypes['ItemError']>, ParentType, ContextType>;
  key?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  receipt?: Resolver<Maybe<ResolversTypes['Receipt']>, ParentType, ContextType>;
  writeId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type QueryResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  auditLog?: Resolver<ResolversTypes['AuditConnection'], ParentType, ContextType, Partial<QueryAuditLogArgs>>;
  cluster?: Resolver<ResolversTypes['Cluster'], ParentType, ContextType>;
  get?: Resolver<ResolversTypes['GetPayload'], ParentType, ContextType, RequireFields<QueryGetArgs, 'key' | 'keyspace'>>;
  getMany?: Resolver<ResolversTypes['GetManyPayload'], ParentType, ContextType, RequireFields<QueryGetManyArgs, 'keys' | 'keyspace'>>;
  keyspace?: Resolver<Maybe<ResolversTypes['Keyspace']>, ParentType, ContextType, RequireFields<QueryKeyspaceArgs, 'name'>>;
  keyspaces?: Resolver<ReadonlyArray<ResolversTypes['Keyspace']>, ParentType, ContextType>;
  node?: Resolver<Maybe<ResolversTypes['Node']>, ParentType, ContextType, RequireFields<QueryNodeArgs, 'id'>>;
  range?: Resolver<ResolversTypes['EntryConnection'], ParentType, ContextType, RequireFields<QueryRangeArgs, 'keyspace'>>;
  tenant?: Resolver<ResolversTypes['Tenant'], ParentType, ContextType>;
  tenants?: Resolver<ReadonlyArray<ResolversTypes['Tenant']>, ParentType, ContextType>;
};

export type QuotaResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Quota'] = ResolversParentTypes['Quota']> = {
  allowedLevels?: Resolver<ReadonlyArray<ResolversTypes['ConsistencyLevel']>, ParentType, ContextType>;
  concurrentRequests?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  costPerSecond?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  documentCost?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  documentDepth?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  documentTokens?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  keys?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  keyspaces?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  requestsPerSecond?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  sockets?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  storedBytes?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  subscriptions?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  valueBytes?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  weight?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type ReceiptResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Receipt'] = ResolversParentTypes['Receipt']> = {
  answered?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  elapsedMs?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  epoch?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  hinted?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  level?: Resolver<Maybe<ResolversTypes['ConsistencyLevel']>, ParentType, ContextType>;
  overlapping?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  repaired?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  replicas?: Resolver<ReadonlyArray<ResolversTypes['ReplicaOutcome']>, ParentType, ContextType>;
  replicationFactor?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  required?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  stale?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type ReplicaInfoResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['ReplicaInfo'] = ResolversParentTypes['ReplicaInfo']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  incarnation?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  lagMs?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  openHints?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  ownedPartitions?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  readLatencyMs?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  readLatencyP50Ms?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  readLatencyP99Ms?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  reason?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  slow?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['ReplicaState'], ParentType, ContextType>;
  zone?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type ReplicaOutcomeResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['ReplicaOutcome'] = ResolversParentTypes['ReplicaOutcome']> = {
  elapsedMs?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  reason?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  replica?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  role?: Resolver<ResolversTypes['ReplicaRole'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['ReplicaStatus'], ParentType, ContextType>;
  zone?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type RevisionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Revision'] = ResolversParentTypes['Revision']> = {
  context?: Resolver<ResolversTypes['CausalContext'], ParentType, ContextType>;
  exists?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  expiresAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  inConflict?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  revision?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  siblings?: Resolver<ReadonlyArray<ResolversTypes['Sibling']>, ParentType, ContextType>;
  updatedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  value?: Resolver<Maybe<ResolversTypes['JSON']>, ParentType, ContextType>;
};

export interface SessionTokenScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['SessionToken'], any> {
  name: 'SessionToken';
}

export type SiblingResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Sibling'] = ResolversParentTypes['Sibling']> = {
  deleted?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  dot?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  value?: Resolver<Maybe<ResolversTypes['JSON']>, ParentType, ContextType>;
  writtenAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type SubscriptionResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  changes?: SubscriptionResolver<ResolversTypes['ChangeEvent'], "changes", ParentType, ContextType, RequireFields<SubscriptionChangesArgs, 'keyspace'>>;
};

export type TenantResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Tenant'] = ResolversParentTypes['Tenant']> = {
  apiKeys?: Resolver<ReadonlyArray<ResolversTypes['ApiKey']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  quota?: Resolver<ResolversTypes['Quota'], ParentType, ContextType>;
  usage?: Resolver<ResolversTypes['Usage'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type UsageResolvers<ContextType = RequestContext, ParentType extends ResolversParentTypes['Usage'] = ResolversParentTypes['Usage']> = {
  concurrentRequests?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  costPerSecond?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  countedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  keys?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  keyspaces?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  refused?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  requests?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  requestsPerSecond?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  sockets?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  storedBytes?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  subscriptions?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type Resolvers<ContextType = RequestContext> = {
  ApiKey?: ApiKeyResolvers<ContextType>;
  AuditArgument?: AuditArgumentResolvers<ContextType>;
  AuditConnection?: AuditConnectionResolvers<ContextType>;
  AuditRecord?: AuditRecordResolvers<ContextType>;
  CausalContext?: GraphQLScalarType;
  ChangeEvent?: ChangeEventResolvers<ContextType>;
  Cluster?: ClusterResolvers<ContextType>;
  CompareAndSetPayload?: CompareAndSetPayloadResolvers<ContextType>;
  CreatedApiKey?: CreatedApiKeyResolvers<ContextType>;
  Cursor?: GraphQLScalarType;
  DateTime?: GraphQLScalarType;
  DeletePayload?: DeletePayloadResolvers<ContextType>;
  Entry?: EntryResolvers<ContextType>;
  EntryChanged?: EntryChangedResolvers<ContextType>;
  EntryConnection?: EntryConnectionResolvers<ContextType>;
  EntryEdge?: EntryEdgeResolvers<ContextType>;
  FeedBookmark?: FeedBookmarkResolvers<ContextType>;
  FeedGap?: FeedGapResolvers<ContextType>;
  GetManyPayload?: GetManyPayloadResolvers<ContextType>;
  GetPayload?: GetPayloadResolvers<ContextType>;
  ItemError?: ItemErrorResolvers<ContextType>;
  JSON?: GraphQLScalarType;
  Keyspace?: KeyspaceResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  Node?: NodeResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  PutManyPayload?: PutManyPayloadResolvers<ContextType>;
  PutPayload?: PutPayloadResolvers<ContextType>;
  PutResult?: PutResultResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  Quota?: QuotaResolvers<ContextType>;
  Receipt?: ReceiptResolvers<ContextType>;
  ReplicaInfo?: ReplicaInfoResolvers<ContextType>;
  ReplicaOutcome?: ReplicaOutcomeResolvers<ContextType>;
  Revision?: RevisionResolvers<ContextType>;
  SessionToken?: GraphQLScalarType;
  Sibling?: SiblingResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  Tenant?: TenantResolvers<ContextType>;
  Usage?: UsageResolvers<ContextType>;
};

export type DirectiveResolvers<ContextType = RequestContext> = {
  consistency?: ConsistencyDirectiveResolver<any, any, ContextType>;
};
