import type { Cell } from '../causality/cell.ts';
import { laterBy, proposerOf } from '../causality/ballot.ts';
import { StoreError } from '../errors.ts';
import { courtesyMs } from '../paxos/acceptor.ts';
import { baseOf, fateOf } from '../paxos/lineage.ts';
import { planRound, stateOf, type ConsensusRules } from '../paxos/proposer.ts';
import type { HintKeeper } from '../repair/hint-keeper.ts';
import { joinInto, type JoinOutcome, type JoinRequest } from '../repair/join-into.ts';
import { ReplicaError, type CallOptions, type PrepareResult } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Ballots } from './ballots.ts';
import { answerAll, giveUp, propose, type Pending, type Waiting } from './consensus-call.ts';
import { readFailure } from './faults.ts';
import { Hinting } from './hinting.ts';
import type { PlacedKey, Plan, Target } from './plan.ts';
import { scatter, type Round } from './scatter.ts';

export interface ConsensusDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly ballots: Ballots;
  readonly rules: ConsensusRules;
  readonly hints: HintKeeper;
}

/** A promise, and the incarnation that gave it. */
interface Promised extends PrepareResult {
  readonly by: string | undefined;
}

const roundsMax = 50;
/**
 * Pauses after a lost round grow to this; while a proposal is half accepted they stay short, so
 * that its fate can still be told.
 */
const pauseMaxMs = 100;
const pendingPauseMaxMs = 12;

/** One group on its way through as many rounds as it takes. */
export class Proposal {
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
    // Whoever gave up while the promises came in was told that nothing was written: so it must stay.
    this.#group = this.#group.filter(({ settled }) => !settled);
    const holdings = promises.replies.flatMap(({ target, reply }) =>
      reply ? [{ id: target.replica.id, stored: reply.stored, by: reply.by }] : [],
    );
    const cells = holdings.map(({ stored }) => stored.cell);
    const state = stateOf(cells);
    if (baseOf(state) !== 0 && proposerOf(baseOf(state)) !== proposerOf(ballot))
      this.metRival = true;
    const confirmed = this.#judgePending(state);
    if (this.#group.length === 0) return true;
    const operations = confirmed ? [] : this.#group.map(({ operation }) => operation);
    const mustAccept = this.#pending !== undefined || this.#group.some(({ settles }) => settles);
    const plan = planRound(operations, { cells, ballot, mustAccept }, this.#deps.rules);
    const tried: Pending = confirmed ?? { plan, group: this.#group, ballot, base: baseOf(state) };
    if (!plan.next)
      return answerAll(this.#deps.clock, this.#key, { ...tried, attempts: promises.attempts });
    if (!confirmed) propose(tried);
    const known = new Map(holdings.map(({ id, ...promise }) => [id, promise]));
    const accepts = await this.#accept(plan.next, ballot, known);
    for (const waiting of this.#group) waiting.attempts = accepts.attempts;
    if (accepts.verdict === 'met') {
      const { attempts, replies } = accepts;
      const accepted = replies.flatMap(({ reply }) =>
        reply?.status === 'joined' ? [reply.cell] : [],
      );
      return answerAll(this.#deps.clock, this.#key, { ...tried, attempts, accepted });
    }
    this.#notAccepted(accepts, confirmed ? undefined : tried);
    return false;
  }

  #prepare(ballot: number): Promise<Round<Promised>> {
    const { ref, targets } = this.#key;
    return scatter(targets, {
      clock: this.#deps.clock,
      plan: this.#plan(),
      atOnce: targets.length,
      call: async ({ replica }) => {
        const result = await replica.prepare(ref, ballot, this.#plan());
        return { ...result, by: replica.incarnation };
      },
      accepts: ({ promised }) => promised,
    });
  }

  async #accept(
    cell: Cell,
    ballot: number,
    known: ReadonlyMap<string, Pick<Promised, 'stored' | 'by'>>,
  ): Promise<Round<JoinOutcome>> {
    const { targets } = this.#key;
    const hinting = new Hinting(this.#deps, this.#key, { cell });
    const round = await scatter(targets, {
      clock: this.#deps.clock,
      plan: this.#plan(),
      atOnce: targets.length,
      call: ({ replica }) => {
        const promise = known.get(replica.id);
        const by = promise?.by ?? replica.incarnation;
        const request = { ...this.#key, cell, ...(promise ? { guess: promise.stored } : {}) };
        const accept = acceptAt(replica, request, {
          by: replica.votes ? by : undefined,
          ballot,
          options: this.#plan(),
        });
        return hinting.watch(accept, ({ status }) => status === 'joined');
      },
      accepts: ({ status }) => status === 'joined',
      missed: hinting.missed,
    });
    this.#deps.hints.follow(round.settled);
    return round;
  }

  /**
   * The earlier proposal, when it stands and only needs to be confirmed. One that is fenced off is
   * decided again; of one that cannot be told, those who wait for it are told so.
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

  #notPromised(promises: Round<Promised>): boolean {
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

/** A replica without a vote gets the version like any other one; that is no accept. */
async function acceptAt(
  replica: Target['replica'],
  request: JoinRequest,
  what: { by: string | undefined; ballot: number; options: CallOptions },
): Promise<JoinOutcome> {
  const { by, ballot, options } = what;
  if (by !== undefined) return joinInto(replica, { ...request, accept: { by, ballot } }, options);
  await joinInto(replica, request, options);
  throw new ReplicaError('REFUSED', replica.reason, true);
}
