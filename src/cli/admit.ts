import { hostname, userInfo } from 'node:os';
import { unknownStream } from '../audit/audit-log.ts';
import { encodeRecord, recordOf } from '../audit/audit-record.ts';
import type { EntryLog } from '../consistency/system-log.ts';
import { ReplicaError } from '../replica/replica.ts';
import { UsageError, numberOf, textOf, type GivenOptions } from './command-line.ts';
import { databasesOf, openDatabases } from './databases.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * `quorate admit`: gives a replica that is REPAIRING its vote although nobody can vouch for it,
 * because others have lost their data with it or are gone for good. For whoever accepts that what only
 * those held is lost; it is refused where that is not needed.
 *
 * It works on the databases and needs no gateway: where no quorum votes, no gateway can tell who may
 * ask. What was done is in the audit log as soon as a majority can take it.
 */
export async function admitCommand(given: GivenOptions, around: Surroundings): Promise<number> {
  const timeoutMs = numberOf(given, 'timeout-ms', { min: 1, max: 600_000 }) ?? 2_000;
  const id = textOf(given, 'replica');
  if (id === undefined) throw new UsageError('Name the replica: --replica ID.');
  const asked = databasesOf(given, around);
  if (!asked.replicas.some((replica) => replica.id === id))
    throw new UsageError(`There is no replica "${id}".`);
  if (given['accept-loss'] !== true) throw new UsageError(lesson(id));
  const { assembled, audit } = openDatabases(asked, around, timeoutMs);
  try {
    const missing = await assembled.admission.acceptLoss(id);
    around.print(`${id} votes again. What only lost disks held is lost.\n`);
    for (const [away, reason] of missing)
      around.print(`What only ${away} holds is not there: it could not be asked (${reason}).\n`);
    around.print(
      await recorded(audit, { replica: id, missing: [...missing.keys()].join() }, around),
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ReplicaError)) throw error;
    throw new Error(`It was not admitted: ${error.message}.`, { cause: error });
  } finally {
    await assembled.close();
  }
}

function lesson(id: string): string {
  return (
    `Not without --accept-loss: "${id}" may lack writes that were acknowledged, and nobody is left who ` +
    'could say which. If a disk that holds them can be brought back, bring it back instead.'
  );
}

/** No credential was shown: whoever could do it holds the passwords of the databases. */
async function recorded(
  audit: EntryLog,
  target: Readonly<Record<string, string>>,
  { clock }: Surroundings,
): Promise<string> {
  const actor = `quorate admit by ${userInfo().username} at ${hostname()}`;
  const deed = { action: 'admit --accept-loss', target, outcome: 'OK' };
  const record = encodeRecord(recordOf({ tenant: '', actor }, deed, clock.nowMs()));
  return audit.append(unknownStream, record).then(
    () => 'It is in the audit log.\n',
    (error: unknown) => `It could not be put into the audit log: ${String(error)}\n`,
  );
}
