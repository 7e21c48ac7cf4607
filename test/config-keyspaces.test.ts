import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, isEnumType, isInputObjectType } from 'graphql';
import { pino } from 'pino';
import { bootstrap } from '../src/bootstrap.ts';
import { checkConfig, ConfigError, type Config, type ConfigInput } from '../src/config.ts';
import { keyspaceSchema } from '../src/config-keyspaces.ts';
import { checkSettings, settingsWith } from '../src/consistency/keyspace-record.ts';
import type { KeyspaceSettings } from '../src/consistency/keyspace.ts';
import { StoreError } from '../src/errors.ts';
import { memoryTenants } from './support/memory-records.ts';
import { openOverMemory } from './support/over-memory.ts';

const replicas = ['a', 'b', 'c'].map((id) => ({ id, url: `postgres://u:p@${id}.example/db` }));

type Given = Partial<KeyspaceSettings>;

function withKeyspace(given: object): Config {
  const keyspaces = [{ tenant: 't', name: 'k', ...given }] as ConfigInput['keyspaces'];
  return checkConfig({ replicas, signingKeys: ['k'.repeat(32)], keyspaces }, 'q.yaml');
}

function problemOf(given: object): string {
  try {
    withKeyspace(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'none';
}

const everything: Required<Given> = {
  conflicts: 'SIBLINGS',
  partitioner: 'RANGE',
  splitKeys: ['m', 't'],
  replicationFactor: 2,
  defaultReadLevel: 'ALL',
  defaultWriteLevel: 'LINEARIZABLE',
  minimumReadLevel: 'QUORUM',
  minimumWriteLevel: 'CAUSAL',
  maxValueBytes: 1_000,
  maxSiblings: 7,
  defaultTtlSeconds: 60,
};

test('a keyspace of the configuration has the settings of createKeyspace, with the same choices', () => {
  const schema = buildSchema(readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'));
  const type = schema.getType('CreateKeyspaceInput');
  if (!isInputObjectType(type)) throw new Error('there is no CreateKeyspaceInput');
  const { shape } = keyspaceSchema.unwrap();
  const fields = Object.keys(type.getFields());
  expect(Object.keys(shape).toSorted()).toEqual([...fields, 'tenant'].toSorted());
  for (const { name, type: kind } of Object.values(type.getFields())) {
    if (!isEnumType(kind)) continue;
    const choices = kind.getValues().map((value) => value.name);
    for (const choice of choices) expect(problemOf({ [name]: choice })).toBe('none');
    expect(problemOf({ [name]: 'STRONG' })).toBe(
      `q.yaml: keyspaces[0].${name}: must be one of ${choices.join(', ')}`,
    );
  }
});

describe('a keyspace of the configuration', () => {
  test.each<[keyof KeyspaceSettings, Given, string]>([
    ['replicationFactor', { replicationFactor: 4 }, 'must be at most 3, the number of replicas'],
    ['replicationFactor', { replicationFactor: 0 }, 'must be at least 1'],
    ['maxValueBytes', { maxValueBytes: 1_048_577 }, 'must be at most 1048576'],
    ['maxValueBytes', { maxValueBytes: 0 }, 'must be at least 1'],
    ['maxSiblings', { maxSiblings: 1_001 }, 'must be at most 1000'],
    ['maxSiblings', { maxSiblings: 1.5 }, 'must be a whole number'],
    ['defaultTtlSeconds', { defaultTtlSeconds: 0 }, 'must be at least 1'],
    ['defaultTtlSeconds', { defaultTtlSeconds: 315_360_001 }, 'must be at most 315360000'],
    ['splitKeys', { splitKeys: ['m'] }, 'is only for the partitioner RANGE'],
    ['splitKeys', { partitioner: 'RANGE', splitKeys: ['m', 'm'] }, 'holds a key twice'],
    ...(['minimum', 'default'] as const).flatMap((which) =>
      (['Read', 'Write'] as const).map((side): [keyof KeyspaceSettings, Given, string] => {
        const field = `${which}${side}Level` as const;
        const message = 'LINEARIZABLE needs conflicts SIBLINGS, and they are LAST_WRITE_WINS';
        return [field, { conflicts: 'LAST_WRITE_WINS', [field]: 'LINEARIZABLE' }, message];
      }),
    ),
  ])('with a bad %s (%j) is refused, as createKeyspace refuses it', (field, given, message) => {
    expect(problemOf(given)).toBe(`q.yaml: keyspaces[0].${field}: ${message}`);
    expect(() => checkSettings('k', settingsWith(given, 3), 3)).toThrow(StoreError);
  });

  test.each([
    ['', 'must be at least 1 characters'],
    ['a\0b', 'must be Unicode text without NUL'],
    ['\ud800', 'must be Unicode text without NUL'],
    ['€'.repeat(342), 'must be at most 1024 bytes'],
  ])('is not split at what cannot be a key: %j', (key, message) => {
    const given: Given = { partitioner: 'RANGE', splitKeys: ['a', key] };
    expect(problemOf(given)).toBe(`q.yaml: keyspaces[0].splitKeys[1]: ${message}`);
    expect(() => checkSettings('k', settingsWith(given, 3), 3)).toThrow(StoreError);
  });

  test('may be named with dots, and one level is told by its type', () => {
    expect(problemOf({ name: 'k.v2' })).toBe('none');
    const rule = '1 to 63 letters, digits, ".", "_" or "-", the first a letter or digit';
    for (const name of ['k/v', '.a', 'k'.repeat(64)]) {
      expect(problemOf({ name })).toBe(`q.yaml: keyspaces[0].name: must be ${rule}`);
      expect(() => checkSettings(name, settingsWith({}, 3), 3)).toThrow(rule);
    }
    expect(problemOf({ minimumReadLevel: 3 })).toMatch(/must be one of ONE, /);
    expect(problemOf({ minimumReadLevel: null })).toMatch(/must be one of ONE, /);
  });
});

describe('at the start of a gateway', () => {
  const start = async (givens: readonly Given[]) => {
    const warnings: object[] = [];
    const assembled = openOverMemory({ requestMs: 5_000 });
    const { deps, store } = assembled;
    const log = pino(
      { level: 'warn', base: null, timestamp: false },
      { write: (line) => warnings.push(JSON.parse(line) as object) },
    );
    const tenancy = memoryTenants(store);
    for (const given of givens) {
      const config = withKeyspace(given);
      await bootstrap({ ...assembled, deps: { ...deps, log } }, tenancy, config);
    }
    const keyspace = await store.keyspace({ tenant: 't' }, 'k');
    await assembled.close();
    return { keyspace, warnings };
  };

  test('every setting arrives in the keyspace that is created, and what is left out is the default', async () => {
    expect((await start([everything])).keyspace).toMatchObject(everything);
    const { keyspace } = await start([{ minimumWriteLevel: 'ALL' }]);
    expect(keyspace).toMatchObject({
      ...settingsWith({}, 3),
      minimumWriteLevel: 'ALL',
      defaultWriteLevel: 'ALL',
    });
  });

  // The guard: `differingSettings` in bootstrap.ts; without it an operator who adds a minimum to the file is
  // told nothing, and every weaker read goes on.
  test('what is there already is left, and what is not as the configuration says is logged', async () => {
    const { keyspace, warnings } = await start([
      { defaultReadLevel: 'ONE' },
      { minimumReadLevel: 'QUORUM', maxSiblings: 100 },
    ]);
    expect(keyspace).toMatchObject({ minimumReadLevel: 'ONE', defaultReadLevel: 'ONE' });
    expect(warnings).toMatchObject([
      { tenant: 't', keyspace: 'k', differing: ['minimumReadLevel'] },
    ]);
  });

  test('nothing is logged when it is started again with the same file', async () => {
    const raised: Given = { defaultReadLevel: 'ONE', minimumReadLevel: 'QUORUM' };
    for (const given of [everything, raised]) {
      expect((await start([given, given])).warnings).toEqual([]);
    }
  });
});
