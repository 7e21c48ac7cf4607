import type { MemoryReplica } from '../../../src/replica/memory-replica.ts';
import type { Process } from './process.ts';

/** The machine that a replica runs on: it can crash and keep its data, freeze and thaw, or lose everything. */
export class Server {
  readonly id: string;
  readonly process: Process;
  readonly replica: MemoryReplica;
  #state: 'UP' | 'DOWN' | 'FROZEN' = 'UP';
  #boot = 1;
  #waiting: (() => void)[] = [];
  /** When each row of the change log was written, in ms since the run began. */
  readonly loggedAtMs: number[] = [];
  /** Rows of the change log that are gone by age. */
  trimmed = 0;
  readonly #listeners: (() => void)[] = [];

  constructor(process: Process, replica: MemoryReplica) {
    this.id = replica.id;
    this.process = process;
    this.replica = replica;
  }

  get state(): 'UP' | 'DOWN' | 'FROZEN' {
    return this.#state;
  }

  /** Grows with every start: connections of an earlier one are broken. */
  get boot(): number {
    return this.#boot;
  }

  /** Carries out a request now, or when the server thaws. Never while it is down. */
  arrive(request: () => void): void {
    if (this.#state === 'FROZEN') this.#waiting.push(request);
    else request();
  }

  /** Calls `task` after every change from now on. */
  onLogged(task: () => void): void {
    this.#listeners.push(task);
  }

  /** Dates what the last request has logged. */
  noteLog(nowMs: number): void {
    const before = this.loggedAtMs.length;
    while (this.loggedAtMs.length < this.replica.changes.length) this.loggedAtMs.push(nowMs);
    if (this.loggedAtMs.length > before) for (const task of this.#listeners) task();
  }

  crash(): void {
    this.#state = 'DOWN';
    this.#boot += 1;
    // Whatever had arrived and was not carried out is lost with the process; its connections break.
    for (const request of this.#waiting.splice(0)) request();
  }

  freeze(): void {
    if (this.#state === 'UP') this.#state = 'FROZEN';
  }

  /** Running again: after a freeze with all that came in meanwhile, after a crash with what was on its disk. */
  recover(): void {
    this.#state = 'UP';
    for (const request of this.#waiting.splice(0)) request();
  }

  /**
   * A new, empty disk. `behindProxy`: callers keep their connections, which now lead to another
   * database; only the incarnation inside the statement tells.
   */
  wipe(incarnation: string, behindProxy: boolean): void {
    if (!behindProxy) this.crash();
    this.replica.wipe(incarnation);
    this.loggedAtMs.length = 0;
    this.trimmed = 0;
    this.recover();
  }
}
