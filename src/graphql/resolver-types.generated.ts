import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { RequestContext } from './request-context.ts';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  CausalContext: { input: string; output: string; }
  Cursor: { input: string; output: string; }
  DateTime: { input: string; output: string; }
  JSON: { input: unknown; output: unknown; }
  SessionToken: { input: string; output: string; }
};

export type ApiKey = {
  readonly __typename?: 'ApiKey';
  readonly createdAt: Scalars['DateTime']['output'];
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  readonly keyspaces?: Maybe<ReadonlyArray<Scalars['String']['output']>>;
  readonly prefix: Scalars['String']['output'];
  readonly revokedAt?: Maybe<Scalars['DateTime']['output']>;
  readonly role: Role;
};

export type ChangeEvent = EntryChanged | FeedBookmark | FeedGap;

export type Cluster = {
  readonly __typename?: 'Cluster';
  readonly epoch: Scalars['Int']['output'];
  readonly partitions: Scalars['Int']['output'];
  readonly replicas: ReadonlyArray<ReplicaInfo>;
};

export type CompareAndSetPayload = {
  readonly __typename?: 'CompareAndSetPayload';
  readonly applied: Scalars['Boolean']['output'];
  readonly entry: Entry;
  readonly receipt: Receipt;
  readonly session: Scalars['SessionToken']['output'];
  readonly writeId?: Maybe<Scalars['ID']['output']>;
};

export type ConflictPolicy =
  | 'LAST_WRITE_WINS'
  | 'SIBLINGS';

export type ConsistencyLevel =
  | 'ALL'
  | 'CAUSAL'
  | 'LINEARIZABLE'
  | 'ONE'
  | 'QUORUM'
  | 'READ_YOUR_WRITES'
  | 'SESSION';

export type CreateKeyspaceInput = {
  readonly conflicts?: InputMaybe<ConflictPolicy>;
  readonly defaultReadLevel?: InputMaybe<ConsistencyLevel>;
  readonly defaultTtlSeconds?: InputMaybe<Scalars['Int']['input']>;
  readonly defaultWriteLevel?: InputMaybe<ConsistencyLevel>;
  readonly maxSiblings?: InputMaybe<Scalars['Int']['input']>;
  readonly maxValueBytes?: InputMaybe<Scalars['Int']['input']>;
  readonly minimumReadLevel?: InputMaybe<ConsistencyLevel>;
  readonly minimumWriteLevel?: InputMaybe<ConsistencyLevel>;
  readonly name: Scalars['String']['input'];
  readonly partitioner?: InputMaybe<Partitioner>;
  readonly replicationFactor?: InputMaybe<Scalars['Int']['input']>;
  readonly splitKeys?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
};

export type CreateTenantInput = {
  readonly name: Scalars['String']['input'];
  readonly quota?: InputMaybe<QuotaInput>;
};

export type CreatedApiKey = {
  readonly __typename?: 'CreatedApiKey';
  readonly apiKey: ApiKey;
  readonly secret: Scalars['String']['output'];
};

export type DeletePayload = {
  readonly __typename?: 'DeletePayload';
  readonly entry: Entry;
  readonly receipt: Receipt;
  readonly session: Scalars['SessionToken']['output'];
  readonly writeId: Scalars['ID']['output'];
};

/**
 * One key. Normalised by clients under `id`; all that changes is under `current`, which has no id of its own, so that a client
 * cache can keep the newest by `revision` (a stale ONE read must not overwrite a newer QUORUM read).
 */
export type Entry = Node & {
  readonly __typename?: 'Entry';
  readonly current: Revision;
  readonly id: Scalars['ID']['output'];
  readonly key: Scalars['String']['output'];
  readonly keyspace: Scalars['String']['output'];
};

export type EntryChanged = {
  readonly __typename?: 'EntryChanged';
  readonly confirmedBy: Scalars['Int']['output'];
  readonly cursor: Scalars['Cursor']['output'];
  readonly entry: Entry;
  readonly session: Scalars['SessionToken']['output'];
};

