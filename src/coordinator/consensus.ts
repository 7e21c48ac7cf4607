import type { Cell } from '../causality/cell.ts';
import { laterBy, proposerOf } from '../causality/ballot.ts';
import { StoreError } from '../errors.ts';
import {
  baseOf,
  fateOf,
  planRound,
  stateOf,
  type ConsensusRules,
  type HalfAccepted,
  type Operation,
  type RoundPlan,
} from '../paxos/proposer.ts';
import { courtesyMs } from '../paxos/acceptor.ts';
import { joinInto, type JoinOutcome } from '../repair/join-into.ts';
import type { PrepareResult } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Agreed, Consensus, ConsensusRequest } from './agreement.ts';
import type { Ballots } from './ballots.ts';
import { readFailure, writeUncertain } from './faults.ts';
import type { PlacedKey, Plan } from './plan.ts';
import { scatter, type Attempt, type Round } from './scatter.ts';
import { writeReceipt } from './write-receipt.ts';

export interface ConsensusDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly ballots: Ballots;
  readonly rules: ConsensusRules;
}

/**
 * One operation that waits for its round. `writeId` names what it may write; undefined for a read.
 */
interface Waiting {
  readonly operation: Operation<unknown>;
  readonly plan: Plan;
  readonly writeId: string | undefined;
  readonly resolve: (agreed: Agreed<unknown>) => void;
  readonly reject: (error: StoreError) => void;
  settled: boolean;
  /** Its version has been sent to be accepted: from now on it may be there. */
  proposed: boolean;
  attempts: readonly Attempt<unknown>[];
  /** Why the last round came to nothing, if replicas and not other proposers were the reason. */
  fault: StoreError | undefined;
  rounds: number;
}

interface Line {
  readonly key: PlacedKey;
  waiting: Waiting[];
}

/** What this proposer may have left half accepted. */
interface Pending extends HalfAccepted {
  readonly plan: RoundPlan<unknown>;
  /** Whose answers the plan holds, in its order. */
  readonly group: readonly Waiting[];
}

const groupMax = 64;
const roundsMax = 50;
const yieldMs = 1;
/**
 * Pauses after a lost round grow to this; while a proposal is half accepted they stay short, so
 * that its fate can still be told.
 */
const pauseMaxMs = 100;
const pendingPauseMaxMs = 12;

/**
 * CASPaxos, a line a key: the operations of this gateway on one key queue up instead of duelling,
 * and those that wait together are decided in
 * one round, one after another at the same point.
 *
 * Source: Rystsov, "CASPaxos", 2018; docs/consistency.md, section 4 (consensus as one more actor of
 * the version vector, rules A and B).
 */
export class ConsensusLines implements Consensus {
  readonly #deps: ConsensusDeps;
  readonly #lines = new Map<string, Line>();

  constructor(deps: ConsensusDeps) {
    this.#deps = deps;
  }

  /**
   * Runs `operation` in a round. Rejects with CONTENDED, QUORUM_UNAVAILABLE, READ_TIMEOUT (nothing
   * written) or WRITE_UNCERTAIN.
   */
  run<Answer>(key: PlacedKey, what: ConsensusRequest<Answer>): Promise<Agreed<Answer>> {
    const { clock } = this.#deps;
    const name = `${key.ref.tenant}\0${key.ref.keyspace}\0${key.ref.key}`;
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        operation: what.operation as Operation<unknown>,
        plan: what.plan,
        writeId: what.writeId,
        resolve: resolve as (agreed: Agreed<unknown>) => void,
        reject,
        settled: false,
        proposed: false,
        attempts: [],
        fault: undefined,
        rounds: 0,
      };
      clock.after(Math.max(0, what.plan.deadlineMs - clock.monotonicMs()), () =>
        giveUp(key, waiting),
      );
      const line = this.#lines.get(name);
      if (line) return void line.waiting.push(waiting);
      const opened: Line = { key, waiting: [waiting] };
      this.#lines.set(name, opened);
      void this.#serve(name, opened);
    });
  }

  async #serve(name: string, line: Line): Promise<void> {
    while (line.waiting.length > 0) {
      const group = line.waiting.splice(0, groupMax).filter(({ settled }) => !settled);
      if (group.length === 0) continue;
      const proposal = new Proposal(this.#deps, line.key, group);
      await proposal.settle();
      // Where another gateway proposes too, it gets its turn: without a pause the one that has just
      // won wins again, round after round.
      if (proposal.metRival) await this.#deps.clock.sleep(this.#deps.random.next() * yieldMs);
    }
    this.#lines.delete(name);
  }
}

