/** What a comparison of replicas found and did. */
export interface RepairSummary {
  /** Keys of which every primary was asked. */
  readonly compared: number;
  /** Keys that some primary held otherwise than another. */
  readonly different: number;
  /** Cells that were written to bring a primary up. */
  readonly repaired: number;
  /** Cells that were not taken for now: a newer ballot is promised there (rule A). Not a failure. */
  readonly refused: number;
  /** Cells that were read. */
  readonly cellsRead: number;
  /** Digests, keys and cells that went to and fro, without what carries them. */
  readonly bytes: number;
  /** Parts of partitions and keys that could not be compared or repaired. */
  readonly failed: number;
  readonly elapsedMs: number;
  /** Why, a line a replica; empty when nothing failed. */
  readonly faults: ReadonlyMap<string, string>;
}

/** A summary that is being counted up. */
export class RepairTally implements RepairSummary {
  compared = 0;
  different = 0;
  repaired = 0;
  refused = 0;
  cellsRead = 0;
  bytes = 0;
  failed = 0;
  elapsedMs = 0;
  readonly faults = new Map<string, string>();

  fail(replica: string, error: unknown, parts = 0): void {
    this.failed += parts;
    this.faults.set(replica, error instanceof Error ? error.message : String(error));
  }

  add(other: RepairSummary): void {
    this.compared += other.compared;
    this.different += other.different;
    this.repaired += other.repaired;
    this.refused += other.refused;
    this.cellsRead += other.cellsRead;
    this.bytes += other.bytes;
    this.failed += other.failed;
    for (const [replica, reason] of other.faults) this.faults.set(replica, reason);
  }
}