export type EntryConnection = {
  readonly __typename?: 'EntryConnection';
  readonly edges: ReadonlyArray<EntryEdge>;
  readonly nodes: ReadonlyArray<Entry>;
  readonly pageInfo: PageInfo;
  readonly receipt: Receipt;
  readonly session: Scalars['SessionToken']['output'];
};

export type EntryEdge = {
  readonly __typename?: 'EntryEdge';
  readonly cursor: Scalars['Cursor']['output'];
  readonly node: Entry;
};

/** Exactly one of the three. */
export type Expectation =
  { readonly absent: Scalars['Boolean']['input']; readonly context?: never; readonly value?: never; }
  |  { readonly absent?: never; readonly context: Scalars['CausalContext']['input']; readonly value?: never; }
  |  { readonly absent?: never; readonly context?: never; readonly value: Scalars['JSON']['input']; };

export type FeedBookmark = {
  readonly __typename?: 'FeedBookmark';
  readonly cursor: Scalars['Cursor']['output'];
};

export type FeedGap = {
  readonly __typename?: 'FeedGap';
  readonly cursor: Scalars['Cursor']['output'];
  readonly reason: Scalars['String']['output'];
};

export type GetManyPayload = {
  readonly __typename?: 'GetManyPayload';
  readonly entries: ReadonlyArray<Entry>;
  readonly receipt: Receipt;
  readonly session: Scalars['SessionToken']['output'];
};

export type GetPayload = {
  readonly __typename?: 'GetPayload';
  readonly entry: Entry;
  readonly receipt: Receipt;
  readonly session: Scalars['SessionToken']['output'];
};

export type ItemError = {
  readonly __typename?: 'ItemError';
  readonly code: Scalars['String']['output'];
  readonly message: Scalars['String']['output'];
  readonly outcome: Outcome;
};

export type Keyspace = Node & {
  readonly __typename?: 'Keyspace';
  readonly conflicts: ConflictPolicy;
  readonly defaultReadLevel: ConsistencyLevel;
  readonly defaultTtlSeconds?: Maybe<Scalars['Int']['output']>;
  readonly defaultWriteLevel: ConsistencyLevel;
  readonly id: Scalars['ID']['output'];
  readonly maxSiblings: Scalars['Int']['output'];
  readonly maxValueBytes: Scalars['Int']['output'];
  readonly minimumReadLevel: ConsistencyLevel;
  readonly minimumWriteLevel: ConsistencyLevel;
  readonly name: Scalars['String']['output'];
  readonly partitioner: Partitioner;
  readonly replicationFactor: Scalars['Int']['output'];
};

export type Mutation = {
  readonly __typename?: 'Mutation';
  /** Waits until a past write is held as `consistency` would have demanded. */
  readonly awaitReplication: Receipt;
  readonly compareAndSet: CompareAndSetPayload;
  readonly createApiKey: CreatedApiKey;
  readonly createKeyspace: Keyspace;
  /** Operators only. */
  readonly createTenant: Tenant;
  readonly delete: DeletePayload;
  readonly dropKeyspace: Scalars['Boolean']['output'];
  readonly dropTenant: Scalars['Boolean']['output'];
  /** The same reads as in Query, here so that one document can write and then read in order (mutation fields run one after another). */
  readonly get: GetPayload;
  readonly put: PutPayload;
  readonly putMany: PutManyPayload;
  readonly range: EntryConnection;
  /** Settles a write whose outcome was UNKNOWN; NEVER means it is fenced for good. */
  readonly resolveWrite: WriteResolution;
  readonly revokeApiKey: Scalars['Boolean']['output'];
  readonly updateKeyspace: Keyspace;
  readonly updateTenant: Tenant;
};


export type MutationAwaitReplicationArgs = {
  consistency: ConsistencyLevel;
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
  writeId: Scalars['ID']['input'];
};


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


export type MutationCreateApiKeyArgs = {
  expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
  keyspaces?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  role: Role;
  tenant: Scalars['String']['input'];
};


export type MutationCreateKeyspaceArgs = {
  input: CreateKeyspaceInput;
};


export type MutationCreateTenantArgs = {
  input: CreateTenantInput;
};


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


