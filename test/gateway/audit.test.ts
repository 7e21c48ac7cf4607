import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { auditedAuthenticator } from '../../src/audit/audited-authenticator.ts';
import type { AuditLog } from '../../src/audit/audit-log.ts';
import { createLog } from '../../src/runtime/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createAuthenticator } from '../../src/tenancy/authenticate.ts';
import type { Role } from '../../src/tenancy/principal.ts';
import { send, startMemoryEdge, type MemoryEdge, type Reply } from '../support/edge.ts';
import { memoryAudit, MemoryLog, memoryTenants } from '../support/memory-records.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { connectSocket, openSocket } from '../support/socket.ts';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const key = (name: string, tenant: string, role: Role) => ({
  secretHash: hashOf(name),
  tenant,
  role,
});
const keys = [
  key('admin', 'shop', 'ADMIN'),
  key('reader', 'shop', 'READER'),
  key('other', 'rival', 'ADMIN'),
  key('operator', 'ops', 'OPERATOR'),
];
const bearer = (who: string) => ({ authorization: `Bearer ${who}` });
const configured = (name: string): string => `config:${hashOf(name).slice(0, 12)}`;

let edge: MemoryEdge;
let audit: AuditLog;
let log: MemoryLog;
const lines: unknown[] = [];
beforeEach(async () => {
  lines.length = 0;
  const printed = createLog('silent');
  printed.info = (line: unknown) => void lines.push(line);
  log = new MemoryLog();
  audit = memoryAudit(log, printed);
  const tenants = memoryTenants(createMemoryStore().store);
  for (const name of ['shop', 'rival', 'ops']) await tenants.tenants.ensure(name);
  const inner = createAuthenticator({ clock: systemClock, apiKeys: keys, directory: tenants });
  const authenticator = auditedAuthenticator(inner, audit);
  const documents = {
    trusted: 'off',
    tenants: { rival: 'required' },
    documents: new Map([['log', 'query { auditLog { nodes { action outcome count } } }']]),
  } as const;
  edge = await startMemoryEdge({ authenticator, audit, tenants, documents, mode: 'serve' });
});
afterEach(() => edge.close());

const asked =
  'query($f: Int, $a: Cursor, $t: String) { auditLog(first: $f, after: $a, tenant: $t) { nodes { actor role tenant action outcome count target { name value } } pageInfo { hasNextPage endCursor } } }';

