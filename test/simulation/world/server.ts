import type { MemoryReplica } from '../../../src/replica/memory-replica.ts';
import type { MemoryCopy } from '../../../src/replica/memory-rows.ts';
import type { Random } from '../../../src/runtime/random.ts';
import type { Process } from './process.ts';
import type { Schedule } from './schedule.ts';
import { TransactionLog } from './transaction-log.ts';

/** How long transactions stay open: a share of them, up to so many ms. */
export interface OpenTransactions {
  readonly share: number;
  readonly maxMs: number;
}

interface Transaction {
  readonly xid: number;
  /** Whose row it locks. */
  readonly key: string;
  readonly work: () => void;
  /** The server has crashed under it. */
  readonly lost: () => void;
}

/** The machine that a replica runs on: it can crash and keep its data, freeze and thaw, or lose everything. */
export class Server {
  readonly id: string;
  readonly process: Process;
  readonly replica: MemoryReplica;
  readonly log = new TransactionLog();
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #open: OpenTransactions;
  #state: 'UP' | 'DOWN' | 'FROZEN' = 'UP';
  #boot = 1;
  #waiting: (() => void)[] = [];
  /** By key: who holds its lock, and who waits for it. */
  #locks = new Map<string, Transaction[]>();
  #logged = 0;
  readonly #listeners: (() => void)[] = [];
  #afterChange: (() => void) | undefined;

  constructor(
    what: { process: Process; replica: MemoryReplica },
    time: { schedule: Schedule; random: Random; open: OpenTransactions },
  ) {
    this.id = what.replica.id;
    this.process = what.process;
    this.replica = what.replica;
    this.#schedule = time.schedule;
    this.#random = time.random;
    this.#open = time.open;
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

  /**
   * Carries out a write: at once, or in a transaction that stays open for a while, with a lock on its key. What it does is there for
   * everyone when it commits.
   */
  transact(key: string, work: () => void, lost: () => void): void {
    const xid = this.log.begin();
    const transaction = { xid, key, work, lost };
    const holders = this.#locks.get(key);
    if (holders) holders.push(transaction);
    else {
      this.#locks.set(key, [transaction]);
      this.#hold(transaction);
    }
  }

  /** Calls `task` after every change from now on. */
  onLogged(task: () => void): void {
    this.#listeners.push(task);
  }

  /** Calls `task` once, after the next change, before anybody is told of it. */
  afterNextChange(task: () => void): void {
    this.#afterChange = task;
  }

  crash(): void {
    this.#state = 'DOWN';
    this.#boot += 1;
    this.log.crash();
    this.#abort();
    this.replica.register.boot = this.#boot;
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
    this.#abort();
    this.replica.wipe(incarnation);
    this.log.wipe();
    this.#logged = 0;
    this.recover();
  }

  /** An older copy of its disk in the place of the present one; it is down, and comes back later. */
  restore(copy: MemoryCopy): void {
    this.crash();
    this.replica.restore(copy);
    this.log.wipe();
    this.#logged = this.replica.changes.length;
  }

  #hold(transaction: Transaction): void {
    const seq = this.log.draw();
    const { share, maxMs } = this.#open;
    if (share === 0 || this.#random.next() >= share) return this.#commit(transaction, seq);
    this.#schedule.after(this.#random.next() * maxMs, () =>
      this.arrive(() => this.#commit(transaction, seq)),
    );
  }

  #commit(transaction: Transaction, seq: number): void {
    const { key, xid, work } = transaction;
    const holders = this.#locks.get(key);
    if (holders?.[0] !== transaction) return; // it was aborted
    work();
    const changes = this.replica.changes.slice(this.#logged);
    this.#logged = this.replica.changes.length;
    const atMs = this.#schedule.nowMs;
    const rows = changes.map((change, at) => ({
      ...change,
      ...{ xid, atMs, seq: at === 0 ? seq : this.log.draw() },
    }));
    this.log.end(xid, rows);
    if (rows.length > 0) this.#tell();
    holders.shift();
    const next = holders.at(0);
    if (next) this.#hold(next);
    else this.#locks.delete(key);
  }

  #tell(): void {
    for (const task of this.#listeners) task();
    this.#afterChange?.();
    this.#afterChange = undefined;
  }

  #abort(): void {
    const open = [...this.#locks.values()].flat();
    this.#locks = new Map();
    for (const { lost } of open) lost();
  }
}
