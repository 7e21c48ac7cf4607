import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { childrenOf } from '../../src/local-cluster/process-table.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { Quorate, type ServedGateway } from '../support/quorate.ts';
import { eventually } from '../support/store.ts';

/** Control: without `#replace` in cli/workers.ts a killed worker leaves one, and the fourth test fails. */
let cluster: TestCluster;
let quorate: Quorate;
let served: ServedGateway;
beforeAll(async () => {
  cluster = await startTestCluster();
  quorate = new Quorate();
  const file = quorate.configure('quorate.json', {
    replicas: cluster.replicas.map(({ id, url }) => ({ id, url })),
    signingKeys: ['the key that all workers of this test share'],
    listen: { port: 0, host: '127.0.0.1' },
    auth: { anonymousTenant: 't' },
    keyspaces: [{ tenant: 't', name: 'demo' }],
    logLevel: 'debug',
  });
  served = await quorate.serve(file, ['--workers', '2']);
});
afterAll(async () => {
  await quorate.close();
  await cluster.stop();
});

const workers = (): readonly number[] =>
  childrenOf(served.program.child.pid ?? 0).map(({ pid }) => pid);

const put = (key: string): string =>
  `mutation { put(keyspace: "demo", key: "${key}", value: 1, consistency: SESSION) { session } }`;
const get = (key: string): string =>
  `{ get(keyspace: "demo", key: "${key}", consistency: SESSION) { session entry { current { exists } } } }`;

describe('quorate serve --workers 2', () => {
  test('both workers answer on the one port', async () => {
    expect(workers()).toHaveLength(2);
    await eventually(async () => {
      await askAnew(get('k'));
      const answered = served.program.output().matchAll(/"worker":(\d+)[^\n]*"msg":"request"/g);
      expect(new Set([...answered].map(([, worker]) => worker)).size).toBe(2);
    });
  });

  test('a session that one worker began goes on at the other', async () => {
    let session = '';
    for (let nth = 0; nth < 10; nth += 1) {
      const written = await askAnew(put(`s${nth}`), session);
      const read = await askAnew(get(`s${nth}`), written.session);
      expect(read.text).toContain('"exists":true');
      session = read.session;
    }
  });

  test('/metrics is of all workers together, whichever answers', async () => {
    const before = await gets();
    for (let nth = 0; nth < 8; nth += 1) await askAnew(get('m'));
    await eventually(async () => expect(await gets()).toBe(before + 8));
    expect(await gets()).toBe(before + 8);
  });

  test('a worker that is killed is replaced, and the port goes on answering', async () => {
    const [victim] = workers();
    process.kill(victim!, 'SIGKILL');
    await eventually(async () => {
      expect((await askAnew(get('k'))).status).toBe(200);
      const now = workers(); // once: the victim may go between two looks
      expect(now).toHaveLength(2);
      expect(now).not.toContain(victim);
      expect(served.program.output()).toMatch(/another takes its place/);
    }, 45_000);
    for (let nth = 0; nth < 6; nth += 1) expect((await askAnew(put('k'))).status).toBe(200);
  });

  test('a SIGTERM to the first process drains all, and leaves none behind', async () => {
    const all = workers();
    served.program.child.kill('SIGTERM');
    expect(await served.program.ended).toBe(0);
    const alive = all.filter((pid) => childrenOf(1).some((one) => one.pid === pid));
    expect(alive).toEqual([]);
    for (const pid of all) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

/** How often "get" has been answered, as `/metrics` has it. */
async function gets(): Promise<number> {
  const { text } = await send('/metrics', 'GET');
  const counts = text.matchAll(/quorate_requests_total\{[^}]*field="get"[^}]*\} (\d+)/g);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly session: string;
}

/** On a connection of its own, which is dealt to the next worker. */
function askAnew(query: string, session = ''): Promise<Answer> {
  return send('/graphql', 'POST', { body: JSON.stringify({ query }), session });
}

function send(
  path: string,
  method: string,
  { body = '', session = '' }: { body?: string; session?: string } = {},
): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    connection: 'close',
    ...(session && { 'quorate-session': session }),
  };
  return new Promise((resolve, reject) => {
    const sending = request(
      `${served.origin}${path}`,
      { method, headers, agent: false },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            text,
            session: String(response.headers['quorate-session'] ?? ''),
          }),
        );
      },
    );
    // A connection that was dealt to a worker in the moment of its death is answered by nobody.
    sending.setTimeout(5_000, () => sending.destroy(new Error('no answer')));
    sending.on('error', reject);
    sending.end(body);
  });
}
