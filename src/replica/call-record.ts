import { LatencyRecord, type Latencies } from '../placement/latency-record.ts';
import { isSlow } from '../placement/pace.ts';

/** Calls that are alike in what they cost. */
export type CallSort = 'read' | 'write' | 'scan' | 'sum';

/** A replica that has told nobody anything for so long, though asked, is passed over. */
export const silenceMs = 100;

/** What one gateway knows of how fast one replica answers one sort of calls. */
export class CallRecord {
  readonly #latency = new LatencyRecord();
  #open = 0;
  #busySinceMs = 0;
  #answeredMs = -Infinity;
  #slow = false;

  /** Asked after the others: it answers later than they do, or not at all. */
  get slow(): boolean {
    return this.#slow;
  }

  began(atMs: number): void {
    if (this.#open === 0) this.#busySinceMs = atMs;
    this.#open += 1;
  }

  /** It was answered. */
  answered(atMs: number, latencyMs: number): void {
    this.#answeredMs = atMs;
    this.timedOut(atMs, latencyMs);
  }

  /** No answer after `latencyMs`: it would have taken at least that long. */
  timedOut(atMs: number, latencyMs: number): void {
    this.#open -= 1;
    this.#latency.observe(latencyMs, atMs);
  }

  /** It failed otherwise, which says nothing about its pace. */
  failed(): void {
    this.#open -= 1;
  }

  /** For how long calls have been open and none of them was answered. */
  silentForMs(atMs: number): number {
    return this.#open === 0 ? 0 : atMs - Math.max(this.#busySinceMs, this.#answeredMs);
  }

  /** Undefined while less than `least` answers are remembered. */
  p95(atMs: number, least: number): number | undefined {
    return this.#latency.p95(atMs, least);
  }

  figures(atMs: number): Latencies | undefined {
    return this.#latency.figures(atMs);
  }

  latestMedian(): number | undefined {
    return this.#latency.latestMedian();
  }

  /** Decides anew whether it is slow, beside the best of the others. */
  judge(atMs: number, bestOtherMs: number | undefined): void {
    const isSilent = this.silentForMs(atMs) >= silenceMs;
    this.#slow = isSilent || isSlow(this.#slow, this.#latency.latestMedian(), bestOtherMs);
  }

  /** It was gone, and is back: it begins with a clean slate. */
  startAnew(): void {
    this.#latency.forgetLatest();
    this.#slow = false;
  }
}
