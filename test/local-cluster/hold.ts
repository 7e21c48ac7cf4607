/** A gateway stand-in for the tests: runs databases in the directory given, says so, and waits to be killed. */
import { ClusterError, nameReplicas } from '../../src/local-cluster/cluster.ts';
import { embeddedProvider } from '../../src/local-cluster/embedded-cluster.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { copiedDatabases } from '../support/copied-database.ts';

const [dataDirectory = '', count = '1'] = process.argv.slice(2);
const provider = embeddedProvider({
  dataDirectory,
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  fill: copiedDatabases(dataDirectory),
  settings: { fsync: 'off' },
});
try {
  const cluster = await provider.start(nameReplicas(Number(count)));
  process.stdout.write(`ready ${cluster.replicas.map(({ url }) => url).join(' ')}\n`);
  setInterval(() => undefined, 60_000);
} catch (error) {
  process.stdout.write(`refused ${error instanceof ClusterError ? error.message : 'with a bug'}\n`);
  process.exit(1);
}
