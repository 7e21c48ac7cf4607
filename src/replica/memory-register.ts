import type { Clock } from '../runtime/clock.ts';
import {
  laterWitness,
  type Founding,
  type Place,
  type ProposerNumber,
  type Register,
  type RepairCause,
  type ReplicaIdentity,
  type ReplicaStanding,
  type Standing,
  type Witness,
} from './register.ts';

/** What a database has on its disk about itself; a copy of the disk is a copy of this. */
export interface RegisterState {
  incarnation: string;
  standing: ReplicaStanding;
  sinceMs: number;
  cause: RepairCause | '';
  cluster: string | undefined;
  name: string | undefined;
  fence: number;
  nextXid: bigint;
  promiseFloor: number;
  recordedPlace: Place;
  promised: string;
  accepted: string;
  readonly witnesses: Map<string, Witness>;
  readonly numbers: Map<number, ProposerNumber>;
}

/** The register role in memory: what the contract means, without SQL. */
export class MemoryRegister implements Register {
  examine: Register['examine'];
  watermark = 0n;
  /** Where it runs: not on its disk. */
  place: Place;
  boot = 1;
  readonly #clock: Clock;
  #state: RegisterState;
  #lease = { owner: '', untilMs: -Infinity };

  /** A full member of a cluster, unless `isNew`. */
  constructor(options: { id: string; incarnation: string; clock: Clock; isNew?: boolean }) {
    const { id, incarnation, clock, isNew = false } = options;
    this.#clock = clock;
    this.place = { server: `server of ${id}`, timeline: 1 };
    const empty = emptyState(incarnation, clock.monotonicMs());
    const member = { standing: 'admitted', cluster: 'in memory', name: id } as const;
    this.#state = isNew ? empty : { ...empty, ...member, recordedPlace: this.place };
  }

  get incarnation(): string {
    return this.#state.incarnation;
  }
  get promiseFloor(): number {
    return this.#state.promiseFloor;
  }
  get latest(): ReplicaIdentity {
    const { incarnation, standing, sinceMs, cause, cluster, name } = this.#state;
    const { fence, nextXid, recordedPlace } = this.#state;
    return {
      ...{ incarnation, standing, cause, cluster, name, fence, nextXid, recordedPlace },
      clockOffsetMs: 0,
      standingMs: this.#clock.monotonicMs() - sinceMs,
      boot: String(this.boot),
      place: this.place,
    };
  }

  /** A transaction has committed something. */
  committed(): void {
    this.watermark = this.#state.nextXid;
    this.#state.nextXid += 1n;
  }

  /** What is on the disk now. */
  save(): RegisterState {
    const { witnesses, numbers } = this.#state;
    return { ...this.#state, witnesses: new Map(witnesses), numbers: new Map(numbers) };
  }

  /** Another disk: an older copy of this one, or, without `state`, an empty one. */
  load(state: RegisterState | undefined, incarnation: string): void {
    this.#state = state
      ? { ...state, witnesses: new Map(state.witnesses), numbers: new Map(state.numbers) }
      : emptyState(incarnation, this.#clock.monotonicMs());
    this.watermark = 0n;
  }

  async look(): Promise<ReplicaIdentity> {
    return this.latest;
  }

  async become(change: Standing): Promise<boolean> {
    const { from, to, incarnation, cluster, name, place, cause, fence, promiseFloor } = change;
    const state = this.#state;
    if (state.incarnation !== from.incarnation || state.standing !== from.standing) return false;
    if (incarnation !== undefined) this.watermark = 0n;
    this.#state = {
      ...state,
      incarnation: incarnation ?? state.incarnation,
      standing: to,
      sinceMs: this.#clock.monotonicMs(),
      cluster,
      name,
      cause,
      recordedPlace: place,
      fence: Math.max(state.fence, fence) + 1,
      promiseFloor,
    };
    return true;
  }

  async beat(incarnation: string): Promise<number | undefined> {
    if (incarnation !== this.#state.incarnation) return undefined;
    this.#state.fence += 1;
    return this.#state.fence;
  }

  async witnesses(): Promise<readonly Witness[]> {
    return [...this.#state.witnesses.values()];
  }

  async remember(witnesses: readonly Witness[]): Promise<void> {
    const known = this.#state.witnesses;
    for (const witness of witnesses)
      known.set(witness.replica, laterWitness(known.get(witness.replica), witness));
  }

  async promiseFounding(ballot: string): Promise<Founding> {
    const state = this.#state;
    const promised = state.standing === 'new' && state.promised < ballot;
    if (promised) state.promised = ballot;
    return { promised, accepted: state.accepted, cluster: state.cluster };
  }

  async acceptFounding({ ballot, cluster }: { ballot: string; cluster: string }): Promise<boolean> {
    const state = this.#state;
    if (state.standing !== 'new' || state.promised > ballot) return false;
    Object.assign(state, { promised: ballot, accepted: ballot, cluster });
    return true;
  }

  async lease({ owner, forMs }: { owner: string; forMs: number }): Promise<boolean> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#lease.owner !== owner && this.#lease.untilMs > nowMs) return false;
    this.#lease = { owner, untilMs: nowMs + forMs };
    return true;
  }

  /** The rows are the replica's: it puts its own answer here. */
  greatestBallot = async (): Promise<number> => 0;

  claim(number: number, owner: string): string {
    const { numbers } = this.#state;
    const holder = numbers.get(number)?.owner ?? owner;
    numbers.set(number, { number, owner: holder, seenAtMs: this.#clock.nowMs() });
    return holder;
  }

  async proposerNumbers(): Promise<readonly ProposerNumber[]> {
    return [...this.#state.numbers.values()];
  }

  async learnNumbers(numbers: readonly ProposerNumber[]): Promise<void> {
    for (const learnt of numbers) {
      const known = this.#state.numbers.get(learnt.number);
      if (!known || known.seenAtMs < learnt.seenAtMs)
        this.#state.numbers.set(learnt.number, learnt);
    }
  }
}

function emptyState(incarnation: string, sinceMs: number): RegisterState {
  return {
    incarnation,
    standing: 'new',
    sinceMs,
    cause: '',
    cluster: undefined,
    name: undefined,
    fence: 0,
    nextXid: 3n,
    promiseFloor: 0,
    recordedPlace: { server: '', timeline: 0 },
    promised: '',
    accepted: '',
    witnesses: new Map(),
    numbers: new Map(),
  };
}
