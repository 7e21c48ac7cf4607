import type { Cell } from '../../../src/causality/cell.ts';
import { PI } from '../../../src/causality/dot.ts';
import type { OutcomeRecord } from '../../../src/causality/outcomes.ts';
import type {
  CallOptions,
  CellRef,
  PrepareResult,
  StoredCell,
  SwapRequest,
  SwapResult,
} from '../../../src/replica/replica.ts';
import type { HistoryRequest, LoggedWrites } from '../../../src/replica/write-history.ts';
import { PassingLink } from './links.ts';

type Stage = NonNullable<OutcomeRecord['settlement']>['stage'];

/** Reads do not see how writes are settled: what is fenced is shown, what is doubted is not asked about. */
export class UnsettledReads extends PassingLink {
  readonly #stages: readonly Stage[];

  constructor(inner: PassingLink['inner'], stages: readonly Stage[]) {
    super(inner);
    this.#stages = stages;
  }

  override async read(ref: CellRef, options: CallOptions): Promise<StoredCell> {
    return without(await this.inner.read(ref, options), this.#stages);
  }
}

/** Rounds do not see fences either, as if they had been forgotten like other records. */
export class ForgottenFences extends UnsettledReads {
  constructor(inner: PassingLink['inner']) {
    super(inner, ['fenced']);
  }

  override async prepare(
    ref: CellRef,
    ballot: number,
    options: CallOptions,
  ): Promise<PrepareResult> {
    const result = await this.inner.prepare(ref, ballot, options);
    return { ...result, stored: without(result.stored, ['fenced']) };
  }
}

/** Logs that say nothing, and that this is all. */
export class SilentLogs extends PassingLink {
  override async history(
    ref: CellRef,
    what: HistoryRequest,
    options: CallOptions,
  ): Promise<LoggedWrites> {
    const log = await this.inner.history(ref, what, options);
    return { ...log, complete: true, versions: [] };
  }
}

/** Logs that name somebody else wherever they are asked who took a round. */
export class LyingLogs extends PassingLink {
  override async history(
    ref: CellRef,
    what: HistoryRequest,
    options: CallOptions,
  ): Promise<LoggedWrites> {
    const log = await this.inner.history(ref, what, options);
    const versions = what.ballots.map((counter) => ({
      dot: { actor: PI, counter },
      writeId: 'of somebody else',
      lineage: [0],
    }));
    return { ...log, complete: true, versions };
  }
}

/** What a fenced write had replaced is not brought back: versions are given no new dots. */
export class UnrenewedLink extends PassingLink {
  override async swap(
    ref: CellRef,
    request: SwapRequest,
    options: CallOptions,
  ): Promise<SwapResult> {
    if (request.next.siblings.some(({ earlier }) => earlier)) return { status: 'swapped' };
    return this.inner.swap(ref, request, options);
  }
}

/** Where the last write wins: a fence is recorded, and what stands gets no greater stamp. */
export class UnstampedFences extends PassingLink {
  override async swap(
    ref: CellRef,
    request: SwapRequest,
    options: CallOptions,
  ): Promise<SwapResult> {
    const isFence = request.next.siblings.some(({ dot }) => dot.actor.endsWith('~'));
    return isFence ? { status: 'swapped' } : this.inner.swap(ref, request, options);
  }
}

function without(stored: StoredCell, stages: readonly Stage[]): StoredCell {
  const { outcomes, ...rest } = stored.cell;
  if (!outcomes) return stored;
  const kept = [...outcomes].filter(
    ([, { settlement }]) => !settlement || !stages.includes(settlement.stage),
  );
  const cell: Cell = { ...rest, ...(kept.length > 0 ? { outcomes: new Map(kept) } : {}) };
  return { ...stored, cell };
}
