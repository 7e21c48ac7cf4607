import { StoreError } from '../errors.ts';
import type { Operation } from '../paxos/proposer.ts';
import { refName } from '../replica/cell-ref.ts';
import type { Agreed, Consensus, ConsensusRequest } from './agreement.ts';
import { giveUp, type Waiting } from './consensus-call.ts';
import { KeptPromises } from './kept-promises.ts';
import type { PlacedKey } from './plan.ts';
import { Proposal, type ConsensusDeps } from './proposal.ts';

interface Line {
  readonly key: PlacedKey;
  waiting: Waiting[];
}

const groupMax = 64;
const yieldMs = 1;

/**
 * CASPaxos, a line a key: the operations of this gateway on one key queue up instead of duelling,
 * and those that wait together are decided in one round, one after another at the same point.
 *
 * Source: Rystsov, "CASPaxos", 2018; docs/consistency.md, section 4 (consensus as one more actor of
 * the version vector, rules A and B).
 */
export class ConsensusLines implements Consensus {
  readonly #deps: ConsensusDeps;
  readonly #kept: KeptPromises;
  readonly #lines = new Map<string, Line>();

  constructor(deps: ConsensusDeps) {
    this.#deps = deps;
    const { clock, rules } = deps;
    this.#kept = new KeptPromises({ clock, once: rules.keptOnce });
  }

  /**
   * Runs `operation` in a round. Rejects with CONTENDED, QUORUM_UNAVAILABLE, READ_TIMEOUT (nothing
   * written) or WRITE_UNCERTAIN.
   */
  run<Answer>(key: PlacedKey, what: ConsensusRequest<Answer>): Promise<Agreed<Answer>> {
    const { clock } = this.#deps;
    const name = refName(key.ref);
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        operation: guarded(what.operation as Operation<unknown>),
        plan: what.plan,
        writeId: what.writeId,
        settles: what.settles === true,
        resolve: (agreed) => {
          if (agreed.answer instanceof StoreError) reject(agreed.answer);
          else resolve(agreed as Agreed<Answer>);
        },
        reject,
        settled: false,
        proposed: false,
        attempts: [],
        fault: undefined,
        rounds: 0,
        cancel: () => undefined,
      };
      const leftMs = Math.max(0, what.plan.deadlineMs - clock.monotonicMs());
      waiting.cancel = clock.after(leftMs, () => giveUp(key, waiting));
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
      const proposal = new Proposal({ ...this.#deps, kept: this.#kept }, line.key, group);
      await proposal.settle();
      // Where another gateway proposes too, it gets its turn: without a pause the one that has just
      // won wins again, round after round.
      if (proposal.metRival) await this.#deps.clock.sleep(this.#deps.random.next() * yieldMs);
    }
    this.#lines.delete(name);
  }
}

/**
 * The operation, with a refusal turned into an answer of its own: the others that are decided in the
 * same round have nothing to do with it.
 */
function guarded(operation: Operation<unknown>): Operation<unknown> {
  const { remember, settle } = operation;
  return {
    decide: (state) => {
      try {
        return operation.decide(state);
      } catch (error) {
        if (error instanceof StoreError) return { kind: 'answer', answer: error };
        throw error;
      }
    },
    ...(remember
      ? { remember: (answer) => (answer instanceof StoreError ? undefined : remember(answer)) }
      : {}),
    ...(settle
      ? { settle: (answer) => (answer instanceof StoreError ? undefined : settle(answer)) }
      : {}),
  };
}