export type MutationDropKeyspaceArgs = {
  name: Scalars['String']['input'];
};


export type MutationDropTenantArgs = {
  name: Scalars['String']['input'];
};


export type MutationGetArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
};


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


export type MutationPutManyArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  items: ReadonlyArray<PutItem>;
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
};


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


export type MutationResolveWriteArgs = {
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
  writeId: Scalars['ID']['input'];
};


export type MutationRevokeApiKeyArgs = {
  prefix: Scalars['String']['input'];
};


export type MutationUpdateKeyspaceArgs = {
  input: UpdateKeyspaceInput;
  name: Scalars['String']['input'];
};


export type MutationUpdateTenantArgs = {
  input: UpdateTenantInput;
  name: Scalars['String']['input'];
};

export type Node = {
  readonly id: Scalars['ID']['output'];
};

export type Outcome =
  | 'NONE'
  | 'UNKNOWN';

export type PageInfo = {
  readonly __typename?: 'PageInfo';
  readonly endCursor?: Maybe<Scalars['Cursor']['output']>;
  readonly hasNextPage: Scalars['Boolean']['output'];
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  readonly startCursor?: Maybe<Scalars['Cursor']['output']>;
};

export type Partitioner =
  | 'CONSISTENT_HASH'
  | 'MODULO_HASH'
  | 'RANGE';

export type PutItem = {
  readonly context?: InputMaybe<Scalars['CausalContext']['input']>;
  readonly key: Scalars['String']['input'];
  readonly ttlSeconds?: InputMaybe<Scalars['Int']['input']>;
  readonly value: Scalars['JSON']['input'];
};

export type PutManyPayload = {
  readonly __typename?: 'PutManyPayload';
  readonly results: ReadonlyArray<PutResult>;
  readonly session: Scalars['SessionToken']['output'];
};

export type PutPayload = {
  readonly __typename?: 'PutPayload';
  readonly entry: Entry;
  readonly receipt: Receipt;
  readonly session: Scalars['SessionToken']['output'];
  readonly writeId: Scalars['ID']['output'];
};

export type PutResult = {
  readonly __typename?: 'PutResult';
  readonly entry?: Maybe<Entry>;
  readonly error?: Maybe<ItemError>;
  readonly key: Scalars['String']['output'];
  readonly receipt?: Maybe<Receipt>;
  readonly writeId?: Maybe<Scalars['ID']['output']>;
};

export type Query = {
  readonly __typename?: 'Query';
  readonly cluster: Cluster;
  readonly get: GetPayload;
  readonly getMany: GetManyPayload;
  readonly keyspace?: Maybe<Keyspace>;
  readonly keyspaces: ReadonlyArray<Keyspace>;
  readonly node?: Maybe<Node>;
  /** Keys in byte order. Bounds: `from` inclusive, `to` exclusive, or `prefix`. Not a snapshot across pages. */
  readonly range: EntryConnection;
  readonly tenant: Tenant;
  readonly tenants: ReadonlyArray<Tenant>;
};


export type QueryGetArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  key: Scalars['String']['input'];
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
};


export type QueryGetManyArgs = {
  consistency?: InputMaybe<ConsistencyLevel>;
  keys: ReadonlyArray<Scalars['String']['input']>;
  keyspace: Scalars['String']['input'];
  replicas?: InputMaybe<Scalars['Int']['input']>;
  session?: InputMaybe<Scalars['SessionToken']['input']>;
  timeoutMs?: InputMaybe<Scalars['Int']['input']>;
};


export type QueryKeyspaceArgs = {
  name: Scalars['String']['input'];
};


export type QueryNodeArgs = {
  id: Scalars['ID']['input'];
};


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

