import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** Which way bytes go. */
export type Direction = 'toServer' | 'toClient';

/** One network path to a Postgres that a test breaks in every way that networks do. */
export interface TcpProxy {
  readonly port: number;
  /** The connection string of the server behind it, by way of this proxy. */
  url(behind: string): string;
  /** Every chunk, either way, is this much later; the order stays. */
  delay(ms: number): void;
  /** Bytes that go there are swallowed, and the connections stay open: a one-way loss, or with both a black hole. */
  swallow(...directions: readonly Direction[]): void;
  /** Breaks what is open (RST, as a crashed machine's kernel sends it). */
  reset(): void;
  /** New connections are reset at once, and what is open is broken. */
  refuse(): void;
  /**
   * The next request that `isMeant` (by its bytes, as text) reaches the server and is carried out to its end; its reply never arrives,
   * and the connection breaks. Resolves when that has happened. A reply that is not the one (`isDone`) passes, and the next one is waited
   * for.
   */
  cutAfterReply(
    isMeant: (request: string) => boolean,
    isDone?: (reply: string) => boolean,
  ): Promise<void>;
  /**
   * The next request that `isMeant`, and what follows it on its connection, is held back. Resolves when there is one; what it resolves
   * to lets it go on to the server, at whatever time.
   */
  holdBack(isMeant: (request: string) => boolean): Promise<() => void>;
  /** All is well again; connections that are stuck are broken. */
  heal(): void;
  close(): Promise<void>;
}

interface Cut {
  readonly kind: 'cut';
  readonly isMeant: (request: string) => boolean;
  readonly isDone: (reply: string) => boolean;
  readonly done: () => void;
}
interface Hold {
  readonly kind: 'hold';
  readonly isMeant: (request: string) => boolean;
  readonly done: (release: () => void) => void;
}

/** Starts a proxy to the server of a connection string, on a free port. */
export async function startTcpProxy(behind: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(behind);
  const proxy = new Proxying({ host: hostname, port: Number(port || 5432) });
  await proxy.listen();
  return proxy;
}

class Proxying implements TcpProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #delayMs = 0;
  #swallowed: readonly Direction[] = [];
  #refuses = false;
  #trap: Cut | Hold | undefined;

  constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return address.port;
  }
  get delayMs(): number {
    return this.#delayMs;
  }
  swallows(direction: Direction): boolean {
    return this.#swallowed.includes(direction);
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  url(behind: string): string {
    const url = new URL(behind);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }
  delay(ms: number): void {
    this.#delayMs = ms;
  }
  swallow(...directions: readonly Direction[]): void {
    this.#swallowed = directions;
  }
  reset(): void {
    for (const pair of this.#pairs) pair.break();
  }
  refuse(): void {
    this.#refuses = true;
    this.reset();
  }
  cutAfterReply(
    isMeant: (request: string) => boolean,
    isDone: (reply: string) => boolean = () => true,
  ): Promise<void> {
    return new Promise((done) => (this.#trap = { kind: 'cut', isMeant, isDone, done }));
  }
  holdBack(isMeant: (request: string) => boolean): Promise<() => void> {
    return new Promise((done) => (this.#trap = { kind: 'hold', isMeant, done }));
  }
  heal(): void {
    const wasStuck = this.#swallowed.length > 0;
    this.#delayMs = 0;
    this.#swallowed = [];
    this.#refuses = false;
    this.#trap = undefined;
    // What was swallowed is missing from the stream: such a connection is of no more use.
    if (wasStuck) this.reset();
  }
  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** The trap that this request steps into; only one does. */
  takeTrap(request: string): Cut | Hold | undefined {
    const trap = this.#trap;
    if (!trap?.isMeant(request)) return undefined;
    this.#trap = undefined;
    return trap;
  }

  /** Waits for the next one. */
  rearm(trap: Cut): void {
    this.#trap ??= trap;
  }

  #accept(client: Socket): void {
    if (this.#refuses) return void client.resetAndDestroy();
    const pair = new Pair(this, client, connect(this.#target));
    this.#pairs.add(pair);
    pair.onEnd(() => this.#pairs.delete(pair));
  }
}

/** One connection through the proxy. */
class Pair {
  readonly #proxy: Proxying;
  readonly #client: Socket;
  readonly #server: Socket;
  /** Set once the request that is to be cut has passed: replies are listened to, and kept. */
  #cut: { readonly cut: Cut; heard: Buffer } | undefined;
  #held: Buffer[] | undefined;

  constructor(proxy: Proxying, client: Socket, server: Socket) {
    this.#proxy = proxy;
    this.#client = client;
    this.#server = server;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.break());
    }
    // What was sent before the end still arrives, as it does without a proxy.
    client.on('close', () => (this.#held ? undefined : server.end()));
    server.on('close', () => client.end());
    client.on('data', (bytes) => this.#fromClient(bytes));
    server.on('data', (bytes) => this.#fromServer(bytes));
  }

  onEnd(task: () => void): void {
    this.#client.on('close', task);
  }

  break(): void {
    for (const socket of [this.#client, this.#server])
      if (!socket.destroyed) socket.resetAndDestroy();
  }

  #fromClient(bytes: Buffer): void {
    if (this.#held) return void this.#held.push(bytes);
    const trap = this.#cut ? undefined : this.#proxy.takeTrap(bytes.toString('latin1'));
    if (trap?.kind === 'hold') {
      this.#held = [bytes];
      return trap.done(() => this.#release());
    }
    if (trap) this.#cut = { cut: trap, heard: Buffer.alloc(0) };
    this.#pass('toServer', bytes);
  }

  #release(): void {
    for (const bytes of this.#held ?? []) this.#server.write(bytes);
    this.#held = undefined;
    if (this.#client.destroyed) this.#server.end();
  }

  #fromServer(bytes: Buffer): void {
    if (!this.#cut) return this.#pass('toClient', bytes);
    this.#cut.heard = Buffer.concat([this.#cut.heard, bytes]);
    const { cut, heard } = this.#cut;
    if (!isReady(heard)) return;
    if (!cut.isDone(heard.toString('latin1'))) {
      this.#cut = undefined;
      this.#proxy.rearm(cut);
      return this.#pass('toClient', heard);
    }
    // The server is done: in autocommit the transaction has committed before it says that it is ready.
    this.break();
    cut.done();
  }

  #pass(direction: Direction, bytes: Buffer): void {
    const to = direction === 'toServer' ? this.#server : this.#client;
    const write = (): void => {
      if (!to.destroyed && !this.#proxy.swallows(direction)) to.write(bytes);
    };
    if (this.#proxy.delayMs === 0) write();
    else setTimeout(write, this.#proxy.delayMs).unref();
  }
}

/**
 * Whether these messages of a Postgres server end with ReadyForQuery.
 *
 * Source: PostgreSQL documentation, "Message Formats": a letter, and the length of the rest, itself included.
 */
function isReady(messages: Buffer): boolean {
  for (let at = 0; at + 5 <= messages.length;) {
    const next = at + 1 + messages.readInt32BE(at + 1);
    if (next > messages.length) return false;
    if (messages[at] === 0x5a) return true;
    at = next;
  }
  return false;
}
