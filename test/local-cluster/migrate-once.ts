/** Migrates one database in a process of its own, so that a test can start several at once. */
import { migrate } from '../../src/replica/postgres/migrate.ts';
import { silentLog } from '../../src/runtime/log.ts';

const [url = '', directory] = process.argv.slice(2);
const where = directory === undefined ? {} : { directory };
const applied = await migrate(url, { replica: 'r', log: silentLog, timeoutMs: 30_000, ...where });
process.stdout.write(`applied ${applied.length}\n`);