export type Quota = {
  readonly __typename?: 'Quota';
  readonly allowedLevels: ReadonlyArray<ConsistencyLevel>;
  readonly concurrentRequests?: Maybe<Scalars['Int']['output']>;
  readonly costPerSecond?: Maybe<Scalars['Int']['output']>;
  readonly keys?: Maybe<Scalars['Float']['output']>;
  readonly keyspaces?: Maybe<Scalars['Int']['output']>;
  readonly requestsPerSecond?: Maybe<Scalars['Int']['output']>;
  readonly sockets?: Maybe<Scalars['Int']['output']>;
  readonly storedBytes?: Maybe<Scalars['Float']['output']>;
  readonly subscriptions?: Maybe<Scalars['Int']['output']>;
  readonly valueBytes?: Maybe<Scalars['Int']['output']>;
};

export type QuotaInput = {
  readonly allowedLevels?: InputMaybe<ReadonlyArray<ConsistencyLevel>>;
  readonly concurrentRequests?: InputMaybe<Scalars['Int']['input']>;
  readonly costPerSecond?: InputMaybe<Scalars['Int']['input']>;
  readonly keys?: InputMaybe<Scalars['Float']['input']>;
  readonly keyspaces?: InputMaybe<Scalars['Int']['input']>;
  readonly requestsPerSecond?: InputMaybe<Scalars['Int']['input']>;
  readonly sockets?: InputMaybe<Scalars['Int']['input']>;
  readonly storedBytes?: InputMaybe<Scalars['Float']['input']>;
  readonly subscriptions?: InputMaybe<Scalars['Int']['input']>;
  readonly valueBytes?: InputMaybe<Scalars['Int']['input']>;
};

/** What this request was really given. */
export type Receipt = {
  readonly __typename?: 'Receipt';
  readonly answered: Scalars['Int']['output'];
  readonly elapsedMs: Scalars['Float']['output'];
  readonly epoch: Scalars['Int']['output'];
  readonly hinted: Scalars['Int']['output'];
  readonly level?: Maybe<ConsistencyLevel>;
  readonly overlapping: Scalars['Boolean']['output'];
  readonly repaired: Scalars['Int']['output'];
  readonly replicas: ReadonlyArray<ReplicaOutcome>;
  readonly replicationFactor: Scalars['Int']['output'];
  readonly required: Scalars['Int']['output'];
  readonly stale: Scalars['Int']['output'];
};

export type ReplicaInfo = {
  readonly __typename?: 'ReplicaInfo';
  readonly id: Scalars['ID']['output'];
  readonly incarnation: Scalars['String']['output'];
  readonly openHints: Scalars['Int']['output'];
  readonly ownedPartitions: Scalars['Int']['output'];
  readonly readLatencyMs?: Maybe<Scalars['Float']['output']>;
  readonly state: ReplicaState;
  readonly zone?: Maybe<Scalars['String']['output']>;
};

export type ReplicaOutcome = {
  readonly __typename?: 'ReplicaOutcome';
  readonly elapsedMs?: Maybe<Scalars['Float']['output']>;
  readonly reason?: Maybe<Scalars['String']['output']>;
  readonly replica: Scalars['String']['output'];
  readonly role: ReplicaRole;
  readonly status: ReplicaStatus;
  readonly zone?: Maybe<Scalars['String']['output']>;
};

export type ReplicaRole =
  | 'FALLBACK'
  | 'PRIMARY';

export type ReplicaState =
  | 'DOWN'
  | 'JOINING'
  | 'LEAVING'
  | 'REPAIRING'
  | 'SUSPECT'
  | 'UP';

export type ReplicaStatus =
  | 'DOWN'
  | 'HINTED'
  | 'NOT_ASKED'
  | 'OK'
  | 'REFUSED'
  | 'REPAIRED'
  | 'STALE'
  | 'TIMEOUT';

export type Revision = {
  readonly __typename?: 'Revision';
  readonly context: Scalars['CausalContext']['output'];
  readonly exists: Scalars['Boolean']['output'];
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  readonly inConflict: Scalars['Boolean']['output'];
  readonly revision: Scalars['String']['output'];
  readonly siblings: ReadonlyArray<Sibling>;
  readonly updatedAt?: Maybe<Scalars['DateTime']['output']>;
  readonly value?: Maybe<Scalars['JSON']['output']>;
};

export type Role =
  | 'ADMIN'
  | 'OPERATOR'
  | 'READER'
  | 'WRITER';

