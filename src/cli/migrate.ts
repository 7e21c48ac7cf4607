import { createLog } from '../runtime/log.ts';
import type { Log } from '../runtime/log.ts';
import { migrate } from '../replica/postgres/migrate.ts';
import { type GivenOptions, numberOf } from './command-line.ts';
import { loadConfig } from './config-file.ts';
import type { Surroundings } from './surroundings.ts';

/** `quorate migrate`: every replica, at once; one that fails does not keep the others back. */
export async function migrateCommand(given: GivenOptions, around: Surroundings): Promise<number> {
  const config = loadConfig(given, around.env);
  const timeoutMs = numberOf(given, 'timeout-ms', { min: 1, max: 3_600_000 }) ?? 60_000;
  const log = createLog(config.logLevel);
  const lines = await Promise.allSettled(
    config.replicas.map(async ({ id, url }) => {
      const applied = await migrate(url, { replica: id, log, timeoutMs });
      around.print(
        `${id}: ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`}\n`,
      );
    }),
  );
  const failures = lines.filter((line) => line.status === 'rejected');
  if (failures.length === 0) return 0;
  throw new Error(failures.map(({ reason }) => (reason as Error).message).join('\n'));
}

/** Migrates the databases of a local cluster; the first failure is told when all have ended. */
export async function migrateAll(
  replicas: readonly { readonly id: string; readonly url: string }[],
  options: { log: Log; timeoutMs: number },
): Promise<void> {
  const results = await Promise.allSettled(
    replicas.map(({ id, url }) => migrate(url, { replica: id, ...options })),
  );
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
