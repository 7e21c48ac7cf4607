/** Three figures of recent latency, in ms. */
export interface Latencies {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Eight buckets a doubling: a figure is within 5 % of the truth. */
const perDoubling = 8;
const leastMs = 0.05;
/** The last bucket begins at about 100 s: no call here waits that long. */
const buckets = 21 * perDoubling;
/** After this time an answer counts half as much as a new one. */
const halfLifeMs = 10_000;
/** Old answers are discounted this often, not at every answer. */
const discountEveryMs = 250;
/** How many of the latest answers the median is of. Odd, so that the median is one of them. */
const latestMax = 15;
/** With fewer nobody is called slow. */
const latestMin = 5;

/**
 * How long calls took of late, in constant space: a histogram of buckets that grow by a constant
 * factor, in which old answers fade away; and the median of the latest few, which follows a change
 * at once.
 *
 * Time is handed in and never read. Source of the buckets: Masson, Rim, Lee, "DDSketch", VLDB 2019,
 * section 2; what fades is forward decay (Cormode et al., ICDE 2009) in steps.
 */
export class LatencyRecord {
  readonly #weights = new Float64Array(buckets);
  readonly #latest: number[] = [];
  #next = 0;
  #total = 0;
  #discountedMs = -Infinity;

  observe(latencyMs: number, atMs: number): void {
    this.#discount(atMs);
    const bucket = bucketOf(latencyMs);
    this.#weights[bucket] = (this.#weights[bucket] ?? 0) + 1;
    this.#total += 1;
    this.#latest[this.#next] = latencyMs;
    this.#next = (this.#next + 1) % latestMax;
  }

  /** How many answers it has, those of long ago counted less. */
  weight(atMs: number): number {
    this.#discount(atMs);
    return this.#total;
  }

  /** Undefined while fewer answers than `least` are remembered. */
  figures(atMs: number, least = 1): Latencies | undefined {
    if (this.weight(atMs) < least) return undefined;
    return { p50: this.#quantile(0.5), p95: this.#quantile(0.95), p99: this.#quantile(0.99) };
  }

  /** The 95th percentile, undefined while fewer answers than `least` are remembered. */
  p95(atMs: number, least: number): number | undefined {
    return this.weight(atMs) < least ? undefined : this.#quantile(0.95);
  }

  /** The median of the latest answers; undefined while there are too few. */
  latestMedian(): number | undefined {
    if (this.#latest.length < latestMin) return undefined;
    return this.#latest.toSorted((a, b) => a - b)[this.#latest.length >> 1];
  }

  /** What was measured before an outage says nothing about the time after it. */
  forgetLatest(): void {
    this.#latest.length = 0;
    this.#next = 0;
  }

  #quantile(share: number): number {
    let left = share * this.#total;
    let last = 0;
    for (const [bucket, weight] of this.#weights.entries()) {
      if (weight === 0) continue;
      last = bucket;
      left -= weight;
      if (left <= 1e-9 * this.#total) break;
    }
    return middleOf(last);
  }

  #discount(atMs: number): void {
    const sinceMs = atMs - this.#discountedMs;
    if (sinceMs < discountEveryMs) return;
    this.#discountedMs = atMs;
    if (this.#total === 0) return;
    const factor = 2 ** (-sinceMs / halfLifeMs);
    this.#total = 0;
    for (const [bucket, weight] of this.#weights.entries()) {
      // What is next to nothing becomes nothing, or a quantile of long ago would never fade.
      const faded = weight * factor < 1e-3 ? 0 : weight * factor;
      this.#weights[bucket] = faded;
      this.#total += faded;
    }
  }
}

function bucketOf(ms: number): number {
  const bucket = Math.floor(Math.log2(Math.max(ms, leastMs) / leastMs) * perDoubling);
  return Math.min(bucket, buckets - 1);
}

/** The geometric middle of a bucket. */
function middleOf(bucket: number): number {
  return leastMs * 2 ** ((bucket + 0.5) / perDoubling);
}
