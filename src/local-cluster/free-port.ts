import { createServer, type Server } from 'node:net';

const loopback = '127.0.0.1';

/**
 * A port for each of `preferred`: the same one where it is free, another free one where it is not
 * (or undefined).
 *
 * All are held open until all are found, so that no two are the same. Between here and the
 * database's own bind somebody else may take one: the database then says so, and the caller asks
 * again.
 */
export async function freePorts(preferred: readonly (number | undefined)[]): Promise<number[]> {
  const held: Server[] = [];
  try {
    for (const port of preferred) {
      held.push((await listen(port ?? 0)) ?? (await listenAnywhere()));
    }
    return held.map(portOf);
  } finally {
    await Promise.all(held.map((server) => new Promise((closed) => server.close(closed))));
  }
}

async function listenAnywhere(): Promise<Server> {
  const server = await listen(0);
  if (server === undefined) throw new Error('This machine has no free TCP port on 127.0.0.1.');
  return server;
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(undefined));
    server.listen({ port, host: loopback, exclusive: true }, () => done(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
