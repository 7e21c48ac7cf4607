import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Log } from '../../runtime/log.ts';

export interface MigrateOptions {
  /** The name by which messages call this replica; a URL holds a password. */
  readonly replica: string;
  readonly log: Log;
  /** For connecting, and for waiting until another gateway has finished migrating. */
  readonly timeoutMs: number;
  /** Where the SQL files are; the program's own `migrations/` when left out. */
  readonly directory?: string;
}

/** Why a replica could not be brought to this program's schema, in one sentence for an operator. */
export class MigrationError extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'MigrationError';
  }
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** "quorate" in ASCII: no other program should take the same advisory lock. */
const lockKey = '31927672937510001';

/**
 * Brings one replica to the schema of this program; returns the names of the migrations applied
 * now.
 *
 * Several gateways may start at once: one holds the advisory lock, the others wait and find nothing
 * to do. Each file is applied in a transaction of its own together with its record, so that a crash
 * leaves every migration either whole and recorded, or absent. Refused are a file that changed
 * after it was applied and a database that a newer program has migrated: in both cases this program
 * does not know what the tables look like.
 */
export async function migrate(url: string, options: MigrateOptions): Promise<readonly string[]> {
  const migrations = readMigrations(options.directory ?? ownMigrations());
  const client = new pg.Client({
    connectionString: url,
    application_name: 'quorate-migrate',
    connectionTimeoutMillis: options.timeoutMs,
  });
  client.on('error', () => undefined); // the statement that was running rejects
  try {
    await client.connect();
    await client.query(`set lock_timeout = ${Math.ceil(options.timeoutMs)}`);
    // Whatever the server's default is: an index may take its time.
    await client.query('set statement_timeout = 0');
    await client.query(`select pg_advisory_lock(${lockKey})`);
    const applied = await applyMissing(client, migrations, options);
    await client.end(); // ends the lock, too
    return applied;
  } catch (error) {
    void client.end().catch(() => undefined); // not awaited: a frozen server never says goodbye
    throw explain(error, options);
  }
}

async function applyMissing(
  client: pg.Client,
  migrations: readonly Migration[],
  { replica, log }: MigrateOptions,
): Promise<readonly string[]> {
  await client.query(
    `create table if not exists migrations (
       name       text primary key,
       checksum   text not null,
       applied_at timestamptz not null default clock_timestamp()
     )`,
  );
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'select name, checksum from migrations order by name',
  );
  const missing = missingOf(migrations, rows, replica);
  for (const migration of missing) {
    await applyOne(client, migration, replica);
    log.info({ replica, migration: migration.name }, 'migration applied');
  }
  return missing.map(({ name }) => name);
}

/**
 * The migrations that are still to be applied, or a refusal when the database is not a past of this
 * program.
 */
function missingOf(
  known: readonly Migration[],
  applied: readonly { name: string; checksum: string }[],
  replica: string,
): readonly Migration[] {
  for (const { name, checksum } of applied) {
    const ours = known.find((migration) => migration.name === name);
    if (ours === undefined) {
      throw new MigrationError(
        `${replica} was migrated by a newer Quorate (it has ${name}, which this one does not know): ` +
          'upgrade this program.',
      );
    }
    if (ours.checksum !== checksum) {
      throw new MigrationError(
        `Migration ${name} was changed after it was applied to ${replica}: restore the file, ` +
          'and put the change into a new one.',
      );
    }
  }
  const names = applied.map(({ name }) => name);
  const missing = known.filter(({ name }) => !names.includes(name));
  const last = names.at(-1);
  const late = missing.find(({ name }) => last !== undefined && name < last);
  if (late === undefined) return missing;
  throw new MigrationError(
    `Migration ${late.name} comes before ${String(last)}, which ${replica} has already: give it a later number.`,
  );
}

async function applyOne(client: pg.Client, { name, sql, checksum }: Migration, replica: string) {
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query('insert into migrations (name, checksum) values ($1, $2)', [name, checksum]);
    await client.query('commit');
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === undefined) throw error; // not the SQL: the connection
    throw new MigrationError(`Migration ${name} failed on ${replica}: ${message}.`);
  }
}

function readMigrations(directory: string): readonly Migration[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name) => {
    const sql = readFileSync(join(directory, name), 'utf8').replaceAll('\r\n', '\n');
    return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

/** `migrations/` of this package: the same from `src/` and from `dist/src/`. */
function ownMigrations(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'migrations'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new MigrationError('This installation lacks its migrations/.');
    directory = parent;
  }
  return join(directory, 'migrations');
}

function explain(error: unknown, { replica, timeoutMs }: MigrateOptions): Error {
  if (error instanceof MigrationError) return error;
  const { code, message } = error as { code?: string; message: string };
  if (code === '55P03') {
    return new MigrationError(
      `Cannot migrate ${replica}: another program has been migrating it for more than ${timeoutMs} ms.`,
    );
  }
  // An AggregateError (every address refused) has a code and no message.
  const reason = message === '' ? String(code) : message;
  return new MigrationError(`Cannot migrate ${replica}: ${reason}.`);
}
