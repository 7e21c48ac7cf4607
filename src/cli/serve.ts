import { createLog } from '../runtime/log.ts';
import type { GivenOptions } from './command-line.ts';
import { loadConfig } from './config-file.ts';
import { beginLifetime, drainWithin } from './lifetime.ts';
import type { Surroundings } from './surroundings.ts';
import { startOneOrMore, workersOf } from './workers.ts';

/** `quorate serve`: one gateway over databases that somebody else runs. */
export async function serveCommand(given: GivenOptions, around: Surroundings): Promise<number> {
  const config = loadConfig(given, around.env);
  const count = workersOf(given);
  const log = createLog(config.logLevel);
  const lifetime = beginLifetime(log, around);
  const gateway = await startOneOrMore({ config, log, mode: 'serve' }, { count, around });
  if (!lifetime.hasEnded()) around.print(`Quorate is ready at ${gateway.url}\n`);
  const code = await lifetime.ending;
  await drainWithin(gateway, { clock: around.clock, log, shutdown: config.shutdown });
  return code;
}
