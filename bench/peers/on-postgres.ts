import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Contender, Running, Workplace } from '../harness/contender.ts';
import { filler } from '../harness/load.ts';
import { startPostgres, type Databases } from '../harness/postgres.ts';
import { startServer } from '../harness/process.ts';
import { installPeers } from './install.ts';

interface PeerOptions {
  readonly name: string;
  readonly what: string;
  /** Its server, in `servers/`: reads DATABASE_URL, prints "ready at http://…". */
  readonly server: string;
  readonly operations: Running['operations'];
  /** More SQL that its own documentation recommends for what it is asked to do. */
  readonly sql?: string;
  readonly databases?: (directory: string) => Promise<Databases>;
}

/** A GraphQL server of npm over Postgres, in a process of its own, with the table and its keys. */
export function peerOnPostgres(options: PeerOptions): Contender {
  const { databases: open = (directory: string) => startPostgres(directory, 1) } = options;
  return {
    name: options.name,
    what: options.what,
    async start(workplace) {
      installPeers();
      const databases = await open(join(workplace.directory, 'data'));
      const url = databases.urls[0] ?? '';
      await fill(url, options.sql ?? '', workplace);
      const script = new URL(`./servers/${options.server}`, import.meta.url).pathname;
      const server = await startServer([process.execPath, script], {
        ready: /ready at (http:\S+)/,
        env: { DATABASE_URL: url },
      });
      return {
        origin: server.said,
        operations: options.operations,
        pids: () => [server.pid, ...databases.pids()],
        async stop() {
          await server.stop();
          await databases.stop();
        },
      };
    },
  };
}

async function fill(url: string, sql: string, { keys }: Workplace): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(readFileSync(new URL('./tables.sql', import.meta.url), 'utf8'));
    await client.query(sql);
    await client.query(
      `insert into entries select 'key' || lpad(n::text, 9, '0'), 'key' || lpad(n::text, 9, '0') || $2::text from generate_series(0, $1::int - 1) n`,
      [keys, filler(100)],
    );
    await client.query('vacuum analyze entries');
  } finally {
    await client.end();
  }
}
