import { SharedCells, type StoredCell } from '../replica/replica.ts';
import type { Differing } from '../repair/read-repair.ts';
import { BriefReading } from './brief-reading.ts';
import type { Deps } from './deps.ts';
import type { PlacedKey, Target } from './plan.ts';
import {
  askForRead,
  concludeRead,
  doubtsOf,
  holdingsOf,
  observeStamp,
  type ReadResult,
  type Terms,
} from './read.ts';
import { readReceipt } from './read-receipt.ts';
import type { Receipt } from './receipt.ts';
import type { Attempt, Round } from './scatter.ts';
import { settleRound } from './settle.ts';

/**
 * Reads many keys of one keyspace, each as `read` does: keys that lie on the same replicas are asked
 * for in one call a replica, and decided by one quorum. Of a key on which the answers agree that is
 * all; any other one goes the way of a single key from there (docs/decisions/0037).
 *
 * One result a key, in their order; undefined where the answers are not `usable`. Keys on which a quorum
 * agreed share their receipt. Errors: those of `read`, of any of the keys.
 */
export async function readMany(
  deps: Deps,
  keys: readonly PlacedKey[],
  terms: Terms,
): Promise<readonly (ReadResult | undefined)[]> {
  const found = new Map<PlacedKey, ReadResult | undefined>();
  const reading = sameReplicas(keys).map(async (group) => {
    const results = await readGroup(deps, group, terms);
    group.forEach((key, index) => found.set(key, results[index]));
  });
  await Promise.all(reading);
  return keys.map((key) => found.get(key));
}

/** Keys that lie on the same replicas, together. At least one each. */
type Group = readonly [PlacedKey, ...PlacedKey[]];

function sameReplicas(keys: readonly PlacedKey[]): readonly Group[] {
  const groups = new Map<string, [PlacedKey, ...PlacedKey[]]>();
  for (const key of keys) {
    const name = nameOf(key.targets);
    const group = groups.get(name);
    if (group) group.push(key);
    else groups.set(name, [key]);
  }
  return [...groups.values()];
}

/** A list of targets is one object for all keys of its partition. */
const names = new WeakMap<readonly Target[], string>();

function nameOf(targets: readonly Target[]): string {
  const known = names.get(targets);
  if (known !== undefined) return known;
  const ids = targets.map(({ replica }) => replica.id);
  const name = ids.toSorted().join('\0');
  names.set(targets, name);
  return name;
}

async function readGroup(
  deps: Deps,
  group: Group,
  terms: Terms,
): Promise<readonly (ReadResult | undefined)[]> {
  const { plan } = terms;
  const [first] = group;
  const refs = group.map(({ ref }) => ref);
  const options = { deadlineMs: plan.deadlineMs, shared: new SharedCells() };
  const briefly = plan.need > 1 ? new BriefReading(deps, refs, options) : undefined;
  const round = await askForRead(deps, first, {
    plan,
    keys: group.length,
    call: (target) => (briefly ? briefly.ask(target) : target.replica.readMany(refs, options)),
  });
  const agreed = new Agreed(deps, { group, round, terms });
  const known = group.map((key, index) => agreed.on(key, index));
  agreed.healLater();
  if (!known.includes(undefined)) return known;
  return Promise.all(
    group.map(async (key, index) => {
      const own = { ...terms, round: roundOf(round, key, index) };
      return known[index] ?? concludeRead(deps, key, own);
    }),
  );
}

/** The keys of a group of which all answers, so far, say the same. */
class Agreed {
  readonly #deps: Deps;
  readonly #group: Group;
  readonly #round: Round<readonly StoredCell[]>;
  readonly #answers: readonly (readonly StoredCell[])[];
  readonly #terms: Terms;
  readonly #agreed: number[] = [];
  #receipt: Receipt | undefined;