interface Shown {
  readonly action: string;
  readonly outcome: string;
  readonly actor: string;
  readonly count: number;
  readonly target: readonly { name: string; value: string }[];
}
interface Page {
  readonly nodes: readonly Shown[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}
interface MadeKey {
  readonly secret: string;
  readonly apiKey: { readonly prefix: string };
}
const pageOf = (reply: Reply): Page => (reply.data as never as { auditLog: Page }).auditLog;
async function shown(who: string, variables: object = {}): Promise<readonly Shown[]> {
  await audit.flush();
  const reply = await send(edge, asked, { headers: bearer(who), variables });
  expect(reply.errors).toBeUndefined();
  return pageOf(reply).nodes;
}
const brief = (nodes: readonly Shown[]): readonly string[] =>
  nodes.map(({ action, outcome, actor, count }) => `${actor} ${action} ${outcome} ${count}`);
const as = (who: string, query: string): Promise<Reply> =>
  send(edge, query, { headers: bearer(who) });

describe('an act of an administrator', () => {
  test('is recorded with who, what, the names in it and what came of it, also when it failed', async () => {
    await as(
      'admin',
      'mutation { createKeyspace(input: { name: "carts", maxValueBytes: 1000 }) { name } }',
    );
    edge.memory.failWith(new Error('secret of the machine'));
    await as('admin', 'mutation { updateKeyspace(name: "carts", input: {}) { name } }');
    const nodes = await shown('admin');
    expect(brief(nodes)).toEqual([
      `${configured('admin')} Mutation.updateKeyspace INTERNAL_SERVER_ERROR 1`,
      `${configured('admin')} Mutation.createKeyspace OK 1`,
    ]);
    expect(nodes[1]?.target).toContainEqual({ name: 'name', value: 'carts' });
    expect(JSON.stringify(lines)).toContain('"action":"Mutation.createKeyspace"');
    expect(JSON.stringify([nodes, lines])).not.toContain('secret of the machine');
  });

  test('of an operator shows in the log of the tenant that it touched; secrets do not', async () => {
    const made = await as(
      'operator',
      'mutation { createApiKey(tenant: "shop", role: WRITER) { secret apiKey { prefix } } }',
    );
    const { secret, apiKey } = (made.data as never as { createApiKey: MadeKey }).createApiKey;
    await as('operator', `mutation { revokeApiKey(prefix: "${apiKey.prefix}") }`);
    for (const who of ['admin', 'operator']) {
      const nodes = await shown(who);
      expect(brief(nodes)).toEqual([
        `${configured('operator')} Mutation.revokeApiKey OK 1`,
        `${configured('operator')} Mutation.createApiKey OK 1`,
      ]);
      expect(nodes[1]?.target).toContainEqual({ name: 'prefix', value: apiKey.prefix });
    }
    expect(JSON.stringify([...log.streams.values(), lines])).not.toContain(secret.slice(16));
    const others = await send(edge, '', { headers: bearer('other') });
    expect(others.status).toBe(400);
    expect(log.streams.has('rival')).toBe(false);
  });

  test('a write of data is none', async () => {
    await as('admin', 'mutation { put(keyspace: "demo", key: "k", value: 1) { writeId } }');
    expect(await shown('admin')).toEqual([]);
  });
});

describe('a refusal', () => {
  const put = 'mutation { p: put(keyspace: "demo", key: "k", value: "a value") { writeId } }';

  test('is recorded over HTTP and WebSocket, by the field and not by what the client calls it, counted', async () => {
    const socket = await connectSocket(edge, bearer('reader'));
    socket.send({ id: '1', type: 'subscribe', payload: { query: put } });
    await socket.next();
    for (let i = 0; i < 4; i++) await as('reader', put);
    await socket.close();
    const nodes = await shown('admin');
    expect(brief(nodes)).toEqual([`${configured('reader')} Mutation.put FORBIDDEN 5`]);
    expect(JSON.stringify(nodes)).not.toContain('a value');
    // One line at once, and one with the count.
    expect(lines).toHaveLength(2);
  });

  // The guard: the fast lane only tries; if it asked like everybody, each refusal would count twice.
  test('of a document that is not trusted is recorded, once', async () => {
    await as('other', '{ keyspaces { name } }');
    await audit.flush();
    const body = JSON.stringify({ documentId: 'log' });
    const headers = { ...bearer('other'), 'content-type': 'application/json' };
    const reply = await fetch(edge.url, { method: 'POST', headers, body });
    expect(await reply.json()).toMatchObject({
      data: { auditLog: { nodes: [{ action: 'document', outcome: 'FORBIDDEN', count: 1 }] } },
    });
  });

  test('of a credential is recorded for operators, with nothing secret of it, over both transports', async () => {
    const secret = `qk_0123456789ab_${'f'.repeat(64)}`;
    await as(secret, '{ keyspaces { name } }');
    const socket = await openSocket(edge);
    socket.send({ type: 'connection_init', payload: bearer('hunter2') });
    expect(await socket.closed).toBe(4403);
    const nodes = await shown('operator', { t: '$unknown' });
    expect(brief(nodes).toSorted()).toEqual([
      'an unknown credential authenticate UNAUTHENTICATED 1',
      'qk_0123456789ab authenticate UNAUTHENTICATED 1',
    ]);
    expect(JSON.stringify([nodes, lines])).not.toMatch(/hunter2|ffff/);
  });
});

describe('who may see it', () => {
  test('an ADMIN his own tenant’s, nobody below; another’s only an OPERATOR', async () => {
    await as('admin', 'mutation { createKeyspace(input: { name: "carts" }) { name } }');
    expect((await as('reader', '{ auditLog { nodes { action } } }')).code).toBe('FORBIDDEN');
    expect((await as('admin', '{ auditLog(tenant: "rival") { nodes { action } } }')).code).toBe(
      'FORBIDDEN',
    );
    expect(await shown('operator', { t: 'shop' })).not.toEqual([]);
    expect((await shown('operator')).map(({ action }) => action)).toEqual([]);
  });

  test('page by page, newest first; a cursor of another tenant is refused', async () => {
    for (const name of ['a', 'b', 'c'])
      await as('admin', `mutation { createKeyspace(input: { name: "${name}" }) { name } }`);
    const ask = (who: string, variables: object): Promise<Reply> =>
      send(edge, asked, { headers: bearer(who), variables });
    const first = pageOf(await ask('admin', { f: 2 }));
    const rest = pageOf(await ask('admin', { f: 2, a: first.pageInfo.endCursor }));
    const names = [...first.nodes, ...rest.nodes].map(({ target }) => target[0]?.value);
    expect([names, first.pageInfo.hasNextPage, rest.pageInfo.hasNextPage]).toEqual([
      ['c', 'b', 'a'],
      true,
      false,
    ]);
    const stolen = await ask('operator', { a: first.pageInfo.endCursor });
    expect(stolen.code).toBe('BAD_USER_INPUT');
    expect((await ask('admin', { f: 501 })).code).toBe('BAD_USER_INPUT');
  });
});

test('while the log cannot be written acts go through, and are recorded when it can be again', async () => {
  log.failure = new Error('no majority');
  const reply = await as('admin', 'mutation { createKeyspace(input: { name: "carts" }) { name } }');
  expect(reply.errors).toBeUndefined();
  expect(log.streams.size).toBe(0);
  log.failure = undefined;
  expect(brief(await shown('admin'))).toEqual([
    `${configured('admin')} Mutation.createKeyspace OK 1`,
  ]);
});
