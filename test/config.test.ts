import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConfigError, checkConfig, parseConfig, withoutPassword } from '../src/config.ts';

const key = 'k'.repeat(32);
const replicas = ['a', 'b', 'c'].map((id) => ({ id, url: `postgres://u:p@${id}.example/db` }));
const smallest = { replicas, signingKeys: [key] };

function problemsOf(text: string, env: Record<string, string> = {}): readonly string[] {
  try {
    parseConfig(text, 'quorate.yaml', env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

const broken = (changes: object): readonly string[] =>
  problemsOf(JSON.stringify({ ...smallest, ...changes }));

describe('a configuration', () => {
  test('needs replicas and a signing key; all else has a default', () => {
    expect(parseConfig(JSON.stringify(smallest), 'quorate.json', {})).toMatchObject({
      replicationFactor: 3,
      partitions: 256,
      listen: { port: 4000, host: '0.0.0.0' },
      timeouts: { requestMs: 2_000, connectMs: 1_000, mintMs: 500 },
      changeLogHours: 24,
      auth: { apiKeys: [] },
      limits: { bodyBytes: 1_048_576, documentBytes: 65_536, tokens: 1_000, depth: 15 },
      keyspaces: [],
    });
  });

  test('replicates to as many replicas as there are, when it does not say', () => {
    const two = { ...smallest, replicas: replicas.slice(0, 2) };
    expect(checkConfig(two, 'x').replicationFactor).toBe(2);
  });

  test('is YAML as well as JSON, and takes secrets from the environment', () => {
    const text = `
      replicas:
        - { id: a, url: "postgres://u:\${PG_PASSWORD}@h/db", zone: z1 } # a comment
      signingKeys: ["\${KEY}"]
      cors: { origins: ["https://$\${literal}"] }
    `;
    const config = parseConfig(text, 'quorate.yaml', { PG_PASSWORD: 'secret', KEY: key });
    expect(config.replicas[0]).toEqual({ id: 'a', url: 'postgres://u:secret@h/db', zone: 'z1' });
    expect(config.signingKeys).toEqual([key]);
    expect(config.cors.origins).toEqual(['https://${literal}']);
  });

  test('gives way to PORT, HOST and QUORATE_SIGNING_KEYS', () => {
    const env = { PORT: '5000', HOST: '::1', QUORATE_SIGNING_KEYS: `${'n'.repeat(32)}, ${key}` };
    const config = parseConfig(JSON.stringify(smallest), 'quorate.yaml', env);
    expect(config.listen).toMatchObject({ port: 5000, host: '::1' });
    expect(config.signingKeys).toEqual(['n'.repeat(32), key]);
  });

  test('of the documentation is valid', () => {
    const path = new URL('../deploy/quorate.yaml', import.meta.url);
    const env = { QUORATE_PG_PASSWORD: 'p', QUORATE_SIGNING_KEY: key };
    expect(parseConfig(readFileSync(path, 'utf8'), 'quorate.yaml', env).replicas).toHaveLength(3);
  });
});

describe('a broken configuration', () => {
  test('is told in full, each problem with its path', () => {
    const text = `
      replicas:
        - { id: a, url: "http://u:hunter2@h/db" }
        - { id: a }
      signingKeys: [short]
      listen: { prot: 80, port: 70000 }
      limits: { depth: 1.5 }
      logLevel: loud
      colour: blue
    `;
    expect(problemsOf(text).toSorted()).toEqual([
      'quorate.yaml: colour: not a setting that Quorate knows',
      'quorate.yaml: limits.depth: must be a whole number',
      'quorate.yaml: listen.port: must be at most 65535',
      'quorate.yaml: listen.prot: not a setting that Quorate knows',
      'quorate.yaml: logLevel: must be one of trace, debug, info, warn, error, fatal, silent',
      'quorate.yaml: replicas[0].url: must be a postgres:// URL',
      'quorate.yaml: replicas[1].url: is required',
      'quorate.yaml: signingKeys[0]: must be at least 32 characters',
    ]);
  });

  test.each<[string, object, string]>([
    ['no replicas', { replicas: [] }, 'replicas: must be at least 1 items'],
    [
      'two of one name',
      { replicas: [replicas[0], { ...replicas[1], id: 'a' }] },
      'replicas[1].id: is taken by replicas[0]',
    ],
    [
      'one database under two names',
      { replicas: [replicas[0], { id: 'b', url: 'postgres://v:q@a.example:5432/db' }] },
      'replicas[1].url: is the same database as replicas[0]',
    ],
    [
      'more copies than replicas',
      { replicationFactor: 4 },
      'replicationFactor: must be at most 3, the number of replicas',
    ],
    [
      'split keys without RANGE',
      { keyspaces: [{ tenant: 't', name: 'k', splitKeys: ['m'] }] },
      'keyspaces[0].splitKeys: is only for the partitioner RANGE',
    ],
    [
      'a keyspace twice',
      {
        keyspaces: [
          { tenant: 't', name: 'k' },
          { tenant: 't', name: 'k' },
        ],
      },
      'keyspaces[1].name: is listed twice',
    ],
    [
      'an API key in plain text',
      { auth: { apiKeys: [{ tenant: 't', secretHash: 'letmein', role: 'ADMIN' }] } },
      'auth.apiKeys[0].secretHash: must be a SHA-256 in 64 hexadecimal digits',
    ],
    ['a list where a map belongs', { listen: [] }, 'listen: must be a map, and it is a list'],
    [
      'no signing key',
      { signingKeys: [] },
      'signingKeys: must hold at least one key (or set QUORATE_SIGNING_KEYS)',
    ],
  ])('with %s names the place', (_, changes, problem) => {
    expect(broken(changes)).toContain(`quorate.yaml: ${problem}`);
  });

  test('that is not YAML names line and column, and quotes nothing', () => {
    const [problem = ''] = problemsOf('replicas:\n  - url: "postgres://u:hunter2@h/db\n');
    expect(problem).toMatch(/^quorate\.yaml:\d+:\d+: /);
    expect(problem).not.toContain('hunter2');
  });

  test('with a variable that is not set names the variable and the place', () => {
    expect(problemsOf('replicas: [{ id: a, url: "postgres://u:${NOPE}@h/db" }]')).toEqual([
      'quorate.yaml: replicas[0].url: the environment variable NOPE is not set',
    ]);
  });

  test.each(['a: &a [*a]', 'a: &a [1]\nb: [*a, *a]'])('with aliases is refused: %s', (text) => {
    expect(problemsOf(text)).toEqual(['quorate.yaml:1:1: YAML aliases (*name) are not supported']);
  });

  test.each(['', '[]', '3', '"text"'])('that is no map at all is told: %s', (text) => {
    expect(problemsOf(text)[0]).toMatch(/^quorate\.yaml: must be a map, and it is /);
  });
});

test.each([
  ['postgres://u:p%40ss@h:1/db', 'postgres://u:***@h:1/db'],
  ['postgres://u@h/db?password=x', 'postgres://u@h/db?password=***'],
  ['nonsense with a password', '(not a URL)'],
])('a connection string is shown without its password: %s', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});