export type Sibling = {
  readonly __typename?: 'Sibling';
  readonly deleted: Scalars['Boolean']['output'];
  readonly dot: Scalars['String']['output'];
  readonly value?: Maybe<Scalars['JSON']['output']>;
  readonly writtenAt: Scalars['DateTime']['output'];
};

export type Subscription = {
  readonly __typename?: 'Subscription';
  /** Changes of one key, a prefix or a range, at least once, in order per key, from `after` or from now. */
  readonly changes: ChangeEvent;
};


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

export type Tenant = Node & {
  readonly __typename?: 'Tenant';
  readonly apiKeys: ReadonlyArray<ApiKey>;
  readonly createdAt: Scalars['DateTime']['output'];
  readonly id: Scalars['ID']['output'];
  readonly name: Scalars['String']['output'];
  readonly quota: Quota;
  readonly usage: Usage;
};

export type UpdateKeyspaceInput = {
  readonly defaultReadLevel?: InputMaybe<ConsistencyLevel>;
  readonly defaultTtlSeconds?: InputMaybe<Scalars['Int']['input']>;
  readonly defaultWriteLevel?: InputMaybe<ConsistencyLevel>;
  readonly maxSiblings?: InputMaybe<Scalars['Int']['input']>;
  readonly maxValueBytes?: InputMaybe<Scalars['Int']['input']>;
  readonly minimumReadLevel?: InputMaybe<ConsistencyLevel>;
  readonly minimumWriteLevel?: InputMaybe<ConsistencyLevel>;
};

export type UpdateTenantInput = {
  readonly quota?: InputMaybe<QuotaInput>;
};

export type Usage = {
  readonly __typename?: 'Usage';
  readonly keys: Scalars['Float']['output'];
  readonly refused: Scalars['Float']['output'];
  readonly requests: Scalars['Float']['output'];
  readonly sockets: Scalars['Int']['output'];
  readonly storedBytes: Scalars['Float']['output'];
  readonly subscriptions: Scalars['Int']['output'];
};

export type WriteResolution =
  | 'APPLIED'
  | 'NEVER'
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
    | ( EntryChanged )
    | ( FeedBookmark )
    | ( FeedGap )
  ;
};

/** Mapping of interface types */
export type ResolversInterfaceTypes<_RefType extends Record<string, unknown>> = {
  Node:
    | ( Entry )
    | ( Keyspace )
    | ( Tenant )
  ;
};

