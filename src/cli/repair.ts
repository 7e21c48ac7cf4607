import { StoreError } from '../errors.ts';
import type { RepairProgress } from '../repair/anti-entropy.ts';
import type { RepairSummary } from '../repair/repair-summary.ts';
import { UsageError, numberOf, textOf, type GivenOptions } from './command-line.ts';
import { databasesOf, openDatabases } from './databases.ts';
import type { Surroundings } from './surroundings.ts';
import { table } from './table.ts';

const barChars = 32;

/**
 * `quorate repair`: compares the replicas now, as the gateways do in the background, and brings them
 * to the same state. It works on the databases and needs no gateway; what gateways write meanwhile
 * does no harm. Exit code 1 when anything could not be compared.
 */
export async function repairCommand(given: GivenOptions, around: Surroundings): Promise<number> {
  const timeoutMs = numberOf(given, 'timeout-ms', { min: 1, max: 600_000 }) ?? 2_000;
  const scope = {
    tenant: textOf(given, 'tenant'),
    keyspace: textOf(given, 'keyspace'),
    replica: textOf(given, 'replica'),
  };
  const asked = databasesOf(given, around);
  if (scope.replica !== undefined && !asked.replicas.some(({ id }) => id === scope.replica))
    throw new UsageError(`There is no replica "${scope.replica}".`);
  const { assembled } = openDatabases(asked, around, timeoutMs);
  try {
    const meant = (await assembled.repair.keyspaces()).filter(
      ({ tenant, name }) =>
        (scope.tenant ?? tenant) === tenant && (scope.keyspace ?? name) === name,
    );
    if (meant.length === 0) throw new Error('There is no such keyspace.');
    const onProgress = (progress: RepairProgress): void => showProgress(progress, around);
    const summary = await assembled.repair.antiEntropy.run(scope, { onProgress });
    if (around.colour) around.print('\r\u001b[K');
    around.print(report(summary, meant.length));
    return summary.failed === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new Error(`The directory of keyspaces cannot be read: ${error.message}`, {
      cause: error,
    });
  } finally {
    await assembled.close();
  }
}

/** Only for somebody who looks on: a script gets the summary alone. */
function showProgress({ keyspace, done, of, summary }: RepairProgress, around: Surroundings): void {
  if (!around.colour) return;
  const filled = Math.round((barChars * done) / Math.max(1, of));
  const bar = '█'.repeat(filled) + '░'.repeat(barChars - filled);
  const where = `${keyspace.tenant}/${keyspace.name}`;
  const found = `${summary.compared} compared, ${summary.different} different`;
  around.print(
    `\r\u001b[K${bar} ${Math.floor((100 * done) / Math.max(1, of))} %  ${where}  ${found}`,
  );
}

function report(summary: RepairSummary, keyspaces: number): string {
  const { compared, different, repaired, refused, cellsRead, bytes, failed, elapsedMs } = summary;
  const titles = [
    'KEYSPACES',
    'COMPARED',
    'DIFFERENT',
    'REPAIRED',
    'CELLS READ',
    'BYTES',
    'SECONDS',
  ];
  const columns = titles.map((title) => ({ title, align: 'right' as const }));
  const figures = [keyspaces, compared, different, repaired, cellsRead, Math.round(bytes)].map(
    String,
  );
  const lines = [table(columns, [[...figures, (elapsedMs / 1_000).toFixed(1)]])];
  if (refused > 0)
    lines.push(`${refused} cells wait for a round of consensus that is under way; repair again.\n`);
  if (failed > 0) lines.push(`${failed} parts of partitions could not be compared or repaired:\n`);
  for (const [replica, reason] of summary.faults) lines.push(`  ${replica}: ${reason}\n`);
  return lines.join('');
}
