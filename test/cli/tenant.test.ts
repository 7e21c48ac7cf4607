import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { leadingWords, readOptions, UsageError } from '../../src/cli/command-line.ts';
import { commandHelp, commands } from '../../src/cli/help.ts';
import { tenantCommand } from '../../src/cli/tenant.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { startMemoryEdge, type MemoryEdge } from '../support/edge.ts';

let edge: MemoryEdge;
beforeAll(async () => {
  edge = await startMemoryEdge();
});
afterAll(() => edge.close());

/** What the command prints, and its exit code. */
async function run(line: string, env: Record<string, string> = {}): Promise<[number, string]> {
  const args = line.split(' ');
  const words = leadingWords(args);
  let printed = '';
  const code = await tenantCommand(
    readOptions(args.slice(words.length), commands.tenant.options),
    {
      env: { QUORATE_URL: edge.origin, ...env },
      clock: systemClock,
      random: systemRandom,
      print: (text) => void (printed += text),
      colour: false,
    },
    words,
  );
  return [code, printed];
}

test('a tenant is created, listed, limited and dropped', async () => {
  expect(await run('create shop --quota {"keys":10}')).toEqual([
    0,
    expect.stringContaining('shop'),
  ]);
  expect((await run('list'))[1]).toMatch(/^TENANT +CREATED +KEYS +QUOTA\n.*shop .* 0 +keys=10/s);
  expect(await run('update shop --quota {"sockets":3}')).toEqual([0, 'Tenant shop: sockets=3\n']);
  await expect(run('create shop')).rejects.toThrow(/there already \(BAD_USER_INPUT\)/);
  expect((await run('drop shop'))[0]).toBe(0);
  expect(await run('drop shop')).toEqual([1, 'There is no tenant shop.\n']);
  expect(await run('key list shop')).toEqual([1, 'There is no tenant shop.\n']);
});

test('a key is made, shown once, works, is listed without its secret, and is revoked', async () => {
  await run('create keys');
  const [, made] = await run('key create keys --role operator --expires 2100-01-01');
  const secret = /^(qk_[0-9a-f]{12})_[0-9a-f]{64}$/m.exec(made);
  const [whole = '', prefix = ''] = secret ?? [];
  const [code, listed] = await run('key list keys', { QUORATE_API_KEY: whole });
  expect([code, listed]).toEqual([0, expect.stringContaining(`${prefix}  OPERATOR  all`)]);
  expect(listed).not.toContain(whole);
  const [, json] = await run(`key revoke ${prefix} --json`);
  expect(JSON.parse(json)).toEqual({ revokeApiKey: true });
  await expect(run(`list --api-key ${whole}`)).rejects.toThrow(/revoked \(UNAUTHENTICATED\)/);
  expect((await run('key revoke qk_000000000000'))[0]).toBe(1);
});

test.each([
  'nothing',
  'create',
  'create a b',
  'list a',
  'key',
  'key create',
  'key create a',
  'key create a --role READER --expires soon',
  'create a --quota {',
  'list --url ftp://x',
  '__proto__ a',
])('"tenant %s" is not understood', async (line) => {
  await expect(run(line)).rejects.toThrow(UsageError);
});

test('what answers nothing, or not as a gateway, is named', async () => {
  await expect(run('list --url http://127.0.0.1:1')).rejects.toThrow(/127.0.0.1:1 does not answer/);
  await expect(run(`list --url ${edge.origin}/nowhere`)).rejects.toThrow(/not answer as a gateway/);
});

test('the help has a line for everything that can be done', () => {
  const help = commandHelp('tenant');
  for (const act of commands.tenant.words) expect(help).toContain(`quorate tenant ${act}`);
});