  constructor(
    deps: Deps,
    what: { group: Group; round: Round<readonly StoredCell[]>; terms: Terms },
  ) {
    this.#deps = deps;
    this.#group = what.group;
    this.#round = what.round;
    this.#terms = what.terms;
    // Those too that came in just after the verdict: the receipt counts them.
    this.#answers = what.round.attempts.flatMap(({ reply }) => (reply ? [reply] : []));
  }

  /** Undefined when the answers differ, when more must be done first, or when they are not usable. */
  on(key: PlacedKey, index: number): ReadResult | undefined {
    const { plan, usable } = this.#terms;
    const stored = this.#answers[0]?.[index];
    if (!stored || !this.#agreeOn(index, stored.digest)) return undefined;
    const { cell, digest } = stored;
    if (usable && !usable(this.#answers.flatMap((answer) => answer[index]?.cell ?? [])))
      return undefined;
    if (plan.writeBack && doubtsOf(cell, []).length > 0) return undefined;
    if (key.convergence.timed) observeStamp(this.#deps, cell);
    this.#agreed.push(index);
    this.#receipt ??= readReceipt(this.#deps, key, {
      plan,
      round: roundOf(this.#round, key, index),
      cell,
      digest,
      repaired: new Set(),
    });
    return { cell, receipt: this.#receipt };
  }

  /** Those that have not answered yet, or were not asked, are compared off the hot path. */
  healLater(): void {
    const hasAll = this.#answers.length === this.#round.attempts.length;
    if (hasAll || this.#agreed.length === 0) return;
    this.#deps.repair.laterMany(() => this.#differing());
  }

  async #differing(): Promise<readonly Differing[]> {
    const attempts = await allAnswers(this.#deps, this.#group, this.#round);
    const isSame = (index: number): boolean => {
      const digests = attempts.flatMap(({ reply }) => reply?.[index]?.digest ?? []);
      return digests.every((digest) => digest === digests[0]);
    };
    return this.#agreed.flatMap((index) => {
      const key = this.#group[index];
      if (!key || isSame(index)) return [];
      const holdings = holdingsOf(attempts.map((attempt) => attemptOf(attempt, key, index)));
      return [{ request: { ...key, settle: () => settleRound(this.#deps, key) }, holdings }];
    });
  }

  #agreeOn(index: number, digest: bigint): boolean {
    return this.#answers.every((answer) => answer[index]?.digest === digest);
  }
}

/** What all hold, those too that were not asked. */
async function allAnswers(
  { clock, mintMs }: Deps,
  group: Group,
  { settled }: Round<readonly StoredCell[]>,
): Promise<readonly Attempt<readonly StoredCell[]>[]> {
  const refs = group.map(({ ref }) => ref);
  const asking = (await settled).map(async (attempt) => {
    const { replica } = attempt.target;
    if (attempt.status !== 'NOT_ASKED' || !replica.votes) return attempt;
    const options = { deadlineMs: clock.monotonicMs() + mintMs };
    const reply = await replica.readMany(refs, options).catch(() => undefined);
    return { ...attempt, reply };
  });
  return Promise.all(asking);
}

/** The round of a group, as one of its keys sees it. */
function roundOf(
  { verdict, attempts, replies, settled }: Round<readonly StoredCell[]>,
  key: PlacedKey,
  index: number,
): Round<StoredCell> {
  const own = new Map(attempts.map((attempt) => [attempt, attemptOf(attempt, key, index)]));
  return {
    verdict,
    attempts: [...own.values()],
    replies: replies.flatMap((attempt) => own.get(attempt) ?? []),
    settled: settled.then((all) => all.map((attempt) => attemptOf(attempt, key, index))),
  };
}

function attemptOf(
  attempt: Attempt<readonly StoredCell[]>,
  { targets }: PlacedKey,
  index: number,
): Attempt<StoredCell> {
  const { replica } = attempt.target;
  const target = targets.find((own) => own.replica === replica) ?? attempt.target;
  return { ...attempt, target, reply: attempt.reply?.[index] };
}