/** One group on its way through as many rounds as it takes. */
class Proposal {
  readonly #deps: ConsensusDeps;
  readonly #key: PlacedKey;
  readonly #own = new Set<number>();
  #group: readonly Waiting[];
  #pending: Pending | undefined;
  #floor = 0;
  #blocked = { by: 0, sinceMs: 0 };
  /** Whether somebody else proposes for this key too. */
  metRival = false;

  constructor(deps: ConsensusDeps, key: PlacedKey, group: readonly Waiting[]) {
    this.#deps = deps;
    this.#key = key;
    this.#group = group;
  }

  async settle(): Promise<void> {
    for (let round = 1; round <= roundsMax; round += 1) {
      this.#group = this.#group.filter(({ settled }) => !settled);
      if (this.#group.length === 0) return;
      for (const waiting of this.#group) waiting.rounds = round;
      try {
        if (await this.#round()) return;
      } catch (error) {
        this.#fail(error);
        return;
      }
      // Randomised, growing pauses: of two duelling proposers one gets through.
      const { clock, random } = this.#deps;
      const longestMs = this.#pending ? pendingPauseMaxMs : Math.min(3 + round, pauseMaxMs);
      await clock.sleep(1 + random.next() * longestMs);
    }
    for (const waiting of this.#group) giveUp(this.#key, waiting);
  }

  /** True when every operation of the group is settled. */
  async #round(): Promise<boolean> {
    const ballot = await this.#deps.ballots.next(this.#floor);
    this.#own.add(ballot);
    const promises = await this.#prepare(ballot);
    if (promises.verdict !== 'met') return this.#notPromised(promises);
    const holdings = promises.replies.flatMap(({ target, reply }) =>
      reply ? [{ id: target.replica.id, stored: reply.stored }] : [],
    );
    const cells = holdings.map(({ stored }) => stored.cell);
    const state = stateOf(cells);
    if (baseOf(state) !== 0 && proposerOf(baseOf(state)) !== proposerOf(ballot))
      this.metRival = true;
    const confirmed = this.#judgePending(state);
    if (this.#group.length === 0) return true;
    const operations = confirmed ? [] : this.#group.map(({ operation }) => operation);
    const mustAccept = this.#pending !== undefined;
    const plan = planRound(operations, { cells, ballot, mustAccept }, this.#deps.rules);
    const tried: Pending = confirmed ?? { plan, group: this.#group, ballot, base: baseOf(state) };
    if (!plan.next)
      return answerAll(this.#deps, this.#key, { ...tried, attempts: promises.attempts });
    if (!confirmed) propose(tried);
    const known = new Map(holdings.map(({ id, stored }) => [id, stored]));
    const accepts = await this.#accept(plan.next, ballot, known);
    for (const waiting of this.#group) waiting.attempts = accepts.attempts;
    if (accepts.verdict === 'met')
      return answerAll(this.#deps, this.#key, { ...tried, attempts: accepts.attempts });
    this.#notAccepted(accepts, confirmed ? undefined : tried);
    return false;
  }

  #prepare(ballot: number): Promise<Round<PrepareResult>> {
    const { ref, targets } = this.#key;
    return scatter(targets, {
      clock: this.#deps.clock,
      plan: this.#plan(),
      atOnce: targets.length,
      call: ({ replica }) => replica.prepare(ref, ballot, this.#plan()),
      accepts: ({ promised }) => promised,
    });
  }

  #accept(
    cell: Cell,
    ballot: number,
    known: ReadonlyMap<string, PrepareResult['stored']>,
  ): Promise<Round<JoinOutcome>> {
    const { targets } = this.#key;
    return scatter(targets, {
      clock: this.#deps.clock,
      plan: this.#plan(),
      atOnce: targets.length,
      call: ({ replica }) => {
        const guess = known.get(replica.id);
        return joinInto(
          replica,
          { ...this.#key, cell, ballot, ...(guess ? { guess } : {}) },
          this.#plan(),
        );
      },
      accepts: ({ status }) => status === 'joined',
    });
  }

  /**
   * The earlier proposal, when it stands and only needs to be confirmed. One that is fenced off is
   * decided again; of one that cannot be told,
   * those who wait for it are told so.
   */
  #judgePending(state: Cell): Pending | undefined {
    const pending = this.#pending;
    if (!pending) return undefined;
    const fate = fateOf(pending, state, this.#own);
    if (fate === 'applied') return pending;
    if (fate === 'fenced') return undefined;
    for (const waiting of this.#group) if (waiting.proposed) giveUp(this.#key, waiting);
    this.#group = this.#group.filter(({ settled }) => !settled);
    this.#pending = undefined;
    return undefined;
  }

  #notPromised(promises: Round<PrepareResult>): boolean {
    const refusals = promises.attempts.flatMap(({ reply }) =>
      reply && !reply.promised ? [reply.stored.promised] : [],
    );
    this.#floor = Math.max(this.#floor, ...refusals, this.#pastCourtesy(Math.max(0, ...refusals)));
    for (const waiting of this.#group) {
      const subject = {
        verb: waiting.writeId === undefined ? 'read' : 'write',
        keyspace: this.#key.ref.keyspace,
      } as const;
      const fault = readFailure(promises, waiting.plan, subject);
      const hopeless = fault.code === 'QUORUM_UNAVAILABLE';
      // A write that lost its promises is CONTENDED, whatever kept them: nothing was written.
      waiting.fault =
        hopeless || (subject.verb === 'read' && refusals.length === 0) ? fault : undefined;
      if (hopeless && !waiting.proposed) giveUp(this.#key, waiting);
    }
    return this.#group.every(({ settled }) => settled);
  }

  /**
   * A floor beyond the courtesy that a promise enjoys, once it has blocked this proposal for that
   * long: whoever holds it has died, or its clock is ahead of ours.
   */
  #pastCourtesy(promised: number): number {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#blocked.by !== promised) this.#blocked = { by: promised, sinceMs: nowMs };
    return nowMs - this.#blocked.sinceMs > courtesyMs ? laterBy(promised, courtesyMs) : 0;
  }

  /**
   * `tried` is what this round itself proposed; undefined when it only confirmed an earlier one.
   */
  #notAccepted(accepts: Round<JoinOutcome>, tried: Pending | undefined): void {
    const refusals = accepts.attempts.flatMap(({ reply }) =>
      reply?.status === 'refused' ? [reply.promised] : [],
    );
    this.#floor = Math.max(this.#floor, ...refusals);
    if (!tried?.plan.wrote.includes(true)) return;
    const certainlyNowhere = accepts.attempts.every(
      ({ reply, fault }) => reply?.status === 'refused' || fault?.maybeApplied === false,
    );
    if (!certainlyNowhere) {
      this.#pending = tried;
      return;
    }
    if (!this.#pending) for (const waiting of this.#group) waiting.proposed = false;
  }

  #fail(error: unknown): void {
    const fault =
      error instanceof StoreError ? error : new StoreError('INTERNAL_SERVER_ERROR', String(error));
    for (const waiting of this.#group) {
      waiting.fault = fault;
      giveUp(this.#key, waiting);
    }
  }

  #plan(): Pick<Plan, 'need' | 'deadlineMs'> {
    const [first] = this.#group;
    return {
      need: first?.plan.need ?? 1,
      deadlineMs: Math.max(...this.#group.map(({ plan }) => plan.deadlineMs)),
    };
  }
}

/** From here on the versions of these operations may be somewhere. */
function propose({ group, plan }: Pending): void {
  group.forEach((waiting, index) => {
    if (plan.wrote[index]) waiting.proposed = true;
  });
}

function answerAll(
  deps: ConsensusDeps,
  key: PlacedKey,
  what: Pending & { attempts: readonly Attempt<unknown>[] },
): true {
  const { group, plan, attempts } = what;
  group.forEach((waiting, index) => {
    const cell = plan.after[index];
    if (waiting.settled || !cell) return;
    waiting.settled = true;
    waiting.resolve({
      answer: plan.answers[index],
      cell,
      receipt: writeReceipt(deps.clock, key, { plan: waiting.plan, attempts }),
    });
  });
  return true;
}

/**
 * What is true of an operation that gets no further: it may be there, or replicas failed it, or
 * other proposers kept it out.
 */
function giveUp(key: PlacedKey, waiting: Waiting): void {
  if (waiting.settled) return;
  waiting.settled = true;
  const { keyspace } = key.ref;
  if (waiting.proposed && waiting.writeId !== undefined) {
    const acknowledged = waiting.attempts.filter(({ status }) => status === 'OK').length;
    const details = {
      verdict: 'late',
      required: waiting.plan.need,
      acknowledged,
      writeId: waiting.writeId,
      keyspace,
    } as const;
    return waiting.reject(writeUncertain(waiting.attempts, details));
  }
  const contended = new StoreError(
    'CONTENDED',
    `Other writers of this key of keyspace "${keyspace}" were faster, round after round`,
    {
      rounds: waiting.rounds,
      retryAfterMs: 50,
    },
  );
  waiting.reject(waiting.fault ?? contended);
}
