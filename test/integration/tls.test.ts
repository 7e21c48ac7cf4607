import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '../../src/replica/postgres/connection.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { certificatePath, startTlsFront, type TlsFront } from '../support/tls-front.ts';

let cluster: TestCluster;
let front: TlsFront;
let plain: URL;
beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 1 });
  plain = new URL(cluster.replicas[0]!.url);
  front = await startTlsFront({ host: plain.hostname, port: Number(plain.port) });
});
afterAll(async () => {
  await front.close();
  await cluster.stop();
});

/** What comes of connecting as a gateway does: `connected`, or the reason why not. */
async function attempt(host: string, port: number, query: string): Promise<string> {
  const url = new URL(plain);
  Object.assign(url, { hostname: host, port: String(port), search: query });
  const options = { connectMs: 10_000, lane: 'read', onLost: () => undefined } as const;
  try {
    const connection = await connect({ ...options, url: url.href, clock: systemClock });
    await connection.close();
    return 'connected';
  } catch (error) {
    return (error as Error).message;
  }
}

test('TLS to Postgres by the URL: the certificate and its name are verified before anything is said', async () => {
  const trusted = `?sslmode=verify-full&sslrootcert=${encodeURIComponent(certificatePath)}`;
  expect(await attempt('localhost', front.port, trusted)).toBe('connected');
  expect(front.heard()).toBeGreaterThan(0);

  const before = front.heard();
  // The guard: `sslmode` in the URL, which the driver verifies by; with `no-verify` all of these connect.
  const untrusted = await attempt('localhost', front.port, '?sslmode=verify-full');
  expect(untrusted).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
  const misnamed = await attempt('127.0.0.1', front.port, trusted);
  expect(misnamed).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
  const inPlainText = await attempt(plain.hostname, Number(plain.port), trusted);
  expect(inPlainText).toMatch(/does not support SSL/);
  expect(front.heard()).toBe(before);
});
