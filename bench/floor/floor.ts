import { join } from 'node:path';
import type { Contender, Running, Template } from '../harness/contender.ts';
import { startPostgres } from '../harness/postgres.ts';
import { startServer } from '../harness/process.ts';
import { installPeers } from '../peers/install.ts';

const pair = '"key":"([^"]+)","value":"([^"]+)"';
const make = (query: string, variables: string): Template => ({
  path: '/graphql',
  body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
  answer: { pair },
});
const get = make('query Get($k: String!) { get(key: $k) { key value } }', '{"k":"{{key}}"}');
const put = make(
  'mutation Put($k: String!, $v: String!) { put(key: $k, value: $v) { key value } }',
  '{"k":"{{key}}","v":"{{value}}"}',
);
const operations: Running['operations'] = { get, put };

/**
 * The floor: the same statements on the same three Postgres, batched as the product batches them, two
 * answers of three awaited, and no product around it. No credentials, limits, sessions, receipts,
 * conflicts, deadlines, hints, repair or metrics. What the product costs more is what these cost.
 */
export const floor: Contender = {
  name: 'floor',
  onlyAims: true,
  what: 'a bare sketch with the same SQL on three Postgres, W=2, R=2',
  async start({ directory, keys }) {
    // It takes graphql-jit from there.
    installPeers();
    const databases = await startPostgres(join(directory, 'data'), 3);
    const script = new URL('./server.ts', import.meta.url).pathname;
    const server = await startServer([process.execPath, script, String(keys)], {
      ready: /ready at (http:\S+)/,
      env: { DATABASE_URLS: databases.urls.join(' ') },
    });
    return {
      origin: server.said,
      operations,
      pids: () => [server.pid, ...databases.pids()],
      async stop() {
        await server.stop();
        await databases.stop();
      },
    };
  },
};
