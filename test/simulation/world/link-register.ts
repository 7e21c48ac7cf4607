import type {
  Founding,
  ProposerNumber,
  Register,
  ReplicaIdentity,
  Standing,
  Witness,
} from '../../../src/replica/register.ts';
import type { CallOptions } from '../../../src/replica/replica.ts';
import type { Process } from './process.ts';
import type { Server } from './server.ts';
import { Wire, type LinkDeps } from './wire.ts';

/** The register of a replica, over a connection of its own, and what this end of it remembers. */
export class LinkRegister implements Register {
  examine: Register['examine'];
  readonly #wire: Wire;
  #latest: ReplicaIdentity | undefined;
  #acknowledged = { incarnation: '', xid: 0n };

  constructor(deps: LinkDeps, process: Process, server: Server) {
    this.#wire = new Wire(deps, { process, server });
  }

  get latest(): ReplicaIdentity | undefined {
    return this.#latest;
  }

  get watermark(): bigint {
    const { incarnation, xid } = this.#acknowledged;
    return incarnation === this.#latest?.incarnation ? xid : 0n;
  }

  /** A write was acknowledged over the data path. */
  acknowledged(incarnation: string, xid: bigint): void {
    const before = this.#acknowledged;
    if (before.incarnation === incarnation && before.xid >= xid) return;
    this.#acknowledged = { incarnation, xid };
  }

  async look(options: CallOptions): Promise<ReplicaIdentity> {
    const ask = (register: Register): Promise<ReplicaIdentity> => register.look(options);
    this.#latest = await this.#ask('look', ask, options);
    return this.#latest;
  }
  become(standing: Standing, options: CallOptions): Promise<boolean> {
    return this.#ask('become', (register) => register.become(standing, options), options);
  }
  beat(incarnation: string, options: CallOptions): Promise<number | undefined> {
    return this.#ask('beat', (register) => register.beat(incarnation, options), options);
  }
  witnesses(options: CallOptions): Promise<readonly Witness[]> {
    return this.#ask('witnesses', (register) => register.witnesses(options), options);
  }
  remember(witnesses: readonly Witness[], options: CallOptions): Promise<void> {
    return this.#ask('remember', (register) => register.remember(witnesses, options), options);
  }
  promiseFounding(ballot: string, options: CallOptions): Promise<Founding> {
    return this.#ask('found 1', (register) => register.promiseFounding(ballot, options), options);
  }
  acceptFounding(
    what: { ballot: string; cluster: string },
    options: CallOptions,
  ): Promise<boolean> {
    return this.#ask('found 2', (register) => register.acceptFounding(what, options), options);
  }
  lease(what: { owner: string; forMs: number }, options: CallOptions): Promise<boolean> {
    return this.#ask('lease', (register) => register.lease(what, options), options);
  }
  greatestBallot(options: CallOptions): Promise<number> {
    return this.#ask('ballots', (register) => register.greatestBallot(options), options);
  }
  proposerNumbers(options: CallOptions): Promise<readonly ProposerNumber[]> {
    return this.#ask('numbers', (register) => register.proposerNumbers(options), options);
  }
  learnNumbers(numbers: readonly ProposerNumber[], options: CallOptions): Promise<void> {
    return this.#ask('learn', (register) => register.learnNumbers(numbers, options), options);
  }

  #ask<T>(
    name: string,
    ask: (register: Register) => Promise<T>,
    { deadlineMs }: CallOptions,
  ): Promise<T> {
    const act = ({ register }: { register: Register }): Promise<T> => ask(register);
    return this.#wire.send({ name, key: '', deadlineMs, writes: false, lane: 'register', act });
  }
}
