import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type LocalCluster, nameReplicas } from '../../src/local-cluster/cluster.ts';
import { dockerAnswers, dockerProvider } from '../../src/local-cluster/docker-cluster.ts';
import { embeddedProvider } from '../../src/local-cluster/embedded-cluster.ts';
import { givenProvider } from '../../src/local-cluster/given-cluster.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { queryOnce } from '../support/cluster.ts';

const dataDirectory = mkdtempSync(join(tmpdir(), 'quorate-providers-'));
afterAll(() => rmSync(dataDirectory, { recursive: true, force: true }));

const around = { clock: systemClock, random: systemRandom, log: silentLog };
const providers = [
  {
    name: 'embedded',
    provider: embeddedProvider({ dataDirectory, ...around, settings: { fsync: 'off' } }),
    here: true,
  },
  // Skipped, and reported as skipped, where no Docker engine answers.
  { name: 'docker', provider: dockerProvider(), here: await dockerAnswers() },
];

// One suite for every provider that runs databases: whoever uses one may rely on all of it.
for (const { name, provider, here } of providers) {
  (here ? describe : describe.skip)(`the provider "${name}"`, () => {
    let cluster: LocalCluster;
    beforeAll(async () => {
      cluster = await provider.start(nameReplicas(2, ['a', 'b']));
    }, 300_000);
    afterAll(() => cluster.stop());

    test('gives each replica its name, its zone and a database of its own', async () => {
      expect(cluster.replicas.map(({ id, zone }) => [id, zone])).toEqual([
        ['replica-1', 'a'],
        ['replica-2', 'b'],
      ]);
      for (const { id, url } of cluster.replicas) {
        await queryOnce(url, 'create table self as select $1::text as id', [id]);
      }
      for (const { id, url } of cluster.replicas) {
        expect(await queryOnce(url, 'select id from self')).toEqual([{ id }]);
      }
    });

    test('kills one, and brings it back where it was', async () => {
      const { id, url } = cluster.replicas[0]!;
      await cluster.kill(id);
      await expect(queryOnce(url, 'select 1')).rejects.toThrow();
      await cluster.restart(id);
      expect(await queryOnce(url, 'select id from self')).toEqual([{ id }]);
    });

    test('freezes one and thaws it, and the other does not notice', async () => {
      const [first, second] = cluster.replicas;
      await cluster.freeze(first!.id);
      const answer = queryOnce(first!.url, 'select 1 as one');
      expect(await queryOnce(second!.url, 'select 1 as one')).toEqual([{ one: 1 }]);
      await cluster.thaw(first!.id);
      expect(await answer).toEqual([{ one: 1 }]);
    });

    test('knows only its own replicas', async () => {
      await expect(cluster.kill('replica-9')).rejects.toThrow('no replica called replica-9');
    });
  });
}

describe('given URLs', () => {
  const urls = ['postgres://a/one', 'postgres://b/two'];

  test('become replicas in their order, and are left alone', async () => {
    const cluster = await givenProvider(urls).start(nameReplicas(2));
    expect(cluster.replicas.map(({ url }) => url)).toEqual(urls);
    await expect(cluster.kill('replica-1')).rejects.toThrow('does not control its process');
    await cluster.stop();
  });

  test('must be enough', async () => {
    await expect(givenProvider(urls).start(nameReplicas(3))).rejects.toThrow(
      '3 replicas are wanted, and 2 Postgres URLs were given',
    );
  });
});
