import { emptyCell, isTombstone, type Cell } from '../../../src/causality/cell.ts';
import type { CollectOptions } from '../../../src/replica/digest-source.ts';
import type { Hint, HintClaim, HintRemoval } from '../../../src/replica/hint-store.ts';
import { MemoryReplica } from '../../../src/replica/memory-replica.ts';
import type {
  CallOptions,
  CellRef,
  KeepResult,
  StoredCell,
  SwapRequest,
  SwapResult,
} from '../../../src/replica/replica.ts';

/** Before every deadline. */
const never = { deadlineMs: Infinity };

/** Acts on statements whose deadline has passed: a zombie. */
export class ZombieReplica extends MemoryReplica {
  override swap(ref: CellRef, request: SwapRequest): Promise<SwapResult> {
    return super.swap(ref, request, never);
  }
  override keepNewest(ref: CellRef, next: { cell: Cell; stamp: string }): Promise<KeepResult> {
    return super.keepNewest(ref, next, never);
  }
}

/** Stores whatever comes last, where the newest should win. */
export class LastArrivalReplica extends MemoryReplica {
  #arrivals = 0;

  override keepNewest(
    ref: CellRef,
    next: { cell: Cell; stamp: string },
    options: CallOptions,
  ): Promise<KeepResult> {
    this.#arrivals += 1;
    // Every stamp is greater than the one before, whatever it was.
    const stamp = `~${String(this.#arrivals).padStart(12, '0')}`;
    return super.keepNewest(ref, { cell: next.cell, stamp }, options);
  }
}

/** Does not look whose name a dot is minted in. */
export class AnyNameReplica extends MemoryReplica {
  override swap(
    ref: CellRef,
    { mintedBy: _, ...request }: SwapRequest,
    options: CallOptions,
  ): Promise<SwapResult> {
    return super.swap(ref, request, options);
  }
}

/** Does not know that a row was emptied: what is minted in it again claims what was handed over. */
export class UnawareReplica extends MemoryReplica {
  override collect(
    ref: CellRef,
    expected: bigint,
    { deadlineMs }: CollectOptions,
  ): Promise<boolean> {
    return super.collect(ref, expected, { deadlineMs });
  }
}

/** Forgets a key as soon as nothing but deletions are left of it. */
export class ForgetfulReplica extends MemoryReplica {
  override async read(ref: CellRef): Promise<StoredCell> {
    return forgotten(await super.read(ref));
  }
  override async swap(
    ref: CellRef,
    request: SwapRequest,
    options: CallOptions,
  ): Promise<SwapResult> {
    const current = await super.read(ref);
    const isForgotten = forgotten(current).digest !== current.digest;
    const expected = isForgotten && request.expected === 0n ? current.digest : request.expected;
    const result = await super.swap(ref, { ...request, expected }, options);
    return result.status === 'swapped' ? result : { ...result, current: forgotten(result.current) };
  }
}

function forgotten(stored: StoredCell): StoredCell {
  const { siblings } = stored.cell;
  const isGone = siblings.length > 0 && siblings.every((sibling) => isTombstone(sibling, 0));
  return isGone ? { ...stored, cell: emptyCell, digest: 0n } : stored;
}

/** Says that it keeps a hint, and has it in memory at best. */
export class CarelessReplica extends MemoryReplica {
  override async putHint(): Promise<void> {
    // Nothing of it is kept.
  }
}

/** Hands out hints that others have taken too, and forgets half of the times that they were delivered. */
export class RepeatingReplica extends MemoryReplica {
  #removals = 0;

  override claimHints(claim: HintClaim, options: CallOptions): Promise<readonly Hint[]> {
    return super.claimHints({ ...claim, claimMs: 0 }, options);
  }
  override async removeHints(removal: HintRemoval, options: CallOptions): Promise<void> {
    this.#removals += 1;
    if (this.#removals % 2 === 0) await super.removeHints(removal, options);
  }
}

/** Rule A off: any cell is taken, whatever was promised, unless a proposer of this very ballot sends it. */
export class UnruledReplica extends MemoryReplica {
  protected override mayTake(row: StoredCell, { next, ...rest }: SwapRequest): boolean {
    return isRepair in rest || super.mayTake(row, { next, ...rest });
  }
}

/** Accepts whatever has not been overtaken there yet, though another proposer was promised that it would not. */
export class ObligingReplica extends MemoryReplica {
  protected override mayTake(row: StoredCell, request: SwapRequest): boolean {
    return request.acceptedBy !== undefined || super.mayTake(row, request);
  }
}

/** Marks a swap that carries state between replicas, and is no accept. */
export const isRepair = Symbol('repair');
