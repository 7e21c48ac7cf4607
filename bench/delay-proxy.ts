import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server on which answers can be made late. */
export interface DelayProxy {
  /** The same address with the proxy's port in it. */
  readonly url: string;
  /** Every answer is this late from now on; those under way stay in order. */
  delayAnswers(ms: number): void;
  close(): Promise<void>;
}

/** Opens a proxy to the server of a connection string. */
export async function openDelayProxy(url: string): Promise<DelayProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let delayMs = 0;
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({
      host: target.hostname,
      port: Number(target.port),
      noDelay: true,
    });
    let notBeforeMs = 0;
    upstream.on('data', (chunk: Buffer) => {
      const atMs = Math.max(notBeforeMs, performance.now() + delayMs);
      notBeforeMs = atMs;
      const waitMs = atMs - performance.now();
      if (waitMs <= 0) client.write(chunk);
      else setTimeout(() => client.write(chunk), waitMs);
    });
    client.on('data', (chunk: Buffer) => upstream.write(chunk));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String((server.address() as AddressInfo).port);
  return {
    url: proxied.href,
    delayAnswers: (ms) => (delayMs = ms),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
