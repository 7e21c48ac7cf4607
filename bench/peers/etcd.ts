import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { NotHere, type Contender, type Running, type Template } from '../harness/contender.ts';
import { filler, keyAt } from '../harness/load.ts';
import { startServer, type Server } from '../harness/process.ts';
import { freePorts } from '../../src/local-cluster/free-port.ts';

/** Base64 of a key is the beginning of that of its value, because keys have twelve characters. */
const pair = '"key":"([^"]+)".-"value":"([^"]+)"';
const make = (path: string, body: string, answer: Template['answer']): Template => ({
  path,
  body,
  answer,
});
const get = make('/v3/kv/range', '{"key":"{{key}}"}', { pair });
const put = make('/v3/kv/put', '{"key":"{{key}}","value":"{{value}}"}', { marks: ['"revision"'] });
const operations: Running['operations'] = {
  get,
  getLinearizable: get,
  // etcd's `serializable` read: this node's own state, which may be behind.
  getOne: make('/v3/kv/range', '{"key":"{{key}}","serializable":true}', { pair }),
  put,
  putVersion: put,
  putLinearizable: put,
  putRegister: put,
  range: make('/v3/kv/range', '{"key":"{{key}}","range_end":"AA==","limit":"50"}', { pair }),
};

/**
 * etcd with three nodes and its HTTP/JSON gateway. All requests go to the leader, which is best for
 * etcd: another node would pass them on.
 */
export const etcd: Contender = {
  name: 'etcd',
  what: 'etcd, three nodes, HTTP/JSON gateway at the leader',
  async start({ directory, keys }) {
    const version = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
    if (version.error)
      throw new NotHere('etcd is not installed: apt-get install etcd-server (Debian)');
    const ports = await freePorts([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    const peers = [0, 1, 2].map((n) => `http://127.0.0.1:${ports[n + 3]}`);
    const cluster = peers.map((url, n) => `n${n}=${url}`).join(',');
    const nodes = await Promise.all(
      peers.map((peer, n) => {
        const client = `http://127.0.0.1:${ports[n]}`;
        return startServer(
          ['etcd', '--name', `n${n}`, '--data-dir', join(directory, `n${n}`),
            '--listen-client-urls', client, '--advertise-client-urls', client,
            '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer,
            '--initial-cluster', cluster, '--initial-cluster-state', 'new'], // prettier-ignore
          { ready: /ready to serve client requests()/ },
        );
      }),
    );
    const origin = await leader(ports.slice(0, 3).map((port) => `http://127.0.0.1:${port}`));
    await fill(origin, keys);
    return running(origin, nodes);
  },
};

function running(origin: string, nodes: readonly Server[]): Running {
  return {
    origin,
    operations,
    encoding: 'base64',
    pids: () => nodes.map(({ pid }) => pid),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

async function leader(origins: readonly string[]): Promise<string> {
  for (const origin of origins) {
    const response = await fetch(`${origin}/v3/maintenance/status`, { method: 'POST', body: '{}' });
    const status = (await response.json()) as { leader: string; header: { member_id: string } };
    if (status.leader === status.header.member_id) return origin;
  }
  throw new Error('the three nodes of etcd have no leader');
}

async function fill(origin: string, keys: number): Promise<void> {
  const code = (text: string): string => Buffer.from(text).toString('base64');
  const put = async (number: number): Promise<void> => {
    const key = keyAt(number);
    const body = JSON.stringify({ key: code(key), value: code(key + filler(100)) });
    const response = await fetch(`${origin}/v3/kv/put`, { method: 'POST', body });
    if (!response.ok) throw new Error(`cannot fill: ${await response.text()}`);
    await response.arrayBuffer();
  };
  for (let from = 0; from < keys; from += 64) {
    const count = Math.min(64, keys - from);
    await Promise.all(Array.from({ length: count }, (_, index) => put(from + index)));
  }
}
