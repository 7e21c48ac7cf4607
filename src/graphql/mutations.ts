import type { Expectation as StoreExpectation } from '../consistency/store.ts';
import { badInput } from '../errors.ts';
import {
  boundedList,
  given,
  idempotencyKey,
  rangeArguments,
  ttlSeconds,
  writeOptions,
} from './arguments.ts';
import { askedOf } from './asked.ts';
import { changesFrom, settingsFrom } from './keyspaces.ts';
import type { Expectation, Resolvers } from './resolver-types.generated.ts';
import { tenantMutations } from './tenants.ts';

/**
 * Writes, and the reads that may stand between them. No loader: a read after a write must not find
 * what was read before it.
 */
export const mutationResolvers: Pick<Resolvers, 'Mutation'> = {
  Mutation: {
    put: (_root, args, context, info) => {
      const what = {
        keyspace: args.keyspace,
        key: args.key,
        value: args.value.text,
        ...writeOptions(args),
      };
      return context.store.put(context.principal, what, askedOf('write', args, { context, info }));
    },
    delete: (_root, args, context, info) => {
      const what = { keyspace: args.keyspace, key: args.key, ...writeOptions(args) };
      return context.store.delete(
        context.principal,
        what,
        askedOf('write', args, { context, info }),
      );
    },
    compareAndSet: (_root, args, context, info) => {
      const what = {
        keyspace: args.keyspace,
        key: args.key,
        expect: expectationFrom(args.expect),
        value: args.value?.text,
        ttlSeconds: ttlSeconds(args.ttlSeconds),
        idempotencyKey: idempotencyKey(args.idempotencyKey),
      };
      // Always LINEARIZABLE: what the operation or the headers prefer is meant for other writes.
      const asked = {
        ...askedOf('write', args, { context, info }),
        level: 'LINEARIZABLE',
        replicas: undefined,
      } as const;
      return context.store.compareAndSet(context.principal, what, asked);
    },
    putMany: (_root, args, context, info) => {
      const items = boundedList('items', args.items).map((item) => ({
        key: item.key,
        value: item.value.text,
        context: given(item.context),
        ttlSeconds: ttlSeconds(item.ttlSeconds),
      }));
      const asked = askedOf('write', args, { context, info });
      return context.store.putMany(context.principal, { keyspace: args.keyspace, items }, asked);
    },
    get: (_root, args, context, info) => {
      const asked = askedOf('read', args, { context, info });
      return context.store.get(
        context.principal,
        { keyspace: args.keyspace, key: args.key },
        asked,
      );
    },
    range: (_root, args, context, info) =>
      context.store.range(
        context.principal,
        rangeArguments(args),
        askedOf('read', args, { context, info }),
      ),
    createKeyspace: (_root, { input }, { store, principal }) =>
      store.createKeyspace(principal, input.name, settingsFrom(input)),
    updateKeyspace: (_root, { name, input }, { store, principal }) =>
      store.updateKeyspace(principal, name, changesFrom(input)),
    dropKeyspace: (_root, { name }, { store, principal }) => store.dropKeyspace(principal, name),
    resolveWrite: (_root, args, context, info) => {
      const { keyspace, key, writeId } = args;
      const { timeoutMs } = askedOf('write', args, { context, info });
      return context.store.resolveWrite(
        context.principal,
        { keyspace, key, writeId },
        { timeoutMs },
      );
    },
    awaitReplication: (_root, args, context, info) => {
      const { keyspace, key, writeId, consistency: level } = args;
      const { timeoutMs } = askedOf('write', args, { context, info });
      const what = { keyspace, key, writeId, level };
      return context.store.awaitReplication(context.principal, what, { timeoutMs });
    },
    ...tenantMutations,
  },
};

function expectationFrom({ absent, value, context }: Expectation): StoreExpectation {
  if (given(absent) !== undefined) return { absent: absent === true };
  if (value) return { value: value.text };
  if (given(context) !== undefined) return { context: context ?? '' };
  throw badInput(
    'Argument "expect" must hold exactly one of "absent", "value" and "context"',
    'expect',
  );
}
