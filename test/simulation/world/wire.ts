import type { Cell } from '../../../src/causality/cell.ts';
import {
  ReplicaError,
  type CallOptions,
  type PrepareResult,
  type Replica,
  type StoredCell,
} from '../../../src/replica/replica.ts';

import type { Lane, Network } from './network.ts';
import type { Process } from './process.ts';
import type { Rounds } from './rounds.ts';
import type { Schedule } from './schedule.ts';
import type { Server } from './server.ts';
import type { Trace } from './trace.ts';

/** What a link works with. */
export interface LinkDeps {
  readonly schedule: Schedule;
  readonly network: Network;
  readonly trace: Trace;
  /** Told of every version that LAST_WRITE_WINS offers to a replica. */
  readonly offered: { key: string; cell: Cell }[];
  readonly rounds: Rounds;
}

export interface Call<T> {
  readonly name: string;
  readonly key: string;
  readonly deadlineMs: number;
  /** Whether a lost answer leaves open what happened. */
  readonly writes: boolean;
  readonly lane?: Lane;
  readonly act: (replica: Replica, options: CallOptions) => Promise<T>;
}

/** Who answered, and its latest transaction then. */
export interface Heard {
  readonly incarnation: string;
  readonly xid: bigint;
}

/**
 * One connection from a process to a server, over a bad network: requests and replies are lost, late, overtaken and doubled.
 *
 * It behaves as the connection to a Postgres does: a refused connection is DOWN at once, silence is a TIMEOUT at the deadline, a
 * connection that breaks leaves open whether the statement was carried out, and the deadline travels inside the statement.
 */
export class Wire {
  readonly #id: string;
  readonly #deps: LinkDeps;
  readonly #process: Process;
  readonly #server: Server;
  readonly #heard: (heard: Heard, wrote: boolean) => void;
  /** Of which start of the server it is a connection. */
  boot: number;

  constructor(
    deps: LinkDeps,
    ends: { process: Process; server: Server },
    heard: (heard: Heard, wrote: boolean) => void = () => undefined,
  ) {
    this.#id = ends.server.id;
    this.#deps = deps;
    this.#process = ends.process;
    this.#server = ends.server;
    this.#heard = heard;
    this.boot = ends.server.boot;
  }

  send<T>(call: Call<T>): Promise<T> {
    const { network, schedule } = this.#deps;
    return new Promise((resolve, reject) => {
      const { clock, name } = this.#process;
      let settled = false;
      const settle = (how: () => void): void => {
        if (settled || !this.#process.alive) return;
        settled = true;
        cancel();
        how();
      };
      const timeOut = new ReplicaError('TIMEOUT', 'no answer in time', call.writes);
      const cancel = clock.after(call.deadlineMs - clock.monotonicMs(), () =>
        settle(() => reject(timeOut)),
      );
      const { boot } = this;
      const delayMs = network.delay(name, this.#id, call.lane);
      this.#note('→', call, delayMs === undefined ? 'lost' : '');
      if (delayMs === undefined) return;
      schedule.after(delayMs, () => this.#carryOut(call, { boot, resolve, reject, settle }));
      if (!network.duplicates(call.lane)) return;
      const again = network.delay(name, this.#id, call.lane) ?? delayMs;
      schedule.after(delayMs + again, () => this.#carryOutUnnoticed(call, boot));
    });
  }

  #carryOut<T>(call: Call<T>, to: ReplyTo<T>): void {
    const server = this.#server;
    if (server.state === 'DOWN') return this.#answer(call, to, { refused: true });
    server.arrive(() => {
      // The connection that the request came over broke before it was read.
      if (server.boot !== to.boot) return this.#answer(call, to, { refused: true });
      const { boot } = server;
      const { incarnation, register } = server.replica;
      const done = (reply: () => void, what: string): void => {
        this.#note('·', call, what);
        this.#answer(call, to, { reply, boot, incarnation, xid: register.watermark });
      };
      const work = (): void => {
        call.act(server.replica, this.#optionsAt(call)).then(
          (value) => done(() => to.resolve(value), shown(value)),
          (error: unknown) =>
            done(() => to.reject(error as Error), error instanceof Error ? error.message : ''),
        );
      };
      if (call.writes) server.transact(call.key, work, () => done(() => undefined, 'aborted'));
      else work();
    });
  }

  #carryOutUnnoticed(call: Call<unknown>, boot: number): void {
    const server = this.#server;
    if (server.state === 'DOWN' || server.boot !== boot) return;
    server.arrive(() => {
      if (server.boot !== boot) return;
      const work = (): void => {
        const acted = call.act(server.replica, this.#optionsAt(call));
        acted.then((value) => this.#note('=', call, shown(value))).catch(() => undefined);
      };
      if (call.writes) server.transact(call.key, work, () => undefined);
      else work();
    });
  }

  /** Deadlines are on the caller's clock; the replica compares with its own. */
  #optionsAt({ deadlineMs }: Call<unknown>): CallOptions {
    return { deadlineMs: deadlineMs - this.#process.originMs + this.#server.process.originMs };
  }

  #answer<T>(call: Call<T>, to: ReplyTo<T>, outcome: Outcome): void {
    const { network, schedule } = this.#deps;
    const delayMs = network.delay(this.#id, this.#process.name, call.lane);
    if (delayMs === undefined) return this.#note('←', call, 'lost');
    schedule.after(delayMs, () => {
      if (!this.#process.alive) return;
      const server = this.#server;
      if ('refused' in outcome) {
        this.#reconnect();
        return to.settle(() => to.reject(new ReplicaError('DOWN', 'connection refused', false)));
      }
      if (server.boot !== outcome.boot) {
        // It crashed after it had carried the request out: the reply died with the connection.
        this.#reconnect();
        return to.settle(() => to.reject(new ReplicaError('DOWN', 'connection lost', call.writes)));
      }
      this.boot = outcome.boot;
      this.#heard(outcome, call.writes);
      to.settle(outcome.reply);
    });
  }

  /** The next call goes over a new connection. */
  #reconnect(): void {
    this.boot = this.#server.boot;
  }

  #note(mark: string, call: Call<unknown>, what: string): void {
    const { trace, schedule } = this.#deps;
    trace.add(
      schedule.nowMs,
      `${this.#process.name} ${mark} ${this.#id} ${call.name} ${call.key} ${what}`,
    );
  }
}

interface ReplyTo<T> {
  readonly boot: number;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
  readonly settle: (how: () => void) => void;
}

type Outcome =
  { readonly refused: true } | (Heard & { readonly reply: () => void; readonly boot: number });

/** One word of an answer, for the trace. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  if ('status' in value) return String(value.status);
  if ('promised' in value && 'stored' in value) {
    const { promised, stored } = value as PrepareResult;
    return `${promised ? 'promised' : 'refused'} ${shownCell(stored.cell)}`;
  }
  if ('cell' in value) return shownCell((value as StoredCell).cell);
  return 'stored' in value ? `stored ${String(value.stored)}` : '';
}

/** The values of a cell, each with the end of its dot. */
export function shownCell({ siblings }: Cell): string {
  const versions = siblings.map(({ dot, value }) => {
    const text = value === null ? 'deleted' : value.slice(0, 12);
    return `${text}@${dot.actor.slice(0, 4)}${String(dot.counter).slice(-8)}`;
  });
  return `[${versions.join(' ')}]`;
}