/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  ApiKey: ResolverTypeWrapper<ApiKey>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  CausalContext: ResolverTypeWrapper<Scalars['CausalContext']['output']>;
  ChangeEvent: ResolverTypeWrapper<ResolversUnionTypes<ResolversTypes>['ChangeEvent']>;
  Cluster: ResolverTypeWrapper<Cluster>;
  CompareAndSetPayload: ResolverTypeWrapper<CompareAndSetPayload>;
  ConflictPolicy: ConflictPolicy;
  ConsistencyLevel: ConsistencyLevel;
  CreateKeyspaceInput: CreateKeyspaceInput;
  CreateTenantInput: CreateTenantInput;
  CreatedApiKey: ResolverTypeWrapper<CreatedApiKey>;
  Cursor: ResolverTypeWrapper<Scalars['Cursor']['output']>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  DeletePayload: ResolverTypeWrapper<DeletePayload>;
  Entry: ResolverTypeWrapper<Entry>;
  EntryChanged: ResolverTypeWrapper<EntryChanged>;
  EntryConnection: ResolverTypeWrapper<EntryConnection>;
  EntryEdge: ResolverTypeWrapper<EntryEdge>;
  Expectation: Expectation;
  FeedBookmark: ResolverTypeWrapper<FeedBookmark>;
  FeedGap: ResolverTypeWrapper<FeedGap>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  GetManyPayload: ResolverTypeWrapper<GetManyPayload>;
  GetPayload: ResolverTypeWrapper<GetPayload>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  ItemError: ResolverTypeWrapper<ItemError>;
  JSON: ResolverTypeWrapper<Scalars['JSON']['output']>;
  Keyspace: ResolverTypeWrapper<Keyspace>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Node: ResolverTypeWrapper<ResolversInterfaceTypes<ResolversTypes>['Node']>;
  Outcome: Outcome;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Partitioner: Partitioner;
  PutItem: PutItem;
  PutManyPayload: ResolverTypeWrapper<PutManyPayload>;
  PutPayload: ResolverTypeWrapper<PutPayload>;
  PutResult: ResolverTypeWrapper<PutResult>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Quota: ResolverTypeWrapper<Quota>;
  QuotaInput: QuotaInput;
  Receipt: ResolverTypeWrapper<Receipt>;
  ReplicaInfo: ResolverTypeWrapper<ReplicaInfo>;
  ReplicaOutcome: ResolverTypeWrapper<ReplicaOutcome>;
  ReplicaRole: ReplicaRole;
  ReplicaState: ReplicaState;
  ReplicaStatus: ReplicaStatus;
  Revision: ResolverTypeWrapper<Revision>;
  Role: Role;
  SessionToken: ResolverTypeWrapper<Scalars['SessionToken']['output']>;
  Sibling: ResolverTypeWrapper<Sibling>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Tenant: ResolverTypeWrapper<Tenant>;
  UpdateKeyspaceInput: UpdateKeyspaceInput;
  UpdateTenantInput: UpdateTenantInput;
  Usage: ResolverTypeWrapper<Usage>;
  WriteResolution: WriteResolution;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  ApiKey: ApiKey;
  Boolean: Scalars['Boolean']['output'];
  CausalContext: Scalars['CausalContext']['output'];
  ChangeEvent: ResolversUnionTypes<ResolversParentTypes>['ChangeEvent'];
  Cluster: Cluster;
  CompareAndSetPayload: CompareAndSetPayload;
  CreateKeyspaceInput: CreateKeyspaceInput;
  CreateTenantInput: CreateTenantInput;
  CreatedApiKey: CreatedApiKey;
  Cursor: Scalars['Cursor']['output'];
  DateTime: Scalars['DateTime']['output'];
  DeletePayload: DeletePayload;
  Entry: Entry;
  EntryChanged: EntryChanged;
  EntryConnection: EntryConnection;
  EntryEdge: EntryEdge;
  Expectation: Expectation;
  FeedBookmark: FeedBookmark;
  FeedGap: FeedGap;
  Float: Scalars['Float']['output'];
  GetManyPayload: GetManyPayload;
  GetPayload: GetPayload;
  ID: Scalars['ID']['output'];
  Int: Scalars['Int']['output'];
  ItemError: ItemError;
  JSON: Scalars['JSON']['output'];
  Keyspace: Keyspace;
  Mutation: Record<PropertyKey, never>;
  Node: ResolversInterfaceTypes<ResolversParentTypes>['Node'];
  PageInfo: PageInfo;
  PutItem: PutItem;
  PutManyPayload: PutManyPayload;
  PutPayload: PutPayload;
  PutResult: PutResult;
  Query: Record<PropertyKey, never>;
  Quota: Quota;
  QuotaInput: QuotaInput;
  Receipt: Receipt;
  ReplicaInfo: ReplicaInfo;
  ReplicaOutcome: ReplicaOutcome;
  Revision: Revision;
  SessionToken: Scalars['SessionToken']['output'];
  Sibling: Sibling;
  String: Scalars['String']['output'];
  Subscription: Record<PropertyKey, never>;
  Tenant: Tenant;
  UpdateKeyspaceInput: UpdateKeyspaceInput;
  UpdateTenantInput: UpdateTenantInput;
  Usage: Usage;
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
  keys?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  keyspaces?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  requestsPerSecond?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  sockets?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  storedBytes?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  subscriptions?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  valueBytes?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
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
  openHints?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  ownedPartitions?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  readLatencyMs?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
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
  keys?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  refused?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  requests?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  sockets?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  storedBytes?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  subscriptions?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type Resolvers<ContextType = RequestContext> = {
  ApiKey?: ApiKeyResolvers<ContextType>;
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
