import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

const folder = new URL('../fixtures/tls/', import.meta.url);
/** Of `localhost`, signed by itself; good for a hundred years. */
export const certificatePath = new URL('certificate.pem', folder).pathname;
const cert = readFileSync(certificatePath);
const key = readFileSync(new URL('key.pem', folder));

/** A place before a Postgres that speaks TLS to clients, as Postgres does, and nothing else. */
export interface TlsFront {
  readonly port: number;
  /** Bytes that clients have sent inside of TLS. */
  readonly heard: () => number;
  close(): Promise<void>;
}

/** `to`: a Postgres that is talked to in plain text. */
export async function startTlsFront(to: { host: string; port: number }): Promise<TlsFront> {
  let heard = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on('error', () => client.destroy());
    // The first message of a client that wants TLS: its length, and a number that is no version.
    client.once('data', (asked) => {
      if (asked.length !== 8 || asked.readInt32BE(4) !== 80877103) return void client.destroy();
      client.write('S');
      const secure = new TLSSocket(client, {
        isServer: true,
        secureContext: createSecureContext({ cert, key }),
      });
      const database = connect(to);
      open.add(database);
      secure.on('data', (bytes: Buffer) => (heard += bytes.length));
      for (const side of [secure, database]) {
        side.on('error', () => [secure, database].forEach((one) => one.destroy()));
        side.on('close', () => [secure, database].forEach((one) => one.destroy()));
      }
      secure.pipe(database).pipe(secure);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    close() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
