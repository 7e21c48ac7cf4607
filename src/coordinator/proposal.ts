import { following, laterBy, proposerOf } from '../causality/ballot.ts';
import type { Cell } from '../causality/cell.ts';
import { digestOf } from '../causality/cell-codec.ts';
import { StoreError } from '../errors.ts';
import { courtesyMs } from '../paxos/acceptor.ts';
import { baseOf, fateOf } from '../paxos/lineage.ts';
import { planRound, stateOf, type ConsensusRules } from '../paxos/proposer.ts';
import type { HintKeeper } from '../repair/hint-keeper.ts';
import type { JoinOutcome } from '../repair/join-into.ts';
import type { PrepareResult } from '../replica/replica.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { accept, type AcceptRequest } from './accept.ts';
import type { Ballots } from './ballots.ts';
import { answerAll, giveUp, propose, type Pending, type Waiting } from './consensus-call.ts';
import { readFailure } from './faults.ts';
import type { KeptPromise, KeptPromises } from './kept-promises.ts';
import type { PlacedKey, Plan } from './plan.ts';
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
  readonly #deps: ConsensusDeps & { readonly kept: KeptPromises };
  readonly #key: PlacedKey;
  readonly #own = new Set<number>();
  #group: readonly Waiting[];
  #pending: Pending | undefined;
  #floor = 0;
  #blocked = { by: 0, sinceMs: 0 };
  /** Whether something has kept it from going through at once. */
  #wasRefused = false;
  /** Whether somebody else proposes for this key too. */
  metRival = false;

  constructor(
    deps: ConsensusDeps & { readonly kept: KeptPromises },
    key: PlacedKey,
    group: readonly Waiting[],
  ) {
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
    const { ballots, clock, rules, kept } = this.#deps;
    const promise = kept.take(this.#key);
    if (promise && (await this.#settleBy(promise))) return true;
    this.#group = this.#group.filter(({ settled }) => !settled);
    if (this.#group.length === 0) return true;
    const ballot = await ballots.next(this.#floor);
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
    const base = baseOf(state);
    if (base !== 0 && proposerOf(base) !== proposerOf(ballot)) this.metRival = true;
    const confirmed = this.#judgePending(state);
    if (this.#group.length === 0) return true;
    const operations = confirmed ? [] : this.#group.map(({ operation }) => operation);
    const mustAccept = this.#pending !== undefined || this.#settles();
    const plan = planRound(operations, { cells, ballot, mustAccept }, rules);
    const tried: Pending = confirmed ?? { plan, group: this.#group, ballot, base };
    if (!plan.next) return answerAll(clock, this.#key, { ...tried, attempts: promises.attempts });
    const known = new Map(holdings.map(({ id, ...promiser }) => [id, promiser]));
    const [first] = holdings;
    return this.#accept(tried, {
      cell: plan.next,
      ballot,
      // Who has not answered yet holds most likely what the first one does.
      known: (id) => known.get(id) ?? (first && { stored: first.stored, by: undefined }),
      isKept: false,
      promises: mustAccept || base === 0 ? undefined : this.#following(ballot),
    });
  }

  /**
   * One round trip instead of two: the promise came with the last accept of this gateway. False when
   * it cannot be used, or a majority has not taken it.
   *
   * What changes nothing is not decided by it: that another proposer has done nothing since is only
   * known once a majority has accepted something.
   */
  async #settleBy({ ballot, stored, by }: KeptPromise): Promise<boolean> {
    const { clock, rules, ballots } = this.#deps;
    // Ordinary writes need no promise: where they are let through by now, it says nothing about them.
    if (this.#pending || this.#settles() || !this.#key.isAgreedOnly) return false;
    const operations = this.#group.map(({ operation }) => operation);
    const from = { cells: [stored.cell], ballot, mustAccept: false };
    const plan = planRound(operations, from, rules);
    const tried = { plan, group: this.#group, ballot, base: baseOf(stored.cell) };
    if (!plan.next)
      return !rules.lookAnew && answerAll(clock, this.#key, { ...tried, attempts: [] });
    ballots.used(ballot);
    this.#own.add(ballot);
    this.#floor = Math.max(this.#floor, ballot);
    return this.#accept(tried, {
      cell: plan.next,
      ballot,
      known: (id) => ({ stored, by: by.get(id) }),
      isKept: true,
      promises: this.#following(ballot),
    });
  }

  /** The ballot that is asked for with an accept, where nobody else is likely to want the key. */
  #following(ballot: number): number | undefined {
    const isAlone = this.#key.isAgreedOnly && !this.metRival && !this.#wasRefused;
    return isAlone && !this.#deps.kept.isShy(this.#key) ? following(ballot) : undefined;
  }

  #settles(): boolean {
    return this.#group.some(({ settles }) => settles);
  }

  /** True when a majority has taken it. */
  async #accept(tried: Pending, what: AcceptRequest): Promise<boolean> {
    const { clock, kept } = this.#deps;
    const { ballot, cell, promises, isKept } = what;
    const isOwn = tried.ballot === ballot;
    if (isOwn) propose(tried);
    const plan = this.#plan();
    const { round, promised } = await accept(this.#deps, this.#key, { ...what, plan });
    const { attempts, replies } = round;
    for (const waiting of this.#group) waiting.attempts = attempts;
    if (round.verdict !== 'met') {
      if (isKept) kept.lose(this.#key);
      this.#notAccepted(round, isOwn ? tried : undefined);
      return false;
    }
    if (promises !== undefined) {
      const stored = { cell, digest: digestOf(cell) };
      kept.keep(this.#key, { ballot: promises, stored, by: promised });
    }
    const accepted = replies.flatMap(({ reply }) =>
      reply?.status === 'joined' ? [reply.cell] : [],
    );
    return answerAll(clock, this.#key, { ...tried, attempts, accepted });
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
    this.#wasRefused = true;
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
    this.#wasRefused = true;
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
